"""The search: each thread compares a share of the questions with all chunks, in the order of their rows.

A thread scores a stretch of chunks roughly, notes which of them may be among the best, and scores what is left of
these exactly at the end. What is found depends on neither the number of threads nor the other questions.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ragtally.support.ranking import round_scores
from ragtally_dense.comparison import Asked, Comparison, Floats


class Best:
    """A ranking a question, as `ragtally.support.ranking.best_rows` makes: rounded score first, then lower row."""

    def __init__(self, questions: int, limit: int) -> None:
        self.rows = np.full((questions, limit), -1, np.int32)
        self.scores = np.zeros((questions, limit))

    def add(self, questions: NDArray[np.intp], chunks: NDArray[np.integer], scores: NDArray[np.float64]) -> None:
        """Take in more chunks."""
        touched = np.unique(questions)
        old, location = np.nonzero(self.rows[touched] >= 0)
        old = touched[old]
        asked = np.concatenate([old, questions])
        rows = np.concatenate([self.rows[old, location], chunks])
        rounded = np.concatenate([self.scores[old, location], round_scores(scores)])
        order = np.lexsort((rows, -rounded, asked))
        asked, rows, rounded = asked[order], rows[order], rounded[order]
        rank = np.arange(len(asked)) - np.searchsorted(asked, asked)
        kept = rank < self.rows.shape[1]
        self.rows[asked[kept], rank[kept]] = rows[kept]
        self.scores[asked[kept], rank[kept]] = rounded[kept]


_QUESTIONS = 512
_CHUNKS = 4096
_GROUP = 8
_MOST_NOTED = 1 << 18
_MOST_THREADS = 8


def threads() -> int:
    """Say how many threads a search runs on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, _MOST_THREADS)


def nearest(comparison: Comparison, asked: Asked, limit: int, *, compiled: bool) -> Best:
    """Find the nearest chunks of each question."""
    best = Best(len(asked), limit)
    share = max(1, min(_QUESTIONS, -(-len(asked) // threads())))
    shares = [slice(first, min(first + share, len(asked))) for first in range(0, len(asked), share)]

    def find(questions: slice) -> None:
        found = _Scan(comparison, asked, questions, limit, compiled).run()
        best.rows[questions], best.scores[questions] = found.rows, found.scores

    # Each thread multiplies matrices of its own.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads()) as pool:
        for _ in pool.map(find, shares):
            pass
    return best


class _Noted(NamedTuple):
    """Pairs that may be among the best: question, chunk, and the lowest and highest score that it may have."""

    questions: NDArray[np.intp]
    chunks: NDArray[np.intp]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


class _Scan:
    """One thread's share: chunks noted but not yet scored exactly, and the best of those that are."""

    def __init__(self, comparison: Comparison, asked: Asked, questions: slice, limit: int, compiled: bool) -> None:
        self._comparison, self._asked, self._questions = comparison, asked, questions
        self._limit, self._compiled = limit, compiled
        self._count = questions.stop - questions.start
        self._best = Best(self._count, limit)
        # The best of the lowest scores that a question's chunks may have; the last of them is the one to beat.
        self._lowest = np.full((self._count, limit), -np.inf)
        self._noted: list[_Noted] = []
        self._fresh: list[_Noted] = []

    def run(self) -> Best:
        """Compare with all chunks."""
        buffer = np.empty(self._count * min(_CHUNKS, len(self._comparison)), np.float32)
        turn = 1
        for stretch, start in enumerate(range(0, len(self._comparison), _CHUNKS), 1):
            chunks = slice(start, min(start + _CHUNKS, len(self._comparison)))
            scores = buffer[: self._count * (chunks.stop - start)].reshape(self._count, -1)
            self._comparison.score(self._asked, self._questions, chunks, scores, compiled=self._compiled)
            self._note(scores, chunks)
            # Later stretches change less: each time that there are twice as many behind is often enough.
            if stretch == turn or _total(self._fresh) > _MOST_NOTED:
                self._raise()
                turn = 2 * stretch
            if _total(self._noted) > _MOST_NOTED:
                self._settle()
        self._raise()
        self._settle()
        return self._best

    def _note(self, scores: Floats, chunks: slice) -> None:
        relative = self._comparison.relative
        error = self._comparison.error(self._asked, self._questions, chunks)
        # A chunk that is only as near as the last of enough chunks before it has lost already.
        floor = _lowered(self._lowest[:, -1], error, relative)
        if not np.isfinite(self._lowest[:, -1]).all():
            floor = np.maximum(floor, self._floor_within(scores, error))
        questions, places = _above(scores, floor)
        if len(questions):
            values = scores[questions, places].astype(np.float64)
            slack = error[questions] + relative * np.abs(values)
            self._fresh.append(_Noted(questions, places + chunks.start, values - slack, values + slack))

    def _floor_within(self, scores: Floats, error: NDArray[np.float64]) -> NDArray[np.float32]:
        """Bound what may be among the best from the scores of a stretch that is itself part of the comparison."""
        comparison = self._comparison
        threshold = _limit_th_best(scores, self._limit)
        known = np.isfinite(threshold)
        threshold = np.where(known, threshold, 0)
        threshold -= error + comparison.relative * np.abs(threshold)
        threshold -= comparison.window * np.abs(threshold + self._asked.shift[self._questions])
        floor = _lowered(threshold, error, comparison.relative)
        return np.where(known, np.nextafter(floor, np.float32(-np.inf)), np.float32(-np.inf))

    def _raise(self) -> None:
        """Learn from what is freshly noted what is the score to beat."""
        if not self._fresh:
            return
        fresh = _joined(self._fresh)
        self._noted += self._fresh
        self._fresh = []
        touched = np.unique(fresh.questions)
        questions = np.concatenate([np.repeat(touched, self._limit), fresh.questions])
        lowest = np.concatenate([self._lowest[touched].ravel(), fresh.lowest])
        order = np.lexsort((-lowest, questions))
        questions, lowest = questions[order], lowest[order]
        rank = np.arange(len(questions)) - np.searchsorted(questions, questions)
        kept = rank < self._limit
        self._lowest[questions[kept], rank[kept]] = lowest[kept]

    def _settle(self) -> None:
        """Score what is noted exactly, and keep the best of it."""
        if not self._noted:
            return
        noted = _joined(self._noted)
        self._noted = []
        threshold = self._lowest[:, -1]
        known = np.isfinite(threshold)
        magnitude = np.abs(np.where(known, threshold, 0) + self._asked.shift[self._questions])
        floor = np.where(known, threshold - self._comparison.window * magnitude, -np.inf)
        kept = noted.highest >= floor[noted.questions]
        questions, chunks = noted.questions[kept], noted.chunks[kept]
        exact = self._comparison.exact(self._asked, questions + self._questions.start, chunks)
        self._best.add(questions, chunks, exact)


def _joined(parts: list[_Noted]) -> _Noted:
    return _Noted(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _total(parts: list[_Noted]) -> int:
    return sum(len(part.questions) for part in parts)


def _lowered(threshold: NDArray[np.float64], error: NDArray[np.float64], relative: float) -> NDArray[np.float32]:
    known = np.isfinite(threshold)
    exact = np.where(known, threshold, 0)
    exact = exact - error - 2 * relative * np.abs(exact)
    rough = exact.astype(np.float32)
    rough = np.where(rough > exact, np.nextafter(rough, np.float32(-np.inf)), rough)
    return np.where(known, rough, np.float32(-np.inf))


def _grouped(scores: Floats) -> Floats | None:
    """See every `_GROUP` scores of a question together, if their number divides."""
    questions, chunks = scores.shape
    return None if chunks % _GROUP else scores.reshape(questions, _GROUP, chunks // _GROUP)


def _above(scores: Floats, floor: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    groups = _grouped(scores)
    if groups is None:
        return _where(scores > floor[:, None])
    # One look at the best of each group; then at the members of the few groups that have one.
    question, group = _where(groups.max(axis=1) > floor[:, None])
    which, member = _where(groups[question, :, group] > floor[question][:, None])
    return question[which], member * groups.shape[2] + group[which]


def _where(marks: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """As `numpy.nonzero` of a table, which takes far longer where few are marked."""
    row, column = np.divmod(np.flatnonzero(marks), marks.shape[1])
    return row, column


def _limit_th_best(scores: Floats, limit: int) -> NDArray[np.float64]:
    # Of the best scores of `limit` groups, each group's is one score: so the limit-th best score of all is at
    # least the limit-th best group's. Far cheaper than a partition of every score.
    groups = _grouped(scores)
    if groups is not None and groups.shape[2] >= limit:
        scores = groups.max(axis=1)
    if scores.shape[1] < limit:
        return np.full(len(scores), -np.inf)
    location = scores.shape[1] - limit
    return np.partition(scores, location, axis=1)[:, location].astype(np.float64)
