"""The retriever: fills its collection where that is needed, and searches it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragtally import Hits, Passages, PluginError, Progress, Queries, Score
from ragtally.support.environment import environment
from ragtally.support.ranking import no_hits
from ragtally.support.telemetry import telemetry_off
from ragtally_weaviate.collection import CollectionIndex, Marker
from ragtally_weaviate.design import Contents, Design, Search, Vectors
from ragtally_weaviate.external import build_of, write_record
from ragtally_weaviate.filling import fill, require_unchanged
from ragtally_weaviate.parameters import DEFAULT_ALPHA
from ragtally_weaviate.searching import Searcher, ann_recall, candidate_count
from ragtally_weaviate.server import GRPC_HOST, Connection, connect, server_of

# deepset's integration.
_PACKAGE = "haystack_integrations.components.retrievers.weaviate"


@dataclass(frozen=True, slots=True)
class Effort:
    """How the server is asked; decides nothing about the outcome. See the parameters."""

    batch: int
    concurrency: int
    timeout: float


class Weaviate:
    """Keeps chunks in a collection named after all that it holds, and never searches one that is not complete."""

    def __init__(self, design: Design, search: Search, effort: Effort, *, embedded: bool) -> None:
        self._design, self._search, self._effort, self._embedded = design, search, effort, embedded
        self._contents: Contents | None = None
        self._build = 1
        self._vectors: Vectors | None = None
        self._server = ("", "")
        self._searcher = Searcher
        self._measured: dict[str, Score] = {}
        self._progress: Progress = lambda what, so_far, total: None

    def report_to(self, progress: Progress) -> None:
        """Take whom to tell how the filling goes (see `ragtally.api.ReportingRetriever`)."""
        self._progress = progress

    def choose_build(self, number: int) -> None:
        """Take which collection of the same chunks is meant (see `ragtally.api.VaryingRetriever`)."""
        self._build = number

    def add(self, passages: Passages, vectors: Vectors | None) -> None:
        """Fill the collection, going on where an earlier run stopped (see `ragtally.api.Retriever.add`)."""
        self._take(passages, vectors)
        with self._open() as connection:
            self._fill(connection)

    def save(self, folder: Path) -> None:
        """Write which collection holds the index, and where (see `ragtally.api.Retriever.save`)."""
        assert self._contents is not None
        url, version = self._server
        write_record(folder, self._contents, url=url, version=version, embedded=self._embedded)

    def load(self, folder: Path, passages: Passages, vectors: Vectors | None) -> None:
        """Take the chunks (see `ragtally.api.Retriever.load`); `search` makes sure that the server has them."""
        self._build = build_of(folder)
        self._take(passages, vectors)

    def _take(self, passages: Passages, vectors: Vectors | None) -> None:
        self._vectors = vectors
        self._contents = Contents(passages, vectors, self._design, self._build)

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the best chunks for each question (see `ragtally.api.Retriever.search`)."""
        contents, hits = self._contents, no_hits(len(queries), limit)
        assert contents is not None
        self._measured = {}
        if limit > self._search.depth and len(contents) > self._search.depth:
            raise PluginError(
                f"{limit} hits are wanted and weaviate asks for {self._search.depth}", hint=f"write depth: {limit}"
            )
        if limit < 1 or not len(contents) or not len(queries):
            return hits
        with self._open() as connection:
            index, marker = self._fill(connection)
            self._searcher(index, self._search, queries).write(hits, limit, self._effort.concurrency)
            if self._approximate:
                index.require_ef(self._search.ef)
            require_unchanged(index, marker)
        if self._search.mode == "near_vector":
            assert self._vectors is not None
            self._measured = ann_recall(contents.passages, self._vectors, queries, hits, self._design.distance)
        return hits

    def measured(self) -> Mapping[str, Score]:
        """Return how near the last search came to an exact one (see `ragtally.api.MeasuredRetriever`)."""
        return self._measured

    def ready(self) -> None:
        """Make sure that the collection is complete, and has the `ef` (see `ragtally.api.PlainRetriever`)."""
        with self._open() as connection:
            self._fill(connection)

    def plain(self) -> Any | None:
        """Give the retriever of deepset's `weaviate-haystack` over the same collection, where that is installed and
        finds the same (see `ragtally.api.PlainRetriever`).
        """
        assert self._contents is not None
        return None if self._embedded else _haystack_retriever(self._contents, self._search)

    def _open(self) -> AbstractContextManager[Connection]:
        return connect(embedded=self._embedded, timeout=self._effort.timeout)

    def _fill(self, connection: Connection) -> tuple[CollectionIndex, Marker]:
        assert self._contents is not None
        self._server = (connection.url, connection.version)
        index = CollectionIndex(connection, self._contents)
        marker = fill(index, batch=self._effort.batch, concurrency=self._effort.concurrency, report=self._progress)
        if self._approximate:
            index.set_ef(self._search.ef)
        return index, marker

    @property
    def _approximate(self) -> bool:
        return self._search.mode != "bm25" and self._design.index == "hnsw"


def _haystack_retriever(contents: Contents, search: Search) -> Any | None:
    """Make the retriever of `weaviate-haystack` that asks the server what ragtally asks it."""
    values = environment()
    alone = search.mode == "near_vector" and contents.design.distance == "cosine"
    mixes_scores = (
        search.mode == "hybrid" and search.fusion == "relative_score" and contents.design.distance != "hamming"
    )
    if not (search.mode == "bm25" or alone or mixes_scores) or values.get(GRPC_HOST) or not _is_installed():
        return None
    with telemetry_off():
        from haystack_integrations.components.retrievers.weaviate import (
            WeaviateBM25Retriever,
            WeaviateEmbeddingRetriever,
            WeaviateHybridRetriever,
        )
        from haystack_integrations.document_stores.weaviate import AuthApiKey, WeaviateDocumentStore
    server = server_of(values)
    in_cloud = server.grpc_host != server.host
    store = WeaviateDocumentStore(
        url=server.host if in_cloud else server.url,
        auth_client_secret=AuthApiKey() if server.key else None,
        collection_settings={"class": contents.name},
        grpc_port=server.grpc_port,
        grpc_secure=server.secure,
    )
    count = candidate_count(search, contents.design.index)
    if search.mode == "bm25":
        return WeaviateBM25Retriever(document_store=store, top_k=count)
    if search.mode == "near_vector":
        return WeaviateEmbeddingRetriever(document_store=store, top_k=count)
    alpha = DEFAULT_ALPHA if search.alpha is None else search.alpha
    return WeaviateHybridRetriever(document_store=store, top_k=count, alpha=alpha)


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(_PACKAGE) is not None
    except ModuleNotFoundError:
        return False
