"""Searches an index for many questions at once, on one thread or on several."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits
from ragtally.support.ranking import ROUNDING_SLACK, no_hits
from ragtally_lexical.index import TermIndex, TermQueries


def shortlist(scores: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """Pick what may be among one question's best after rounding."""
    if len(scores) <= limit:
        return np.arange(len(scores))
    position = len(scores) - limit
    threshold = np.partition(scores, position)[position]
    return np.flatnonzero(scores >= threshold - ROUNDING_SLACK * abs(threshold))


def write_best(
    hits: Hits, question: NDArray[np.int64], chunk: NDArray[np.integer], score: NDArray[np.float64]
) -> None:
    """Write the best candidates of several questions into hits: higher score first, then lower row."""
    order = np.lexsort((chunk, -score, question))
    question = question[order]
    position = np.arange(len(order)) - np.searchsorted(question, question)
    within = position < hits.passage.shape[1]
    hits.passage[question[within], position[within]] = chunk[order[within]]
    hits.score[question[within], position[within]] = score[order[within]]


_BLOCK = 256
_MOST_CANDIDATES = 1024


class Candidates(NamedTuple):
    """What may be among one question's best."""

    chunks: NDArray[np.integer]  # Rows of chunks, each once; integers, shape [candidates]
    scores: NDArray[np.float64]  # Their scores, higher is better, float64


@dataclass(frozen=True, slots=True)
class Scratch:
    """What one thread works in."""

    sums: NDArray[np.float64]  # One zero per chunk; whoever changes one sets it to zero again
    hits: NDArray[np.int32]  # Scratch for every chunk
    heap: NDArray[np.float64]  # Scratch for as many scores as hits are asked for


def search(
    index: TermIndex,
    queries: TermQueries,
    limit: int,
    candidates: Callable[[int, Scratch], Candidates],
    round_scores: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Hits:
    """Rank the candidates of every question."""
    hits = no_hits(len(queries), limit)
    if limit < 1 or not len(index.lengths):
        return hits
    threads = _threads() if queries.in_bulk else 1
    starts = range(0, len(queries), _BLOCK)

    def work(thread: int) -> None:
        chunks = len(index.lengths)
        scratch = Scratch(np.zeros(chunks), np.empty(chunks, np.int32), np.empty(limit))
        for start in starts[thread::threads]:
            block = range(start, min(start + _BLOCK, len(queries)))
            shortlists = [_truncate(candidates(question, scratch), limit, round_scores) for question in block]
            questions = np.repeat(np.array(block), [len(one.chunks) for one in shortlists])
            scores = np.concatenate([one.scores for one in shortlists])
            write_best(hits, questions, np.concatenate([one.chunks for one in shortlists]), round_scores(scores))

    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return hits


def _truncate(
    candidates: Candidates, limit: int, round_scores: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Candidates:
    # Where most chunks tie, a block of questions would hold most of the corpus for each.
    if len(candidates.chunks) <= limit + _MOST_CANDIDATES:
        return candidates
    best = np.lexsort((candidates.chunks, -round_scores(candidates.scores)))[:limit]
    return Candidates(candidates.chunks[best], candidates.scores[best])


def _threads() -> int:
    # Compiled loops run without the interpreter's lock. numba counts the cores that this process may use, and heeds
    # NUMBA_NUM_THREADS.
    from numba import config

    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
