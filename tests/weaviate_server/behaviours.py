"""What was seen of a real Weaviate, each with a check that holds on it and on the stand-in alike.

`WEAVIATE_URL=... PYTHONPATH=tests python -m weaviate_server replay` replays the table against a server; the ordinary
tests do so against the stand-in.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from weaviate.classes.query import Filter, MetadataQuery
from weaviate.proto.v1 import batch_pb2

from ragtally.api import Passages
from ragtally.testing import samples
from ragtally_weaviate.collection import CONTENT, CollectionIndex, Marker
from ragtally_weaviate.completeness import missing_chunks, stored_chunks
from ragtally_weaviate.design import Contents, Design
from ragtally_weaviate.filling import _object
from ragtally_weaviate.server import Connection

_DESIGN = Design(
    distance="cosine", index="hnsw", ef_construction=128, max_connections=32, tokenization="word", stopwords="none",
    k1=1.2, b=0.75,
)  # fmt: skip
_DIMENSIONS, _WORDS = 128, 30


@dataclass(frozen=True)
class Scale:
    """How large a batch must be to be interrupted, and how long a server takes for what it does by itself."""

    chunks: int
    pause: float  # Seconds after which what goes on in the background has ended
    flush: float  # Seconds after which what was written lies in a segment on disk


REAL = Scale(4000, 2.0, 75.0)
STAND_IN = Scale(60, 0.15, 0.0)


class Scene:
    """A collection of its own to try things on."""

    def __init__(self, connection: Connection, scale: Scale) -> None:
        rng = np.random.default_rng(1)
        words = rng.integers(0, 5 * scale.chunks // 4, (scale.chunks, _WORDS))
        texts = [f"{uuid.uuid4().hex} {' '.join(f'w{number}' for number in row)}" for row in words]
        vectors = rng.normal(size=(scale.chunks, _DIMENSIONS)).astype(np.float32)
        self.scale, self.rows = scale, range(scale.chunks)
        self.index = CollectionIndex(connection, Contents(_passages(texts), vectors, _DESIGN))
        self.queries = [" ".join(text.split()[1:5]) for text in texts[:20]]
        self.create()

    def create(self) -> None:
        assert self.index.create(Marker(self.index.contents.digest, len(self.rows), complete=False))

    def write(self, rows: Sequence[int], *, shift: float = 0.0) -> None:
        """Write chunks, perhaps with other vectors, until they are acknowledged and indexed."""
        assert not self.index.connection.write(self._objects(rows, shift))
        self.settle()

    def interrupt(self) -> None:
        """Send everything in one batch, and go away, as a killed client does, once something of it is there."""
        stub, request = self.index.connection.stub, batch_pb2.BatchObjectsRequest(objects=self._objects(self.rows))
        call = stub.BatchObjects.future(request, metadata=self.index.connection.headers)
        while not self.index.count():
            time.sleep(0.005)
        call.cancel()
        self.settle()

    def settle(self) -> None:
        """Wait until nothing goes on in the background."""
        before = -1
        while (now := self.index.count()) != before or self.index.waiting():
            before = now
            time.sleep(self.scale.pause)

    def delete(self, rows: Sequence[int]) -> None:
        identifiers = [self.index.contents.identifier(row) for row in rows]
        self.index.collection.data.delete_many(where=Filter.by_id().contains_any(identifiers))

    def stored(self) -> int:
        return stored_chunks(self.index, self.rows)

    def unsearchable(self) -> int:
        return len(missing_chunks(self.index, lambda *words: None, self.index.contents.vector))

    def scores(self) -> list[dict[str, float]]:
        """BM25 scores of some queries, by chunk."""
        ask = self.index.collection.query.bm25
        answers = [
            ask(text, query_properties=[CONTENT], limit=50, return_metadata=MetadataQuery(score=True),
                return_properties=[]).objects
            for text in self.queries
        ]  # fmt: skip
        return [{str(each.uuid): float(each.metadata.score or 0) for each in answer} for answer in answers]

    def _objects(self, rows: Sequence[int], shift: float = 0.0) -> list[Any]:
        objects = [_object(self.index.contents, row) for row in rows]
        for row, each in zip(rows, objects, strict=True):
            if shift:
                vector = self.index.contents.vector(row)
                assert vector is not None
                each.vectors[0].vector_bytes = (vector + np.float32(shift)).tobytes()
        return objects


def _passages(texts: list[str]) -> Passages:
    spans = type(samples.passages().spans)
    zeros = np.zeros(len(texts), np.int32)
    return Passages(texts, spans(np.arange(len(texts), dtype=np.int32), zeros, zeros + len(texts[0])))


@contextmanager
def scene(connection: Connection, scale: Scale) -> Iterator[Scene]:
    stage = Scene(connection, scale)
    try:
        yield stage
    finally:
        stage.index.drop()


def _acknowledged(scene: Scene) -> None:
    scene.write(scene.rows)
    assert scene.stored() == len(scene.rows) and not scene.unsearchable()


def _interrupted(scene: Scene) -> None:
    scene.interrupt()
    assert scene.stored() and scene.unsearchable() > len(scene.rows) - scene.stored()


def _again(scene: Scene) -> None:
    scene.interrupt()
    scene.write(scene.rows)
    assert scene.stored() == len(scene.rows) and scene.unsearchable()


def _deleted_and_inserted(scene: Scene) -> None:
    _again(scene)
    for start in range(0, len(scene.rows), 1000):
        scene.delete(scene.rows[start : start + 1000])
    scene.write(scene.rows)
    assert scene.stored() == len(scene.rows) and not scene.unsearchable()


def _repeats(scene: Scene) -> None:
    scene.write(scene.rows)
    before = scene.scores()
    scene.index.drop()
    scene.create()
    for start in range(0, len(scene.rows), 100):
        assert not scene.index.connection.write(scene._objects(scene.rows[start : start + 100]))
    scene.settle()
    assert _largest_difference(before, scene.scores()) == 0


def _disturbed(rewrite: Callable[[Scene, Sequence[int]], None]) -> Callable[[Scene], None]:
    def check(scene: Scene) -> None:
        scene.write(scene.rows)
        before = scene.scores()
        time.sleep(scene.scale.flush)
        assert _largest_difference(before, scene.scores()) == 0
        rewrite(scene, scene.rows[: len(scene.rows) // 4])
        assert scene.stored() == len(scene.rows) and _largest_difference(before, scene.scores()) > 0

    return check


def _delete_and_insert(scene: Scene, rows: Sequence[int]) -> None:
    scene.delete(rows)
    scene.write(rows)


def _largest_difference(one: list[dict[str, float]], other: list[dict[str, float]]) -> float:
    return max(
        abs(mine[key] - theirs[key])
        for mine, theirs in zip(one, other, strict=True)
        for key in mine.keys() & theirs.keys()
    )


def _made_by_itself(scene: Scene) -> None:
    scene.index.drop()
    scene.write(scene.rows[:1])
    assert scene.index.marker() == Marker(scene.index.contents.digest, len(scene.rows), False)


def _timed_out(scene: Scene) -> None:
    stub, request = scene.index.connection.stub, batch_pb2.BatchObjectsRequest(objects=scene._objects(scene.rows))
    try:
        stub.BatchObjects(request, timeout=scene.scale.pause / 6, metadata=scene.index.connection.headers)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    else:
        raise AssertionError("the batch was answered in time: too small for this server")
    scene.settle()
    assert scene.stored() and scene.unsearchable() > len(scene.rows) - scene.stored()


@dataclass(frozen=True)
class Behaviour:
    """One thing that a server does."""

    what: str
    seen: str  # How it was seen on the real server
    version: str
    check: Callable[[Scene], None] | None  # None where a server has to be killed for it
    slow: bool = False  # Whether the real server takes a minute for it


_BOTH = "1.40.0-dev, ASYNC_INDEXING true and false"
BEHAVIOURS: dict[str, Behaviour] = {
    "acknowledged": Behaviour(
        "what was acknowledged is found in every index, under ASYNC_INDEXING once the queue is empty",
        "4,000 chunks in one batch: a search filtered by their UUIDs returns all of them",
        _BOTH, _acknowledged,
    ),
    "interrupted": Behaviour(
        "a batch whose client went away is stored and not indexed, nor queued to be",
        "4,000 chunks in one batch, cancelled when the first was counted: 4,000 stored, none in the vector index",
        _BOTH, _interrupted,
    ),
    "timed-out": Behaviour(
        "a batch that was given up in its time limit is stored and not indexed likewise",
        "4,000 chunks with a limit of a third of a second: DEADLINE_EXCEEDED, stored, not in the vector index",
        _BOTH, _timed_out,
    ),
    "skipped": Behaviour(
        "writing an unchanged object again is acknowledged and skipped, indexed or not",
        "the interrupted 4,000 written again: no error, and still none in the vector index",
        _BOTH, _again,
    ),
    "deleted": Behaviour(
        "deleted and inserted, they are indexed",
        "the same 4,000 deleted by their UUIDs and written: all in the vector index",
        _BOTH, _deleted_and_inserted,
    ),
    "repeats": Behaviour(
        "BM25 on a fresh collection repeats to the last digit, whatever the batches",
        "10,000 chunks in batches of 200 and of 100, eight at once: 60 queries, all scores equal",
        _BOTH, _repeats,
    ),
    "rewritten": Behaviour(
        "objects written again with another vector disturb BM25 for a while",
        "1,000 of 4,000, after the first lay in a segment: scores off by up to 0.63, the same again 8 s later",
        _BOTH, _disturbed(lambda scene, rows: scene.write(rows, shift=1e-3)), slow=True,
    ),
    "unchanged-disturbs": Behaviour(
        "so do objects written again unchanged, though their vectors are skipped",
        "all 4,000 again, after the first lay in a segment: scores off by up to 0.02, the same again 8 s later",
        _BOTH, _disturbed(lambda scene, rows: scene.write(scene.rows)), slow=True,
    ),
    "deleted-disturbs": Behaviour(
        "so do objects deleted and inserted",
        "1,000 of 4,000, after the first lay in a segment: scores off by up to 0.63, 8 s later too",
        _BOTH, _disturbed(_delete_and_insert), slow=True,
    ),
    "made-by-itself": Behaviour(
        "a batch for a collection that was dropped makes a collection of that name",
        "a chunk written after the drop: no error, and a collection described as generated by Weaviate's "
        "auto-schema feature",
        _BOTH, _made_by_itself,
    ),
    "killed": Behaviour(
        "kill -9 of the server loses nothing that was acknowledged; what was in flight is stored in part, mostly not "
        "in the vector index and in places not found by words",
        "20,000 chunks in batches of 200, eight at once, killed half way, four times: 10,000 acknowledged, all found "
        "by vector and by words; of 300 to 1,400 more stored ones 94 % to all not in the vector index, 4 of 179 "
        "looked for not found by words",
        _BOTH, None,
    ),
}  # fmt: skip
