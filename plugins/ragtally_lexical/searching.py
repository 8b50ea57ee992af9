"""Searches an index for many questions, on one thread or on several."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits
from ragtally.support.ranking import no_hits
from ragtally_lexical.asking import Asked
from ragtally_lexical.index import TermIndex
from ragtally_lexical.ranking import write_best

_BLOCK = 256
_MOST_CANDIDATES = 1024


class Candidates(NamedTuple):
    """What may be among one question's best."""

    chunks: NDArray[np.integer]  # Rows of chunks, each once; integers, shape [candidates]
    scores: NDArray[np.float64]  # Their scores, higher is better, float64


@dataclass(frozen=True, slots=True)
class Space:
    """What one thread works in."""

    sums: NDArray[np.float64]  # One zero a chunk; whoever changes one sets it to zero again
    found: NDArray[np.int32]  # Space for every chunk
    heap: NDArray[np.float64]  # Space for as many scores as hits are asked for


def search(
    index: TermIndex,
    asked: Asked,
    limit: int,
    candidates: Callable[[int, Space], Candidates],
    rounded: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Hits:
    """Rank the candidates of every question."""
    hits = no_hits(len(asked), limit)
    if limit < 1 or not len(index.lengths):
        return hits
    threads = _threads() if asked.in_bulk else 1
    starts = range(0, len(asked), _BLOCK)

    def work(thread: int) -> None:
        chunks = len(index.lengths)
        space = Space(np.zeros(chunks), np.empty(chunks, np.int32), np.empty(limit))
        for start in starts[thread::threads]:
            block = range(start, min(start + _BLOCK, len(asked)))
            found = [_fewer(candidates(question, space), limit, rounded) for question in block]
            questions = np.repeat(np.array(block), [len(one.chunks) for one in found])
            scores = np.concatenate([one.scores for one in found])
            write_best(hits, questions, np.concatenate([one.chunks for one in found]), rounded(scores))

    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return hits


def _fewer(
    found: Candidates, limit: int, rounded: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Candidates:
    # Where most chunks tie, a block of questions would hold most of the corpus for each.
    if len(found.chunks) <= limit + _MOST_CANDIDATES:
        return found
    best = np.lexsort((found.chunks, -rounded(found.scores)))[:limit]
    return Candidates(found.chunks[best], found.scores[best])


def _threads() -> int:
    # Compiled loops run without the interpreter's lock. numba counts the cores that this process may use, and heeds
    # NUMBA_NUM_THREADS.
    from numba import config

    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
