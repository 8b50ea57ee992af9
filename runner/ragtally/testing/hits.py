"""What is checked of the hits of a retriever, whether it searches or ranks what others found."""

from __future__ import annotations

import numpy as np

from ragtally.api import Hits


def assert_hits(hits: Hits, questions: int, limit: int, rows: int) -> None:
    """Check that hits have their shape and are some of so many rows, whatever their order."""
    assert isinstance(hits, Hits), "the hits must be an instance of Hits"
    assert hits.passage.dtype == np.int32 and hits.score.dtype == np.float32, "hits are int32 and float32"
    shape = (questions, limit)
    assert hits.passage.shape == hits.score.shape == shape, f"hits must have the shape {shape}"
    assert np.isfinite(hits.score).all(), "scores must be finite"
    for row, scores in zip(hits.passage, hits.score, strict=True):
        hits_of_row = row[row >= 0]
        assert (row[len(hits_of_row) :] == -1).all(), "after the last hit there is -1 only"
        assert (scores[len(hits_of_row) :] == 0).all(), "after the last hit scores are 0"
        assert (hits_of_row < rows).all(), f"a hit is none of the {rows} rows that are searched"
        assert len(set(hits_of_row.tolist())) == len(hits_of_row), "a row is a hit twice"


def assert_order(hits: Hits) -> None:
    """Check that the best hit is first, and of equal scores the lower row."""
    for row, scores in zip(hits.passage, hits.score, strict=True):
        keys = [(-score, passage) for score, passage in zip(scores, row, strict=True) if passage >= 0]
        assert keys == sorted(keys), "hits must be ordered by score, and equal scores by row"


def assert_same(hits: Hits, other_hits: Hits, message: str) -> None:
    """Check that hits and their scores are the same to the bit."""
    assert np.array_equal(hits.passage, other_hits.passage) and np.array_equal(hits.score, other_hits.score), message


def first_columns(hits: Hits, count: int) -> Hits:
    """Take the first hits of every question."""
    return Hits(hits.passage[:, :count], hits.score[:, :count])
