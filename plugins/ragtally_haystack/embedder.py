"""A pair of Haystack embedders as an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import PluginError
from ragtally_haystack.calls import Instances, component_error, in_threads, with_tries
from ragtally_haystack.construct import make, warm_up
from ragtally_haystack.definition import Definition
from ragtally_haystack.library import Document
from ragtally_haystack.roles import DOCUMENT_EMBEDDER, TEXT_EMBEDDER, Role

Vectors = NDArray[np.float32]


class EmbedderPair:
    """Embeds chunks with a document embedder, in batches, and questions with a text embedder, in threads."""

    def __init__(self, document: Definition, query: Definition, *, batch: int, threads: int, retries: int) -> None:
        self._types = {"document": document.type, "query": query.type}
        self._documents = _ready(DOCUMENT_EMBEDDER, document)
        self._queries = Instances(_ready(TEXT_EMBEDDER, query), lambda: _ready(TEXT_EMBEDDER, query))
        self._batch, self._threads, self._retries = batch, threads, retries
        self._dimensions: int | None = None

    def fit(self, texts: Sequence[str]) -> None:
        """Learn nothing."""

    def save(self, folder: Path) -> None:
        """Write nothing."""

    def load(self, folder: Path) -> None:
        """Read nothing."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed chunks (see `ragtally.api.Embedder.embed_documents`)."""
        vectors: list[Any] = []
        for first in range(0, len(texts), self._batch):
            vectors.extend(self._of_documents(texts[first : first + self._batch]))
        return self._validate(vectors, "document")

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions; see `embed_documents`."""
        return self._validate(in_threads(self._of_query, texts, self._queries, self._threads), "query")

    def _of_documents(self, texts: Sequence[str]) -> list[Any]:
        documents = [Document(id=str(row), content=text) for row, text in enumerate(texts)]
        who = self._types["document"]
        output = with_tries(
            lambda: self._documents.run(documents=documents)["documents"],
            lambda error: component_error(who, error),
            self._retries,
        )
        by_id = {document.id: document.embedding for document in output}
        if len(output) != len(texts) or by_id.keys() != {document.id for document in documents}:
            raise PluginError(f"{who} was given {len(texts)} documents and returned {len(output)} others")
        return [by_id[document.id] for document in documents]

    def _of_query(self, embedder: Any, text: str) -> Any:
        return with_tries(
            lambda: embedder.run(text=text)["embedding"],
            lambda error: component_error(self._types["query"], error),
            self._retries,
        )

    def _validate(self, vectors: Sequence[Any], role: str) -> Vectors:
        who = self._types[role]
        if not vectors:
            return np.zeros((0, self._dimensions or 0), np.float32)
        if any(vector is None for vector in vectors):
            raise PluginError(f"{who} gave no vector for some of its texts")
        try:
            rows = np.asarray(vectors, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise PluginError(f"{who} gave vectors of different lengths, or no numbers") from error
        if rows.ndim != 2 or not rows.shape[1]:
            raise PluginError(f"{who} gave vectors of shape {list(rows.shape[1:])}")
        if not np.isfinite(rows).all():
            raise PluginError(f"{who} gave a vector with NaN or infinity")
        if self._dimensions not in (None, rows.shape[1]):
            raise PluginError(
                f"{who} gives vectors of {rows.shape[1]} dimensions, after ones of {self._dimensions}",
                hint="document and query must be embedders of one model",
            )
        self._dimensions = rows.shape[1]
        return rows


def _ready(role: Role, definition: Definition) -> Any:
    component = make(role, definition)
    warm_up(definition, component)
    return component
