"""Haystack components around a store's own retriever: the question it is asked, and what of its hits is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from ragtally.api import Spans
from ragtally.pipelines.quiet import Document, component
from ragtally.pipelines.ranking import Ranking, exported_documents, passages_of
from ragtally.pipelines.reading import haystack_documents, plugins
from ragtally.support.ranking import best_rows, no_hits, write_hits
from ragtally.tables import load_spans

Json = dict[str, Any]


class Query(TypedDict):
    """What `WriteQuery` gives."""

    query: str
    query_embedding: list[float]


class Taken(TypedDict):
    """What `TakeChunks` gives."""

    documents: list[Document]


@component
class WriteQuery:
    """Embeds the question as the study did, after it has made sure that the store holds every chunk."""

    def __init__(self, folder: str, ranking: Json) -> None:
        self.folder, self.ranking = folder, ranking
        self._loaded: Ranking | None = None

    def warm_up(self) -> None:
        """Load the embedder, and look whether the store is complete."""
        if self._loaded is None:
            loaded = Ranking(Path(self.folder), self.ranking, plugins())
            assert loaded.plain is not None
            loaded.plain.ready()
            self._loaded = loaded

    @component.output_types(query=str, query_embedding=list[float])
    def run(self, question: str) -> Query:
        """Write the query."""
        self.warm_up()
        assert self._loaded is not None
        vectors = self._loaded.queries(question).vectors
        return {"query": question, "query_embedding": [] if vectors is None else vectors[0].tolist()}


@component
class TakeChunks:
    """Takes of a store's hits what the study put before the reader: ties by row, as many chunks or words."""

    def __init__(
        self, folder: str, ranking: Json, top_k: int | None = None, context_words: int | None = None
    ) -> None:
        self.folder, self.ranking, self.top_k, self.context_words = folder, ranking, top_k, context_words
        self._documents: tuple[list[str], list[str]] = ([], [])
        self._spans: Spans | None = None

    def warm_up(self) -> None:
        """Load the documents, and where the chunks stand in them."""
        if self._spans is None:
            self._documents = exported_documents(Path(self.folder))
            self._spans = load_spans(Path(self.folder) / self.ranking["chunk"])

    @component.output_types(documents=list[Document])
    def run(self, found: list[Document]) -> Taken:
        """Take them."""
        self.warm_up()
        assert self._spans is not None
        limit: int = self.ranking["limit"]
        rows = np.array([int(document.id) for document in found], dtype=np.int32)
        given = [document.score for document in found]
        by_place = [-float(location) for location in range(len(found))]
        scores = np.array(by_place if None in given else given, dtype=np.float64)
        hits = no_hits(1, limit)
        write_hits(hits, 0, best_rows(scores, rows, limit))
        taken = passages_of(hits, self._spans, self._documents[1], self.top_k, self.context_words)
        return {"documents": haystack_documents(taken, *self._documents)}
