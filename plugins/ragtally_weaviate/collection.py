"""The collection of one index: how it is made, whether it is ragtally's, and whether it is complete."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from weaviate.classes.config import (
    Configure,
    DataType,
    Property,
    Reconfigure,
    StopwordsPreset,
    Tokenization,
    VectorDistances,
)
from weaviate.exceptions import UnexpectedStatusCodeError

from ragtally_weaviate.connection import Connection
from ragtally_weaviate.design import Contents, Design
from ragtally_weaviate.failures import ServerError

VECTOR = "default"
# The names that Haystack's `WeaviateDocumentStore` gives a document's text and identifier.
CONTENT, ORIGINAL = "content", "_original_id"
_MAKER, _FILLING, _COMPLETE = "ragtally", "filling", "complete"
_EF_OF_WEAVIATE = -1


@dataclass(frozen=True, slots=True)
class Marker:
    """What ragtally writes into a collection's description, so that it knows its own."""

    digest: str  # Of everything that the collection holds
    chunks: int
    complete: bool  # Whether all of it was written and counted

    def text(self) -> str:
        """Write it."""
        state = _COMPLETE if self.complete else _FILLING
        return json.dumps({"made_by": _MAKER, "state": state, "chunks": self.chunks, "digest": self.digest})


def marker_of(description: str | None) -> Marker | None:
    """Read a marker."""
    try:
        marker = json.loads(description or "")
        if marker["made_by"] != _MAKER:
            return None
        return Marker(str(marker["digest"]), int(marker["chunks"]), marker["state"] == _COMPLETE)
    except (ValueError, KeyError, TypeError):
        return None


class CollectionIndex:
    """The collection of some contents, on a server."""

    def __init__(self, connection: Connection, contents: Contents) -> None:
        self.url, self.contents = connection.url, contents
        self._cluster = connection.client.cluster
        collections = connection.client.collections
        if not collections.exists(contents.name):
            try:
                _create(collections, contents)
            except UnexpectedStatusCodeError:
                # Another process may have been first.
                if not collections.exists(contents.name):
                    raise
        self.collection = collections.use(contents.name)
        marker = marker_of(self.collection.config.get(simple=True).description)
        if marker is None or (marker.digest, marker.chunks) != (contents.digest, len(contents)):
            raise ServerError(
                f"the collection {contents.name} at {self.url} was not made by ragtally, or changed since",
                hint=f"if nobody needs it, drop it: curl -X DELETE {self.url}/v1/schema/{contents.name}",
            )
        self.complete = marker.complete

    def count(self) -> int:
        """Count the objects."""
        return int(self.collection.aggregate.over_all(total_count=True).total_count or 0)

    def mark(self, *, complete: bool) -> None:
        """Say in the collection's description whether it is complete."""
        marker = Marker(self.contents.digest, len(self.contents), complete)
        self.collection.config.update(description=marker.text())
        self.complete = complete

    def set_ef(self, ef: int | None) -> None:
        """Say how many candidates a search keeps; None leaves it to Weaviate."""
        target = _EF_OF_WEAVIATE if ef is None else ef
        if self._ef() != target:
            index = Reconfigure.VectorIndex.hnsw(ef=target)
            self.collection.config.update(
                vector_config=Reconfigure.Vectors.update(name=VECTOR, vector_index_config=index)
            )

    def require_ef(self, ef: int | None) -> None:
        """Make sure that `ef` still is what `set_ef` made it."""
        if self._ef() != (_EF_OF_WEAVIATE if ef is None else ef):
            raise ServerError(
                f"somebody set another ef on {self.contents.name} at {self.url} while it was searched",
                hint="run one study at a time on the same chunks, and run this one again",
            )

    def waiting(self) -> int:
        """Count the vectors that the server has taken but not yet put into its index (`ASYNC_INDEXING`)."""
        nodes = self._cluster.nodes(self.contents.name, output="verbose")
        shards = [shard for node in nodes for shard in node.shards or ()]
        return sum(int(shard.vector_queue_length or 0) for shard in shards)

    def _ef(self) -> int:
        vectors: Any = self.collection.config.get().vector_config
        return int(vectors[VECTOR].vector_index_config.ef)


def _create(collections: Any, contents: Contents) -> None:
    design = contents.design
    collections.create(
        contents.name,
        description=Marker(contents.digest, len(contents), complete=False).text(),
        properties=[
            Property(
                name=CONTENT,
                data_type=DataType.TEXT,
                tokenization=Tokenization(design.tokenization),
                index_searchable=True,
                index_filterable=False,
            ),
            Property(
                name=ORIGINAL,
                data_type=DataType.TEXT,
                tokenization=Tokenization.FIELD,
                index_searchable=False,
                index_filterable=True,
            ),
        ],
        inverted_index_config=Configure.inverted_index(
            bm25_b=design.b, bm25_k1=design.k1, stopwords_preset=StopwordsPreset(design.stopwords)
        ),
        vector_config=Configure.Vectors.self_provided(name=VECTOR, vector_index_config=_vector_index(design)),
    )


def _vector_index(design: Design) -> Any:
    distance = VectorDistances(design.distance)
    if design.index == "flat":
        return Configure.VectorIndex.flat(distance_metric=distance)
    return Configure.VectorIndex.hnsw(
        distance_metric=distance,
        ef=_EF_OF_WEAVIATE,
        ef_construction=design.ef_construction,
        max_connections=design.max_connections,
    )
