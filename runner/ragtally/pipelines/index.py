"""The components of *index*: split, embed, write; each takes and gives whole columns."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Chunker, Documents, Embedder, Passages, Retriever, Spans
from ragtally.pipelines.haystack import component

Vectors = NDArray[np.float32]


class SplitOutput(TypedDict):
    """The chunks."""

    spans: Spans


class VectorOutput(TypedDict):
    """The vectors of passages or questions."""

    vectors: Vectors


class WriteOutput(TypedDict):
    """How many passages are in the index."""

    passages: int


@component
class SplitDocuments:
    """Splits documents with a chunker."""

    def __init__(self, chunker: Chunker) -> None:
        self.chunker = chunker

    @component.output_types(spans=Spans)
    def run(self, documents: Documents) -> SplitOutput:
        """Split the corpus."""
        return {"spans": self.chunker.split(documents)}


@component
class EmbedPassages:
    """Embeds passages."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @component.output_types(vectors=Vectors)
    def run(self, passages: Passages) -> VectorOutput:
        """Embed them."""
        return {"vectors": self.embedder.embed_documents(passages.text)}


@component
class WritePassages:
    """Adds passages to a retriever's index."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever

    @component.output_types(passages=int)
    def run(self, passages: Passages, vectors: Vectors | None = None) -> WriteOutput:
        """Index the corpus."""
        self.retriever.add(passages, vectors)
        return {"passages": len(passages)}
