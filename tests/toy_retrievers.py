"""Made-up retrievers that build on others, and an embedder whose vectors are cached by text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragtally.api import (
    Candidates,
    Component,
    EmbedderTraits,
    Hits,
    Price,
    Queries,
    RetrieverTraits,
    Spans,
)
from ragtally.support.ranking import best_rows, no_hits, write_hits

RETRIEVER = {"x-ragtally-kind": "retriever", "description": "Which."}


class FusedRanks:
    """Ranks by how many retrievers found a chunk, and how early."""

    def rerank(self, queries: Queries, candidates: Candidates, limit: int) -> Hits:
        hits = no_hits(len(queries), limit)
        for row in range(len(queries)):
            scores: dict[int, float] = {}
            for ranking in candidates.hits:
                for rank, passage in enumerate(ranking.passage[row].tolist(), start=1):
                    if passage >= 0:
                        scores[passage] = scores.get(passage, 0.0) + 1 / rank
            _write(hits, row, scores, limit)
        return hits


class Wider:
    """Finds the windows that hold the starts of the chunks result."""

    def rerank(self, queries: Queries, candidates: Candidates, limit: int) -> Hits:
        assert candidates.windows is not None
        hits = no_hits(len(queries), limit)
        for row in range(len(queries)):
            scores: dict[int, float] = {}
            for passage, score in zip(candidates.hits[0].passage[row], candidates.hits[0].score[row], strict=True):
                if passage >= 0:
                    window = _around(candidates.windows, candidates.passages.spans, int(passage))
                    scores[window] = max(scores.get(window, -np.inf), float(score))
            _write(hits, row, scores, limit)
        return hits


@dataclass
class CachedCounts:
    """Counts vowels; says which texts it was given."""

    given: list[str]

    def fit(self, texts: Sequence[str]) -> None:
        assert not texts

    def save(self, folder: Path) -> None:
        raise AssertionError("nothing was learnt")

    load = save

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.given.extend(texts)
        return np.array([[text.count(letter) + 1 for letter in "aeiou"] for text in texts], np.float32)

    embed_queries = embed_documents


def cached_counts(given: list[str], price: float | None = 0.0, batch: int = 4) -> Component:
    """Offer `cached_counts`, which notes in a list what it is given."""
    traits = EmbedderTraits(
        requires_fit=False,
        cacheable=True,
        batch=batch,
        name="made/kept",
        price=None if price is None else Price(price, 0),
    )
    return Component("cached_counts", lambda: CachedCounts(given), "Counts vowels.", traits=traits)


RERANKERS = [
    Component(
        "merged",
        lambda retrievers: FusedRanks(),
        "Merges.",
        params={
            "retrievers": {
                "type": "array",
                "items": {"x-ragtally-kind": "retriever"},
                "minItems": 2,
                "description": "Which.",
            }
        },
        traits=RetrieverTraits(reads=frozenset({"text", "hits"}), depth=5),
    ),
    Component(
        "wider",
        lambda retriever, window: Wider(),
        "Finds windows.",
        params={"retriever": RETRIEVER, "window": {"x-ragtally-kind": "chunker", "description": "Which."}},
        traits=RetrieverTraits(reads=frozenset({"text", "hits"}), depth=5),
    ),
]


def _write(hits: Hits, row: int, scores: dict[int, float], limit: int) -> None:
    rows = np.array(list(scores), np.int64)
    write_hits(hits, row, best_rows(np.array(list(scores.values())), rows, limit))


def _around(windows: Spans, chunks: Spans, row: int) -> int:
    inside = (windows.document == chunks.document[row]) & (windows.start <= chunks.start[row])
    return int(np.flatnonzero(inside & (windows.end > chunks.start[row]))[0])
