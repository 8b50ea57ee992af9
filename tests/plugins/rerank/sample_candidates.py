"""What the tests of the retriever rerank share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ragtally.api import Candidates, Hits, Passages, Queries, Spans
from ragtally_rerank import register_retrievers

(COMPONENT,) = register_retrievers()
DEFAULTS: dict[str, Any] = {name: schema["default"] for name, schema in COMPONENT.params.items()}
ENCODER = "cross-encoder/ms-marco-MiniLM-L6-v2"


def found(texts: Sequence[str], rankings: list[list[int]], replies: list[str | None] | None = None) -> Candidates:
    """Hits whose scores fall by one from rank to rank."""
    width = max([len(ranking) for ranking in rankings], default=0)
    padded = [[*ranking, *[-1] * (width - len(ranking))] for ranking in rankings]
    passage = np.array(padded, dtype=np.int32).reshape(len(rankings), width)
    score = np.where(passage >= 0, -np.arange(width, dtype=np.float32), np.float32(0))
    nothing = np.zeros(len(texts), dtype=np.int32)
    hits = Hits(passage, score.astype(np.float32))
    return Candidates((hits,), Passages(texts, Spans(nothing, nothing, nothing)), replies=replies)


def queries(*texts: str) -> Queries:
    return Queries([str(row) for row in range(len(texts))], list(texts))


def shown(hits: Hits) -> list[list[int]]:
    """Rows by question; the scores are the reciprocal ranks."""
    for rows, scores in zip(hits.passage, hits.score, strict=True):
        count = int((rows >= 0).sum())
        assert (rows[count:] == -1).all()
        np.testing.assert_array_equal(scores[:count], (1 / np.arange(1, count + 1)).astype(np.float32))
        assert (scores[count:] == 0).all()
    return [[row for row in rows if row >= 0] for rows in hits.passage.tolist()]
