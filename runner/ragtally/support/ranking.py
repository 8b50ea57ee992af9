"""Ranking for retrievers: rounded scores, ties by row, so that the same corpus ranks the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Hits

SIGNIFICANT_DIGITS = 5
"""To how many significant decimal digits scores are rounded before ties are broken: float32 sums taken in
another order (another machine, another thread count) differ around the seventh."""

ROUNDING_SLACK = 2 * 10.0 ** (1 - SIGNIFICANT_DIGITS)
"""By what share of its magnitude a score may be below another and still round to the same number. Rounding
moves each of the two by at most half of `10 ** (1 - SIGNIFICANT_DIGITS)`; the rest is for float error."""

_SMALLEST_MAGNITUDE = -300.0
_QUESTIONS_AT_ONCE = 4096


class RankedRows(NamedTuple):
    """The kept candidates of one question, best first.

    Attributes:
        rows: Passage rows, int32.
        scores: Their rounded scores, float32.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


def round_scores(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Round scores to `SIGNIFICANT_DIGITS` significant digits.

    Args:
        scores: Finite scores of any shape.

    Returns:
        The rounded scores, float64, same shape; a larger score never rounds to a smaller number.
    """
    values = np.asarray(scores, dtype=np.float64)
    with np.errstate(divide="ignore"):
        magnitude = np.where(values == 0, 0.0, np.floor(np.log10(np.abs(values))))
    # Below this the factor would overflow; such a score is zero for every purpose, but must not become NaN.
    factor = np.power(10.0, SIGNIFICANT_DIGITS - 1 - np.maximum(magnitude, _SMALLEST_MAGNITUDE))
    return np.where(values == 0, 0.0, np.round(values * factor) / factor)


def best_rows(scores: NDArray[np.floating], rows: NDArray[np.integer], limit: int) -> RankedRows:
    """Pick the best of one question's candidates: higher rounded score first, then lower row.

    Args:
        scores: The candidates' finite scores, shape [candidates].
        rows: The candidates' passage rows, shape [candidates].
        limit: How many to keep at most.

    Returns:
        At most `limit` candidates.
    """
    scores, rows = np.asarray(scores), np.asarray(rows)
    if limit < 1:
        scores, rows = scores[:0], rows[:0]
    if len(scores) > limit:
        # Rounding costs far more than comparing, so only what may be among the best is rounded.
        threshold = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        keep = np.flatnonzero(scores >= threshold - ROUNDING_SLACK * abs(threshold))
        scores, rows = scores[keep], rows[keep]
    coarse = round_scores(scores)
    order = np.lexsort((rows, -coarse))[:limit]
    return RankedRows(rows[order].astype(np.int32), coarse[order].astype(np.float32))


def ranking_depth(limit: int, rows: int) -> int:
    """Say how long a ranking can get, so that no array has a billion columns for a `top_k` beyond the corpus.

    Args:
        limit: How many hits are wanted.
        rows: How many passages there are.

    Returns:
        The smaller of both, at least 1.
    """
    return max(1, min(limit, rows))


def no_hits(questions: int, limit: int) -> Hits:
    """Make hits without a hit in them, for a retriever to write its rankings into.

    Args:
        questions: How many questions there are.
        limit: How many hits each may have.

    Returns:
        Hits of shape [questions, limit]: every passage -1, every score 0.
    """
    return Hits(
        passage=np.full((questions, limit), -1, dtype=np.int32),
        score=np.zeros((questions, limit), dtype=np.float32),
    )


def merge_hits(parts: Iterable[Hits], starts: Sequence[int], limit: int) -> Hits:
    """Merge what a search found in parts of a corpus: higher score first, then lower row.

    Args:
        parts: The hits in each part, one row per question; rows of passages count from the part's first.
        starts: The row of each part's first passage, ascending.
        limit: How many hits each question may have.

    Returns:
        The best of all, of shape [questions, limit].
    """
    best: Hits | None = None
    for hits, start in zip(parts, starts, strict=True):
        best = no_hits(len(hits.passage), limit) if best is None else best
        for first in range(0, len(hits.passage), _QUESTIONS_AT_ONCE):
            block = slice(first, first + _QUESTIONS_AT_ONCE)
            own = hits.passage[block]
            passage = np.concatenate([best.passage[block], np.where(own >= 0, own + np.int32(start), -1)], axis=1)
            score = np.concatenate([best.score[block], hits.score[block]], axis=1)
            # Of equal scores the one that stands first has the lower row, and no hit comes last.
            order = np.argsort(np.where(passage >= 0, -score, np.inf), axis=1, kind="stable")[:, :limit]
            best.passage[block] = np.take_along_axis(passage, order, axis=1)
            best.score[block] = np.take_along_axis(score, order, axis=1)
    if best is None:
        raise ValueError("there are no parts to merge")
    return best


def write_hits(hits: Hits, question: int, ranking: RankedRows) -> None:
    """Write one question's ranking into hits.

    Args:
        hits: What `no_hits` made.
        question: The question's row.
        ranking: Its candidates, at most as many as the hits have columns.
    """
    count = len(ranking.rows)
    hits.passage[question, :count] = ranking.rows
    hits.score[question, :count] = ranking.scores
