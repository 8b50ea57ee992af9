"""Ranking many questions' candidates at once, for retrievers that build on what others found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Hits
from ragtally.support.ranking import no_hits, round_scores

QUESTIONS_AT_ONCE = 4096
"""In blocks of how many questions candidates are worth working on: large enough that numpy's own cost per call does
not count, small enough that all in between stays below some hundred megabytes."""


def fuse_hits(rows: NDArray[np.int32], scores: NDArray[np.floating], limit: int, merge: np.ufunc = np.add) -> Hits:
    """Rank each question's candidates: higher rounded score first, then lower row; no loop over questions.

    A row that is a candidate several times is one hit, its scores merged in the order of the columns.

    Args:
        rows: The candidates' rows, shape [questions, candidates]; -1 for no candidate, anywhere.
        scores: Their finite scores, same shape; ignored where there is no candidate.
        limit: How many hits each question may have.
        merge: How the scores of one row are merged: `numpy.add` or `numpy.maximum`.

    Returns:
        The hits, of shape [questions, limit].
    """
    hits = no_hits(len(rows), limit)
    if rows.size == 0 or limit < 1:
        return hits
    for start in range(0, len(rows), QUESTIONS_AT_ONCE):
        block = slice(start, start + QUESTIONS_AT_ONCE)
        fused_rows, fused_scores = _best(rows[block], scores[block], limit, merge)
        hits.passage[block, : fused_rows.shape[1]] = fused_rows
        hits.score[block, : fused_rows.shape[1]] = fused_scores
    return hits


def _best(
    rows: NDArray[np.int32], scores: NDArray[np.floating], limit: int, merge: np.ufunc
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    order = _ascending(rows)
    rows, scores = np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)
    first = np.ones(rows.shape, dtype=bool)
    first[:, 1:] = rows[:, 1:] != rows[:, :-1]
    starts = np.flatnonzero(first)
    fused_scores = round_scores(merge.reduceat(scores.astype(np.float64).ravel(), starts)).astype(np.float32)
    candidate = rows.ravel()[starts] >= 0
    best = np.full(rows.shape, -np.inf, dtype=np.float32)
    best.ravel()[starts[candidate]] = fused_scores[candidate]
    # Rows ascend by now, so that a stable order leaves the lower one of two equals in front.
    order = _ascending(_descending_bits(best))[:, :limit]
    best = np.take_along_axis(best, order, axis=1)
    is_hit = np.isfinite(best)
    rows = np.where(is_hit, np.take_along_axis(rows, order, axis=1), np.int32(-1))
    return rows, np.where(is_hit, best, np.float32(0))


def _ascending(keys: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sort each row of keys stably; several times as fast as numpy's own stable sort, which finds no use for SIMD."""
    bits = max(1, (keys.shape[1] - 1).bit_length())
    columns = np.arange(keys.shape[1], dtype=np.int64)
    keys_and_columns = np.sort((keys.astype(np.int64) << bits) | columns, axis=1)
    order: NDArray[np.int64] = keys_and_columns & ((1 << bits) - 1)
    return order


def _descending_bits(scores: NDArray[np.float32]) -> NDArray[np.int32]:
    """Map scores to whole numbers that are the smaller, the higher the score (IEEE 754 bits, sign unfolded)."""
    # Minus zero would come after zero, although they are equal.
    bits = (scores + np.float32(0)).view(np.int32)
    return ~np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
