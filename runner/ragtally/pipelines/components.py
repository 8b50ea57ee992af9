"""Haystack components that carry whole batches, around what plugins build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Candidates, Chunker, Documents, Embedder, Hits, Passages, Queries, Reranker, Retriever, Spans
from ragtally.pipelines.columns import Columns
from ragtally.pipelines.quiet import component

Vectors = NDArray[np.float32]


class Cut(TypedDict):
    """What `ChunkDocuments` gives."""

    spans: Columns[Spans]


class Embedded(TypedDict):
    """What `EmbedPassages` gives."""

    vectors: Columns[Vectors]


class Asked(TypedDict):
    """What `EmbedQueries` gives."""

    vectors: Columns[Vectors]


class Written(TypedDict):
    """What `WritePassages` gives."""

    written: int


class Ranked(TypedDict):
    """What `Retrieve` and `Rerank` give."""

    hits: Columns[Hits]


@component
class ChunkDocuments:
    """Cuts documents with a chunker."""

    def __init__(self, chunker: Chunker) -> None:
        self.chunker = chunker

    @component.output_types(spans=Columns[Spans])
    def run(self, documents: Columns[Documents]) -> Cut:
        """Cut a batch."""
        return {"spans": Columns(self.chunker.split(documents.batch))}


@component
class EmbedPassages:
    """Lets an embedder learn from passages and then embeds them."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @component.output_types(vectors=Columns[Vectors])
    def run(self, passages: Columns[Passages]) -> Embedded:
        """Fit and embed."""
        self.embedder.fit(passages.batch.text)
        return {"vectors": Columns(self.embedder.embed_documents(passages.batch.text))}


@component
class WritePassages:
    """Adds passages to a retriever's index."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever

    @component.output_types(written=int)
    def run(self, passages: Columns[Passages], vectors: Columns[Vectors | None] | None = None) -> Written:
        """Index the corpus."""
        self.retriever.add(passages.batch, vectors.batch if vectors else None)
        return {"written": len(passages.batch)}


@component
class EmbedQueries:
    """Embeds questions."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @component.output_types(vectors=Columns[Vectors])
    def run(self, texts: Columns[Sequence[str]]) -> Asked:
        """Embed a batch."""
        return {"vectors": Columns(self.embedder.embed_queries(texts.batch))}


@component
class Retrieve:
    """Searches a retriever's index."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever

    @component.output_types(hits=Columns[Hits])
    def run(self, queries: Columns[Queries], limit: int) -> Ranked:
        """Search for a batch."""
        return {"hits": Columns(self.retriever.search(queries.batch, limit))}


@component
class Rerank:
    """Makes a ranking of what other retrievers found."""

    def __init__(self, retriever: Reranker) -> None:
        self.retriever = retriever

    @component.output_types(hits=Columns[Hits])
    def run(self, queries: Columns[Queries], found: Columns[Candidates], limit: int) -> Ranked:
        """Rank a batch anew."""
        return {"hits": Columns(self.retriever.rerank(queries.batch, found.batch, limit))}
