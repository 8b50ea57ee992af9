"""Filling a collection: by one process at a time, in one go; what was begun and not ended is begun again.

What the server acknowledged survives whatever is killed, and is searched; what was in flight may be stored without
being indexed, and to write the same again indexes nothing: so nothing that was interrupted is built upon.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NamedTuple

import grpc
from weaviate.proto.v1 import base_pb2, batch_pb2

from ragtally.support.processes import is_running, machine, started
from ragtally_weaviate.collection import CONTENT, ORIGINAL, VECTOR, CollectionIndex, Marker
from ragtally_weaviate.completeness import Report, label, missing_chunks, stored_chunks
from ragtally_weaviate.design import Contents
from ragtally_weaviate.server import AGAIN, ServerError, message_of, server_error, word_failure

_FILLINGS, _ROUNDS = 3, 3
_PAUSE, _WAIT, _LONGEST_WAIT = 1.0, 0.5, 3600.0
# How long to wait for a server that went away while it was written to: it needs some seconds to start.
_PATIENCE = 30.0
# Seconds between two beats of a filling, and without one after which its process counts as dead.
_BEAT, _DEAD = 5.0, 60.0
_INTERRUPTED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL}


class Rejection(NamedTuple):
    """A chunk that the server did not take."""

    row: int
    why: str  # What the server said


class _Disturbed(ServerError):
    """Something came between, so that the collection has to be filled again."""


class _TakenOver(ServerError):
    """Another process fills the collection now."""


def fill(index: CollectionIndex, *, batch: int, concurrency: int, report: Report) -> Marker:
    """Make sure that a collection holds everything; where it is known to, only its objects are counted."""
    fillings, dead = 0, ""
    while True:
        marker = index.marker()
        if marker is None:
            claim = Marker(
                index.contents.digest, len(index.contents), complete=False, build=uuid.uuid4().hex, filler=_process()
            )
            # Only one process can make a collection, so only one fills it.
            if not index.create(claim):
                continue
            fillings += 1
            try:
                return _fill(index, claim, dead, batch, concurrency, report)
            except _TakenOver:
                continue
            except _Disturbed:
                report(f"{label(index)}: waits for the server, to fill it again", None, None)
                if fillings == _FILLINGS or not index.connection.answers(_PATIENCE):
                    raise
            marker = claim
        elif marker.complete:
            count = index.count()
            if count > len(index.contents):
                raise ServerError(
                    f"the collection {index.contents.name} at {index.url} holds objects that ragtally did not write: "
                    f"{count:,} for {len(index.contents):,} chunks",
                    hint=f"drop the collection: {index.drop_command}",
                )
            if count == len(index.contents):
                if marker.checked:
                    return marker
                _await_indexing(index, report)
                if not missing_chunks(index, report, index.contents.vector):
                    index.write(replace(marker, checked=True))
                    return marker
        elif not _is_abandoned(index, marker, report):
            continue
        dead = marker.build
        _drop(index, marker)


def require_unchanged(index: CollectionIndex, marker: Marker) -> None:
    """Make sure that nobody refilled the collection while it was searched."""
    now = index.marker()
    if now is None or not now.complete or now.build != marker.build:
        raise ServerError(
            f"the collection {index.contents.name} at {index.url} was refilled while it was searched",
            hint="run the same command again",
        )


def _process() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{machine()}/{started(os.getpid())}"


def _lives(filler: str) -> bool:
    """Tell whether the process that fills a collection lives, as far as that can be seen from this machine."""
    if not filler:
        return False
    _, *identity = filler.rsplit("/", 3)
    if len(identity) != 3 or identity[1] != machine() or not identity[0].isdecimal():
        return True
    process, _, since = identity
    return is_running(int(process), None if since == str(None) else since)


def _is_abandoned(index: CollectionIndex, marker: Marker, report: Report) -> bool:
    """Wait while another process fills the collection; True where it died over it."""
    last_beat, beat = time.monotonic(), marker.beat
    while True:
        if not _lives(marker.filler) or time.monotonic() - last_beat > _DEAD:
            return True
        report(
            f"{label(index)}: filled by {'/'.join(marker.filler.split('/')[:2])}", index.count(), len(index.contents)
        )
        time.sleep(_WAIT)
        now = index.marker()
        if now is None or now.complete or now.build != marker.build:
            return False
        marker = now
        if now.beat != beat:
            last_beat, beat = time.monotonic(), now.beat


def _drop(index: CollectionIndex, marker: Marker) -> None:
    # Another process that waited as well may have begun a new one.
    now = index.marker()
    if now is not None and now.build == marker.build:
        index.drop()


def _fill(index: CollectionIndex, claim: Marker, dead: str, batch: int, concurrency: int, report: Report) -> Marker:
    total = len(index.contents)
    with _heartbeat(index, claim, dead) as heartbeat:
        rows, rejections = list(range(total)), list[Rejection]()
        report(label(index), 0, total)
        for attempt in range(_ROUNDS):
            if attempt:
                time.sleep(_PAUSE)
                _require_absent(index, rows)
            rejections = _write(index, rows, batch, concurrency, report, heartbeat)
            rows = [each.row for each in rejections]
            if not rows:
                break
        else:
            raise _not_taken(index, rejections)
        _await_indexing(index, report)
        stored_count = index.count()
        if stored_count != total:
            raise _Disturbed(
                f"the collection {index.contents.name} at {index.url} holds {stored_count:,} objects after writing, "
                f"and there are {total:,} chunks",
                hint=AGAIN,
            )
        if missing := missing_chunks(index, report, index.contents.vector):
            raise _Disturbed(
                f"the collection {index.contents.name} at {index.url} holds {len(missing):,} of {total:,} chunks "
                f"where no search finds them, first row {missing[0]}",
                hint=AGAIN,
            )
        heartbeat.stop()
        complete = replace(claim, complete=True, checked=True, filler="")
        index.write(complete)
    return complete


class _Heartbeat(threading.Thread):
    """Says that this process lives, as long as it fills, and learns where another one took the collection over."""

    def __init__(self, index: CollectionIndex, claim: Marker, dead: str) -> None:
        super().__init__(daemon=True)
        self._index, self._claim = index, claim
        # One that was taken for dead and was not may write its last beat over our claim; it ends when it sees ours.
        self._ours = {claim.build, dead or claim.build}
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._beats, self._last, self._lost = 0, time.monotonic(), False

    def run(self) -> None:
        while not self._ended.wait(_BEAT):
            # A server that is too busy for it now is told the next time.
            with suppress(Exception):
                self._beat()

    def require_ours(self) -> None:
        """Make sure that nobody took the collection over, as far as a beat ago."""
        # One that could not beat for long, in a machine that was asleep, say, may count as dead by now.
        if not self._lost and time.monotonic() - self._last > _DEAD / 2:
            with word_failure(self._index.url, "filling"):
                self._beat()
        if self._lost:
            raise _TakenOver(
                f"another process took the collection {self._index.contents.name} at {self._index.url} over while it "
                "was filled",
                hint="run the same command again: it waits for the other one",
            )

    def stop(self) -> None:
        """Beat no more."""
        self._ended.set()
        self.join()
        with word_failure(self._index.url, "filling"):
            self._beat()
        self.require_ours()

    def give_up(self) -> None:
        """Say that nobody needs to wait for this process."""
        self._ended.set()
        self.join()
        with suppress(Exception):
            marker = self._index.marker()
            if marker is not None and marker.build == self._claim.build:
                self._index.write(replace(self._claim, filler=""))

    def _beat(self) -> None:
        with self._lock:
            marker = self._index.marker()
            if marker is None or marker.build not in self._ours:
                self._lost = True
                return
            self._beats += 1
            self._index.write(replace(self._claim, beat=self._beats))
            self._last = time.monotonic()


@contextmanager
def _heartbeat(index: CollectionIndex, claim: Marker, dead: str) -> Iterator[_Heartbeat]:
    heartbeat = _Heartbeat(index, claim, dead)
    heartbeat.start()
    try:
        yield heartbeat
    except BaseException:
        heartbeat.give_up()
        raise


def _write(
    index: CollectionIndex,
    rows: Sequence[int],
    batch: int,
    concurrency: int,
    report: Report,
    heartbeat: _Heartbeat,
) -> list[Rejection]:
    batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
    total, rejections = len(index.contents), list[Rejection]()
    so_far = total - len(rows)

    def write(some: Sequence[int]) -> list[Rejection]:
        heartbeat.require_ours()
        return _write_batch(index, some)

    executor = ThreadPoolExecutor(max_workers=max(1, min(concurrency, len(batches))))
    try:
        for some, rejected in zip(batches, executor.map(write, batches), strict=True):
            rejections += rejected
            so_far += len(some) - len(rejected)
            report(label(index), so_far, total)
    finally:
        executor.shutdown(cancel_futures=True)
    return rejections


def _write_batch(index: CollectionIndex, rows: Sequence[int]) -> list[Rejection]:
    try:
        errors = index.connection.write([_object(index.contents, row) for row in rows])
    except grpc.RpcError as error:
        failure = server_error(index.url, "writing chunks", message_of(error)[0])
        if error.code() in _INTERRUPTED:
            raise _Disturbed(failure.message, hint=failure.hint) from None
        raise failure from None
    return [Rejection(rows[location], why) for location, why in sorted(errors.items())]


def _object(contents: Contents, row: int) -> batch_pb2.BatchObject:
    written = batch_pb2.BatchObject(collection=contents.name, uuid=str(contents.identifier(row)))
    written.properties.non_ref_properties.update({CONTENT: contents.passages.text[row], ORIGINAL: str(row)})
    vector = contents.vector(row)
    if vector is not None:
        kind = base_pb2.Vectors.VECTOR_TYPE_SINGLE_FP32
        written.vectors.add(name=VECTOR, vector_bytes=vector.tobytes(), type=kind)
    return written


def _require_absent(index: CollectionIndex, rows: Sequence[int]) -> None:
    """Make sure that chunks that the server refused can be written again."""
    # What it has, indexed or not, it would skip; and even deleted first, it would disturb BM25 until segments merge.
    with word_failure(index.url, "looking for chunks"):
        if stored := stored_chunks(index, rows):
            raise _Disturbed(
                f"Weaviate at {index.url} refused {stored:,} chunks and stored them all the same", hint=AGAIN
            )


def _not_taken(index: CollectionIndex, rejections: Sequence[Rejection]) -> ServerError:
    why, _ = Counter(each.why for each in rejections).most_common(1)[0]
    doing = f"it did not take {len(rejections):,} of {len(index.contents):,} chunks, first row {rejections[0].row}"
    return server_error(index.url, doing, why, ready=index.ready_command())


def _await_indexing(index: CollectionIndex, report: Report) -> None:
    """Wait until a server that indexes in the background has done so: until then a search misses chunks."""
    if not index.contents.compares_vectors:
        return
    start = time.monotonic()
    while waiting := index.waiting():
        if time.monotonic() - start > _LONGEST_WAIT:
            raise ServerError(f"Weaviate at {index.url} still has {waiting:,} vectors to index", hint=AGAIN)
        report("Weaviate: vectors indexed", max(0, len(index.contents) - waiting), len(index.contents))
        time.sleep(_WAIT)
