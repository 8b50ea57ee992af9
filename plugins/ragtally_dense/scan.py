"""The search: each thread compares a share of the questions with all chunks, in the order of their rows.

A thread scores a stretch of chunks roughly, shortlists which of them may be among the best, and scores what is
left of these exactly at the end. The result depends on neither the number of threads nor the other questions.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ragtally.support.ranking import round_scores
from ragtally_dense.comparison import Comparison, Floats, QueryBlock

_QUESTIONS = 512
_CHUNKS = 4096
_GROUP = 8
_MOST_PAIRS = 1 << 18
_MOST_THREADS = 8


class Best:
    """One ranking per question, as `ragtally.support.ranking.best_rows` makes it: by rounded score, then by row."""

    def __init__(self, questions: int, limit: int) -> None:
        self.rows = np.full((questions, limit), -1, np.int32)
        self.scores = np.zeros((questions, limit))

    def add(self, questions: NDArray[np.intp], chunks: NDArray[np.integer], scores: NDArray[np.float64]) -> None:
        """Take in more chunks."""
        changed = np.unique(questions)
        old, position = np.nonzero(self.rows[changed] >= 0)
        old = changed[old]
        question = np.concatenate([old, questions])
        rows = np.concatenate([self.rows[old, position], chunks])
        rounded_scores = np.concatenate([self.scores[old, position], round_scores(scores)])
        order = np.lexsort((rows, -rounded_scores, question))
        question, rows, rounded_scores = question[order], rows[order], rounded_scores[order]
        rank = np.arange(len(question)) - np.searchsorted(question, question)
        within = rank < self.rows.shape[1]
        self.rows[question[within], rank[within]] = rows[within]
        self.scores[question[within], rank[within]] = rounded_scores[within]


def threads() -> int:
    """The number of threads of a search."""
    setting = os.environ.get("OMP_NUM_THREADS", "")
    if setting.isdecimal() and int(setting) > 0:
        return int(setting)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)


def nearest(comparison: Comparison, queries: QueryBlock, limit: int, *, use_compiled: bool) -> Best:
    """Find the nearest chunks of each question."""
    best = Best(len(queries), limit)
    share = max(1, min(_QUESTIONS, -(-len(queries) // threads())))
    shares = [slice(first, min(first + share, len(queries))) for first in range(0, len(queries), share)]

    def find(questions: slice) -> None:
        ranking = _Scan(comparison, queries, questions, limit, use_compiled).run()
        best.rows[questions], best.scores[questions] = ranking.rows, ranking.scores

    # Each thread multiplies matrices of its own.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads()) as pool:
        for _ in pool.map(find, shares):
            pass
    return best


class _Shortlist(NamedTuple):
    """Pairs that may be among the best: question, chunk, and the lowest and highest score that it may have."""

    questions: NDArray[np.intp]
    chunks: NDArray[np.intp]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]


class _Scan:
    """One thread's share: chunks shortlisted but not yet scored exactly, and the best of those that are."""

    def __init__(
        self, comparison: Comparison, queries: QueryBlock, questions: slice, limit: int, use_compiled: bool
    ) -> None:
        self._comparison, self._queries, self._questions = comparison, queries, questions
        self._limit, self._use_compiled = limit, use_compiled
        self._count = questions.stop - questions.start
        self._best = Best(self._count, limit)
        # The best of the lowest scores that a question's chunks may have; the last of them is the one to beat.
        self._lowest = np.full((self._count, limit), -np.inf)
        self._shortlists: list[_Shortlist] = []
        self._fresh: list[_Shortlist] = []

    def run(self) -> Best:
        """Compare with all chunks."""
        buffer = np.empty(self._count * min(_CHUNKS, len(self._comparison)), np.float32)
        turn = 1
        for stretch, start in enumerate(range(0, len(self._comparison), _CHUNKS), 1):
            chunks = slice(start, min(start + _CHUNKS, len(self._comparison)))
            scores = buffer[: self._count * (chunks.stop - start)].reshape(self._count, -1)
            self._comparison.score(self._queries, self._questions, chunks, scores, use_compiled=self._use_compiled)
            self._note(scores, chunks)
            # Later stretches change less: each time that there are twice as many behind is often enough.
            if stretch == turn or _total(self._fresh) > _MOST_PAIRS:
                self._raise()
                turn = 2 * stretch
            if _total(self._shortlists) > _MOST_PAIRS:
                self._settle()
        self._raise()
        self._settle()
        return self._best

    def _note(self, scores: Floats, chunks: slice) -> None:
        relative = self._comparison.relative
        error = self._comparison.error(self._queries, self._questions, chunks)
        # A chunk that is only as near as the last of enough chunks before it has lost already.
        floor = _lower(self._lowest[:, -1], error, relative)
        if not np.isfinite(self._lowest[:, -1]).all():
            floor = np.maximum(floor, self._floor_within(scores, error))
        questions, positions = _above(scores, floor)
        if len(questions):
            values = scores[questions, positions].astype(np.float64)
            slack = error[questions] + relative * np.abs(values)
            self._fresh.append(_Shortlist(questions, positions + chunks.start, values - slack, values + slack))

    def _floor_within(self, scores: Floats, error: NDArray[np.float64]) -> NDArray[np.float32]:
        """Bound what may be among the best from the scores of a stretch that is itself part of the comparison."""
        comparison = self._comparison
        threshold = _limit_th_best(scores, self._limit)
        is_known = np.isfinite(threshold)
        threshold = np.where(is_known, threshold, 0)
        threshold -= error + comparison.relative * np.abs(threshold)
        threshold -= comparison.window * np.abs(threshold + self._queries.shift[self._questions])
        floor = _lower(threshold, error, comparison.relative)
        return np.where(is_known, np.nextafter(floor, np.float32(-np.inf)), np.float32(-np.inf))

    def _raise(self) -> None:
        """Raise the score to beat by the pairs that were shortlisted since."""
        if not self._fresh:
            return
        fresh = _concatenate(self._fresh)
        self._shortlists += self._fresh
        self._fresh = []
        changed = np.unique(fresh.questions)
        questions = np.concatenate([np.repeat(changed, self._limit), fresh.questions])
        lowest = np.concatenate([self._lowest[changed].ravel(), fresh.lowest])
        order = np.lexsort((-lowest, questions))
        questions, lowest = questions[order], lowest[order]
        rank = np.arange(len(questions)) - np.searchsorted(questions, questions)
        within = rank < self._limit
        self._lowest[questions[within], rank[within]] = lowest[within]

    def _settle(self) -> None:
        """Score the shortlist exactly, and keep the best of it."""
        if not self._shortlists:
            return
        pairs = _concatenate(self._shortlists)
        self._shortlists = []
        threshold = self._lowest[:, -1]
        is_known = np.isfinite(threshold)
        magnitude = np.abs(np.where(is_known, threshold, 0) + self._queries.shift[self._questions])
        floor = np.where(is_known, threshold - self._comparison.window * magnitude, -np.inf)
        possible = pairs.highest >= floor[pairs.questions]
        questions, chunks = pairs.questions[possible], pairs.chunks[possible]
        exact = self._comparison.exact(self._queries, questions + self._questions.start, chunks)
        self._best.add(questions, chunks, exact)


def _concatenate(parts: list[_Shortlist]) -> _Shortlist:
    return _Shortlist(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _total(parts: list[_Shortlist]) -> int:
    return sum(len(part.questions) for part in parts)


def _lower(threshold: NDArray[np.float64], error: NDArray[np.float64], relative: float) -> NDArray[np.float32]:
    known = np.isfinite(threshold)
    exact = np.where(known, threshold, 0)
    exact = exact - error - 2 * relative * np.abs(exact)
    rough = exact.astype(np.float32)
    rough = np.where(rough > exact, np.nextafter(rough, np.float32(-np.inf)), rough)
    return np.where(known, rough, np.float32(-np.inf))


def _group(scores: Floats) -> Floats | None:
    """See every `_GROUP` scores of a question together, if their number divides."""
    questions, chunks = scores.shape
    return None if chunks % _GROUP else scores.reshape(questions, _GROUP, chunks // _GROUP)


def _above(scores: Floats, floor: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    groups = _group(scores)
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
    groups = _group(scores)
    if groups is not None and groups.shape[2] >= limit:
        scores = groups.max(axis=1)
    if scores.shape[1] < limit:
        return np.full(len(scores), -np.inf)
    position = scores.shape[1] - limit
    return np.partition(scores, position, axis=1)[:, position].astype(np.float64)
