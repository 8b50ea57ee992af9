"""The collection of one index: made and filled, known as ragtally's by its marker, and only then complete."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from weaviate.classes.config import (
    Configure,
    DataType,
    Property,
    Reconfigure,
    StopwordsPreset,
    Tokenization,
    VectorDistances,
)
from weaviate.classes.data import DataObject
from weaviate.exceptions import UnexpectedStatusCodeError, WeaviateInsertManyAllFailedError

from ragtally_weaviate.design import PREFIX, Contents, Design
from ragtally_weaviate.server import AGAIN, Connection, ServerError, server_error, word_failure

VECTOR = "default"
# The names that Haystack's `WeaviateDocumentStore` gives a document's text and identifier.
CONTENT, ORIGINAL = "content", "_original_id"
_MAKER, _FILLING, _COMPLETE = "ragtally", "filling", "complete"
_EF_OF_WEAVIATE = -1
# Told what is being written, how much of it is, and how much there is.
Report = Callable[[str, int | None, int | None], None]

_ROUNDS = 3
_PAGE = 1000
_PAUSE, _WAIT, _LONGEST_WAIT = 1.0, 0.5, 3600.0


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
        """Write into the collection's description whether it is complete."""
        marker = Marker(self.contents.digest, len(self.contents), complete)
        self.collection.config.update(description=marker.text())
        self.complete = complete

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


class Rejection(NamedTuple):
    """A chunk that the server did not take."""

    row: int
    why: str  # What the server said


def fill(index: CollectionIndex, *, batch: int, concurrency: int, report: Report) -> None:
    """Make sure that a collection holds everything; where it does, only its objects are counted."""
    total = len(index.contents)
    count = index.count()
    if index.complete and count == total:
        return
    if index.complete:
        index.mark(complete=False)
    rows = _missing(index) if count else list(range(total))
    report(_label(index), total - len(rows), total)
    for attempt in range(_ROUNDS):
        if attempt:
            time.sleep(_PAUSE)
        rejections = _write(index, rows, batch, concurrency, report)
        rows = [each.row for each in rejections]
        if not rows:
            break
    else:
        raise _not_taken(index, rejections)
    _require_indexed(index, report)
    stored_count = index.count()
    if stored_count != total:
        raise ServerError(
            f"the collection {index.contents.name} at {index.url} holds {stored_count:,} objects after writing, and "
            f"there are {total:,} chunks",
            hint=AGAIN,
        )
    index.mark(complete=True)


def _missing(index: CollectionIndex) -> list[int]:
    """List the chunks that are not there, by looking at everything that is."""
    there = bytearray(len(index.contents))
    for stored_object in index.collection.iterator(return_properties=[], cache_size=_PAGE):
        row = index.contents.row(stored_object.uuid)
        if row is None:
            raise ServerError(
                f"the collection {index.contents.name} at {index.url} holds an object that ragtally did not write: "
                f"{stored_object.uuid}",
                hint=f"drop the collection: curl -X DELETE {index.url}/v1/schema/{index.contents.name}",
            )
        there[row] = 1
    return [row for row, is_there in enumerate(there) if not is_there]


def _write(
    index: CollectionIndex, rows: Sequence[int], batch: int, concurrency: int, report: Report
) -> list[Rejection]:
    batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
    total, rejections = len(index.contents), list[Rejection]()
    so_far = total - len(rows)
    executor = ThreadPoolExecutor(max_workers=max(1, min(concurrency, len(batches))))
    try:
        for some, rejected in zip(
            batches, executor.map(lambda some: list(_write_batch(index, some)), batches), strict=True
        ):
            rejections += rejected
            so_far += len(some) - len(rejected)
            report(_label(index), so_far, total)
    finally:
        executor.shutdown(cancel_futures=True)
    return rejections


def _write_batch(index: CollectionIndex, rows: Sequence[int]) -> Iterator[Rejection]:
    contents = index.contents
    objects = []
    for row in rows:
        vector = contents.vector(row)
        properties = {CONTENT: contents.passages.text[row], ORIGINAL: str(row)}
        vectors = None if vector is None else {VECTOR: vector}
        objects.append(DataObject(properties=properties, uuid=contents.identifier(row), vector=vectors))
    with word_failure(index.url, "writing chunks"):
        try:
            errors = index.collection.data.insert_many(objects).errors
        except WeaviateInsertManyAllFailedError as error:
            yield from (Rejection(row, error.message) for row in rows)
            return
    yield from (Rejection(rows[location], error.message) for location, error in sorted(errors.items()))


def _label(index: CollectionIndex) -> str:
    """Name a collection in as few letters as fit a narrow terminal."""
    return f"Weaviate {index.contents.name[: len(PREFIX) + 8]}"


def _not_taken(index: CollectionIndex, rejections: Sequence[Rejection]) -> ServerError:
    why, _ = Counter(each.why for each in rejections).most_common(1)[0]
    doing = f"it did not take {len(rejections):,} of {len(index.contents):,} chunks, first row {rejections[0].row}"
    return server_error(index.url, doing, why)


def _require_indexed(index: CollectionIndex, report: Report) -> None:
    """Wait until a server that indexes in the background has done so: until then a search misses chunks."""
    if not index.contents.compares_vectors:
        return
    start = time.monotonic()
    while waiting := index.waiting():
        if time.monotonic() - start > _LONGEST_WAIT:
            raise ServerError(f"Weaviate at {index.url} still has {waiting:,} vectors to index", hint=AGAIN)
        report("Weaviate: vectors indexed", max(0, len(index.contents) - waiting), len(index.contents))
        time.sleep(_WAIT)
