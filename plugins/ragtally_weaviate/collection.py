"""The collection of one index: how it is made, and the marker by which ragtally knows it and what state it is in."""

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

from ragtally_weaviate.design import Contents, Design, Inventory
from ragtally_weaviate.server import Connection, ServerError

VECTOR = "default"
# The names that Haystack's `WeaviateDocumentStore` gives a document's text and identifier.
CONTENT, ORIGINAL = "content", "_original_id"
_MAKER, _FILLING, _COMPLETE = "ragtally", "filling", "complete"
_EF_OF_WEAVIATE = -1
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Marker:
    """What ragtally writes into a collection's description, so that it knows its own."""

    digest: str  # Of everything that the collection holds
    chunks: int
    complete: bool  # Whether all of it was written in one go, and counted
    checked: bool = False  # Whether every chunk was then found; not by version 0.1, which went on after a kill
    build: str = ""  # Which filling this is
    filler: str = ""  # The process that fills it; empty where none does
    beat: int = 0  # Counted up as long as that process lives

    def text(self) -> str:
        """Write it."""
        state = _COMPLETE if self.complete else _FILLING
        content = {"made_by": _MAKER, "state": state, "chunks": self.chunks, "digest": self.digest}
        filling = {"checked": self.checked, "build": self.build, "filler": self.filler, "beat": self.beat}
        return json.dumps(content | filling)


def marker_of(description: str | None) -> Marker | None:
    """Read a marker."""
    try:
        content = json.loads(description or "")
        if content["made_by"] != _MAKER:
            return None
        return Marker(
            str(content["digest"]),
            int(content["chunks"]),
            content["state"] == _COMPLETE,
            content.get("checked") is True,
            str(content.get("build", "")),
            str(content.get("filler", "")),
            int(content.get("beat", 0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class StoredCollection:
    """A collection of ragtally's on a server, perhaps one that is not there yet."""

    def __init__(self, connection: Connection, inventory: Inventory) -> None:
        self.connection, self.url, self.inventory = connection, connection.url, inventory
        self._collections = connection.client.collections
        self.collection = self._collections.use(inventory.name)

    def marker(self) -> Marker | None:
        """Read the collection's marker; None where there is no collection."""
        if not self._collections.exists(self.inventory.name):
            return None
        try:
            description = self.collection.config.get(simple=True).description
        except UnexpectedStatusCodeError as error:
            if error.status_code == _NOT_FOUND:  # Dropped meanwhile
                return None
            raise
        if not description:
            # Nobody makes one of this name so: the server made it by itself, for what a stopped process had sent.
            return Marker(self.inventory.digest, len(self.inventory), complete=False)
        marker = marker_of(description)
        if marker is None or (marker.digest, marker.chunks) != (self.inventory.digest, len(self.inventory)):
            raise ServerError(
                f"the collection {self.inventory.name} at {self.url} was not made by ragtally, or changed since",
                hint=f"if nobody needs it, drop it: {self.drop_command}",
            )
        return marker

    @property
    def drop_command(self) -> str:
        """What drops the collection, to be typed by somebody who wants to."""
        return f"curl -X DELETE {self.url}/v1/schema/{self.inventory.name}"

    def write(self, marker: Marker) -> None:
        """Write the marker into the collection's description."""
        self.collection.config.update(description=marker.text())

    def drop(self) -> None:
        """Delete the collection with everything in it."""
        self._collections.delete(self.inventory.name)

    def count(self) -> int:
        """Count the objects."""
        return int(self.collection.aggregate.over_all(total_count=True).total_count or 0)

    def waiting(self) -> int:
        """Count the vectors that the server has taken but not yet put into its index (`ASYNC_INDEXING`)."""
        nodes = self.connection.client.cluster.nodes(self.inventory.name, output="verbose")
        shards = [shard for node in nodes for shard in node.shards or ()]
        return sum(int(shard.vector_queue_length or 0) for shard in shards)


class CollectionIndex(StoredCollection):
    """The collection of some contents, on a server."""

    def __init__(self, connection: Connection, contents: Contents) -> None:
        super().__init__(connection, contents)
        self.contents = contents

    def create(self, marker: Marker) -> bool:
        """Make the collection; False where another process was first."""
        try:
            _create(self._collections, self.contents, marker)
        except UnexpectedStatusCodeError:
            if not self._collections.exists(self.contents.name):
                raise
            return False
        return True

    def set_ef(self, ef: int | None) -> None:
        """Set how many candidates a search keeps; None leaves it to Weaviate."""
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

    def _ef(self) -> int:
        vectors: Any = self.collection.config.get().vector_config
        return int(vectors[VECTOR].vector_index_config.ef)


def _create(collections: Any, contents: Contents, marker: Marker) -> None:
    design = contents.design
    collections.create(
        contents.name,
        description=marker.text(),
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
