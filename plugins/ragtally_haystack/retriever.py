"""A Haystack document store with a retriever, as a retriever."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits, Passages, PluginError, Queries, RagtallyError
from ragtally.support.ranking import RankedRows, best_rows, no_hits, round_scores, write_hits
from ragtally_haystack.calls import Instances, component_error, in_threads, settle, with_tries
from ragtally_haystack.construct import inputs_of, make, make_retriever, warm_up
from ragtally_haystack.definition import Definition
from ragtally_haystack.library import Document, DuplicatePolicy
from ragtally_haystack.roles import STORE
from ragtally_haystack.traits import is_exact

Vectors = NDArray[np.float32]

# How many hits more than wanted are asked for, so that a tie at the border shows.
_MORE = 10
# How many more at most, where a store does not rank exactly or may refuse large numbers.
_MOST_MORE = 100
_GROWTH = 4


class StoreRetriever:
    """Writes chunks into a document store when the first question is asked, and searches it in threads."""

    def __init__(self, store: Definition, retriever: Definition, *, batch: int, threads: int, retries: int) -> None:
        self._store_type, self._type = store.type, retriever.type
        self._exact = is_exact(store.type)
        # An in-memory store computes in Python, where threads only wait for each other.
        self._batch, self._threads, self._retries = batch, 1 if self._exact else threads, retries
        self._store = make(STORE, store)

        def ready() -> Any:
            component = make_retriever(retriever, self._store)
            warm_up(retriever, component)
            return component

        first = ready()
        self._inputs = inputs_of(first)
        self._retrievers = Instances(first, ready)
        self._unwritten: tuple[Passages, Vectors | None] | None = None
        self._chunks = 0

    def add(self, passages: Passages, vectors: Vectors | None) -> None:
        """Take the chunks; they are written when they are first searched (see `ragtally.api.Retriever.add`)."""
        if vectors is not None and (vectors.ndim != 2 or len(vectors) != len(passages)):
            raise PluginError(f"the embedder gives vectors of shape {list(vectors.shape)} for {len(passages)} chunks")
        self._unwritten, self._chunks = (passages, vectors), len(passages)

    def save(self, folder: Path) -> None:
        """Write how many chunks there are: the store is filled again from what `load` is given."""
        (folder / "store.json").write_text(json.dumps({"chunks": self._chunks}) + "\n", encoding="utf-8")

    def load(self, folder: Path, passages: Passages, vectors: Vectors | None) -> None:
        """Take the chunks again; see `add`."""
        self.add(passages, vectors)

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the best chunks for each question (see `ragtally.api.Retriever.search`)."""
        self._fill()
        hits = no_hits(len(queries), limit)
        if limit < 1 or not self._chunks:
            return hits

        def one(retriever: Any, row: int) -> RankedRows:
            return self._ranking(retriever, self._values_of(queries, row), limit)

        rankings = in_threads(one, range(len(queries)), self._retrievers, self._threads)
        for row, ranking in enumerate(rankings):
            write_hits(hits, row, ranking)
        return hits

    def _fill(self) -> None:
        if self._unwritten is None:
            return
        passages, vectors = self._unwritten
        # A store of one's own is empty, or holds what an earlier step of the run wrote into it.
        self._require_count(self._count(), "holds", (0, len(passages)))
        for first in range(0, len(passages), self._batch):
            rows = range(first, min(first + self._batch, len(passages)))
            documents = [
                Document(
                    id=str(row),
                    content=passages.text[row],
                    embedding=None if vectors is None else vectors[row].tolist(),
                )
                for row in rows
            ]
            self._call(partial(self._store.write_documents, documents, policy=DuplicatePolicy.OVERWRITE))
        self._require_count(settle(self._count, len(passages)), "holds after writing", (len(passages),))
        self._unwritten = None

    def _count(self) -> int:
        return int(self._call(self._store.count_documents))

    def _require_count(self, count: int, what: str, counts: tuple[int, ...]) -> None:
        if count not in counts:
            raise PluginError(
                f"the document store {self._store_type} {what} {count} documents, not the {counts[-1]} chunks alone",
                hint="give it an index or collection of its own for each chunker, and clear it before a run",
            )

    def _call(self, call: Callable[[], Any]) -> Any:
        return with_tries(call, self._store_failure, self._retries)

    def _store_failure(self, error: Exception) -> RagtallyError:
        return component_error(self._store_type, error)

    def _values_of(self, queries: Queries, row: int) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        if "query" in self._inputs:
            inputs["query"] = queries.text[row]
        if "query_embedding" in self._inputs:
            if queries.vectors is not None:
                inputs["query_embedding"] = queries.vectors[row].tolist()
            elif self._inputs["query_embedding"]:
                raise PluginError(f"{self._type} compares vectors and was given none", hint="give it an embedder")
        return inputs

    def _ranking(self, retriever: Any, inputs: Mapping[str, Any], limit: int) -> RankedRows:
        """Ask for more than is wanted, until what is found ends below the border, so that ties go by row."""
        most = self._chunks if self._exact else min(self._chunks, limit + _MOST_MORE)
        count = min(limit + _MORE, most)
        while True:
            documents = self._run(retriever, {**inputs, **({"top_k": count} if "top_k" in self._inputs else {})})
            scores, rows = self._scores(documents), self._rows(documents)
            if len(documents) < count or count == most or not _is_tie(scores, limit):
                return best_rows(scores, rows, limit)
            count = min(_GROWTH * count, most)

    def _run(self, retriever: Any, inputs: Mapping[str, Any]) -> list[Any]:
        return with_tries(
            lambda: list(retriever.run(**inputs)["documents"]),
            lambda error: component_error(self._type, error),
            self._retries,
        )

    def _rows(self, documents: list[Any]) -> NDArray[np.int64]:
        rows = [int(document.id) if document.id.isdecimal() else -1 for document in documents]
        if any(not 0 <= row < self._chunks for row in rows) or len(set(rows)) < len(rows):
            raise PluginError(
                f"{self._type} finds documents that ragtally did not write, or one twice",
                hint="give the document store an index or collection of its own",
            )
        return np.array(rows, dtype=np.int64)

    def _scores(self, documents: list[Any]) -> NDArray[np.float64]:
        document_scores = [document.score for document in documents]
        if any(score is None for score in document_scores):
            raise PluginError(f"{self._type} gives no scores", hint="use a retriever that scores what it finds")
        scores = np.array(document_scores, dtype=np.float64)
        if not np.isfinite(scores).all():
            raise PluginError(f"{self._type} gives scores that are not finite numbers")
        steps = np.diff(round_scores(scores))
        if (steps <= 0).all():
            return scores
        if (steps >= 0).all():
            # Some stores give distances: what they put first is nearest.
            return -scores
        raise PluginError(f"{self._type} does not order its documents by their scores")


def _is_tie(scores: NDArray[np.float64], limit: int) -> bool:
    """Whether the last of the hits ties with the last one wanted, so that further ones may tie too."""
    coarse = round_scores(scores)
    return bool(coarse[-1] == coarse[limit - 1])
