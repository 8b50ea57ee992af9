"""Windows in place of the chunks that were found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ragtally import Candidates, Hits, PluginError, Queries, Spans
from ragtally.support.fusion import fuse_hits

_PAIRS_AT_ONCE = 1 << 20


class Parent:
    """Ranks windows by the best score of the chunks that lie in them, then by row; each window once."""

    def __init__(self, depth: int) -> None:
        self._depth = depth

    def rerank(self, queries: Queries, candidates: Candidates, limit: int) -> Hits:
        """Find windows (see `ragtally.api.Reranker.rerank`)."""
        if candidates.windows is None or len(candidates.hits) != 1:
            raise PluginError("the retriever parent needs the hits of one retriever, and windows")
        chunks = candidates.hits[0].passage[:, : self._depth]
        # One more than there are chunks: row -1, no hit, is looked up there and finds no window.
        window = np.full(len(candidates.passages.spans) + 1, -1, dtype=np.int32)
        is_hit = np.zeros(len(window), dtype=bool)
        is_hit[chunks] = True
        rows = np.flatnonzero(is_hit[:-1])
        window[rows] = windows_of(candidates.passages.spans, rows, candidates.windows)
        scores = candidates.hits[0].score[:, : self._depth]
        return fuse_hits(window[chunks], scores, limit, np.maximum)


def windows_of(chunks: Spans, rows: NDArray[np.integer], windows: Spans) -> NDArray[np.int32]:
    """Look up the window that holds most characters of each chunk; the earliest one of several."""
    best = np.empty(len(rows), dtype=np.int32)
    document, start, end = chunks.document[rows], chunks.start[rows], chunks.end[rows]
    first, last = _candidates(document, start, end, windows)
    uncovered = np.flatnonzero(first >= last)
    if len(uncovered):
        row = uncovered[0]
        raise PluginError(
            f"no window holds anything of the chunk {rows[row]}, [{start[row]}, {end[row]}) of the document in row "
            f"{document[row]}",
            hint="a chunker must leave out nothing but white space: test that of `window` with ChunkerSuite",
        )
    for block in _blocks(last - first):
        counts = (last - first)[block]
        begins = np.cumsum(counts) - counts
        chunk = np.repeat(np.arange(len(counts)), counts)
        candidate = np.arange(len(chunk)) + (first[block] - begins)[chunk]
        overlap = np.minimum(end[block][chunk], windows.end[candidate])
        overlap -= np.maximum(start[block][chunk], windows.start[candidate])
        most = np.maximum.reduceat(overlap, begins)
        candidate = np.where(overlap == most[chunk], candidate, len(windows))
        best[block] = np.minimum.reduceat(candidate, begins)
    return best


def _candidates(
    document: NDArray[np.int32], start: NDArray[np.int32], end: NDArray[np.int32], windows: Spans
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bound the windows that overlap each chunk: the first that ends after its start, and past the last that begins
    before its end; in between there may be some that end before its start.
    """
    length = 1 + max(windows.end.max(initial=0), end.max(initial=0)).astype(np.int64)
    base = windows.document * length
    # Windows may lie in one another. The furthest end so far never falls, nor does it from one document to the next.
    furthest = np.maximum.accumulate(base + windows.end)
    first = np.searchsorted(furthest, document * length + start, side="right")
    last = np.searchsorted(base + windows.start, document * length + end, side="left")
    return first, last


def _blocks(counts: NDArray[np.int64]) -> Iterator[slice]:
    total = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + _PAIRS_AT_ONCE, side="right")))
        yield slice(start, stop)
        start = stop
