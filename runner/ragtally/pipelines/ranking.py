"""One question's ranking, from copies of the store's entries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ragtally.api import Candidates, Hits, PlainRetriever, Queries, Spans
from ragtally.pipelines import run_embed_queries, run_rerank, run_search
from ragtally.pipelines.budget import cut_to_words
from ragtally.pipelines.choices import choice_of
from ragtally.registry import Registry
from ragtally.tables import load_chunks, load_documents, load_spans, load_vectors

# Below the folder of an export: the documents.
PREPARED = "prepare"


class Ranking:
    """Finds chunks for one question at a time."""

    # What is found is described by a mapping: `retriever` (its choice) and `limit`; for an index `chunk`, `index` and
    # `embed` (folders below the export's, the last one null without vectors); for what builds on others `found` (such
    # mappings), `chunk` and `window` (folders; the last one null without larger chunks).

    def __init__(self, folder: Path, described: Mapping[str, Any], registry: Registry) -> None:
        choice = choice_of(described["retriever"])
        prepared = folder / PREPARED
        self._limit: int = described["limit"]
        self._passages = load_chunks(folder / described["chunk"], prepared)
        self._retriever = registry.build(choice)
        self._inner = [Ranking(folder, one, registry) for one in described.get("found", ())]
        self._windows = load_spans(folder / described["window"]) if described.get("window") else None
        self._embedder = None
        self.spans = self._passages.spans if self._windows is None else self._windows
        if self._inner:
            return
        vectors = None
        if described["embed"] is not None:
            embedded = folder / described["embed"]
            vectors = load_vectors(embedded)
            self._embedder = _embedder(choice.parameters["embedder"], embedded, registry)
        self._retriever.load(folder / described["index"] / "retriever", self._passages, vectors)

    @property
    def plain(self) -> PlainRetriever | None:
        """The retriever, where somebody else's Haystack retriever may search its index."""
        return self._retriever if isinstance(self._retriever, PlainRetriever) else None

    def queries(self, question: str) -> Queries:
        """Write one question as a retriever takes it, embedded where vectors are compared."""
        vectors = None if self._embedder is None else run_embed_queries(self._embedder, [question])
        return Queries(["question"], [question], vectors)

    def search(self, question: str) -> Hits:
        """Find the best chunks."""
        queries = self.queries(question)
        if not self._inner:
            return run_search(self._retriever, queries, self._limit)
        found = Candidates(tuple(one.search(question) for one in self._inner), self._passages, self._windows, None)
        return run_rerank(self._retriever, queries, found, self._limit)


def passages_of(
    hits: Hits, spans: Spans, texts: list[str], top_k: int | None, context_words: int | None
) -> pl.DataFrame:
    """Take of one question's hits what stands before the reader."""
    count = int(np.count_nonzero(hits.passage[0] >= 0))
    rows = hits.passage[0, : count if top_k is None else min(top_k, count)]
    found = pl.DataFrame(
        {
            "question": np.zeros(len(rows), dtype=np.int32),
            "document": spans.document[rows],
            "start": spans.start[rows],
            "end": spans.end[rows],
        }
    )
    if context_words is not None:
        found = cut_to_words(found, context_words, texts)
    return found.with_columns(score=hits.score[0, : len(found)].astype(np.float64))


def exported_documents(folder: Path) -> tuple[list[str], list[str]]:
    """Read the documents of an export."""
    documents = load_documents(folder / PREPARED)
    return list(documents.id), list(documents.text)


def _embedder(choice: Any, folder: Path, registry: Registry) -> Any:
    traits = registry.traits(choice)
    built = registry.build(choice)
    if traits.cacheable:
        built.fit([])
    elif traits.requires_fit:
        built.load(folder / "embedder")
    return built
