"""Filling a collection: by one process at a time, in one go; what was begun and not ended is begun again.

A batch that was interrupted is stored, but its vectors never reach the index, and to write the same again is skipped
by the server: so nothing that a stopped run left is built upon.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter, MetadataQuery
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from ragtally import Queries
from ragtally_dense import exact_index
from ragtally_weaviate.collection import CONTENT, ORIGINAL, VECTOR, CollectionIndex, Marker
from ragtally_weaviate.design import PREFIX, comparable_vector, score_as_dense
from ragtally_weaviate.parameters import DENSE
from ragtally_weaviate.server import AGAIN, ServerError, server_error, word_failure

# Told what is being written, how much of it is, and how much there is.
Report = Callable[[str, int | None, int | None], None]

_ROUNDS = 3
_PAUSE, _WAIT, _LONGEST_WAIT = 1.0, 0.5, 3600.0
# Seconds between two beats of a filling, and without one after which its process counts as dead.
_BEAT, _DEAD = 5.0, 60.0
# How many chunks are looked for by their own vectors, and how large a share must be found: an undisturbed HNSW index
# finds 99.8 %, one that was filled through kills 94 to 97 %.
_SAMPLE, _SOUND, _SLACK = 1000, 0.985, 1e-4


class Rejection(NamedTuple):
    """A chunk that the server did not take."""

    row: int
    why: str  # What the server said


def fill(index: CollectionIndex, *, batch: int, concurrency: int, report: Report) -> Marker:
    """Make sure that a collection holds everything; where it does, only its objects are counted."""
    while True:
        marker = index.marker()
        if marker is None:
            claim = Marker(
                index.contents.digest, len(index.contents), complete=False, build=uuid.uuid4().hex, filler=_process()
            )
            # Only one process can make a collection, so only one fills it.
            if index.create(claim):
                return _fill(index, claim, batch, concurrency, report)
        elif marker.complete:
            count = index.count()
            if count > len(index.contents):
                raise ServerError(
                    f"the collection {index.contents.name} at {index.url} holds objects that ragtally did not write: "
                    f"{count:,} for {len(index.contents):,} chunks",
                    hint=f"drop the collection: curl -X DELETE {index.url}/v1/schema/{index.contents.name}",
                )
            if count == len(index.contents) and (marker.build or _is_sound(index, report)):
                return marker
            _drop(index, marker)
        elif _is_abandoned(index, marker, report):
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
    return f"{socket.gethostname()}/{os.getpid()}"


def _is_abandoned(index: CollectionIndex, marker: Marker, report: Report) -> bool:
    """Wait while another process fills the collection; True where it died over it."""
    host, _, number = marker.filler.rpartition("/")
    last_beat, beat = time.monotonic(), marker.beat
    while True:
        if not marker.filler or (host == socket.gethostname() and not _lives(number)):
            return True
        if time.monotonic() - last_beat > _DEAD:
            return True
        report(f"{_label(index)}: filled by {marker.filler}", index.count(), len(index.contents))
        time.sleep(_WAIT)
        now = index.marker()
        if now is None or now.complete or now.build != marker.build:
            return False
        marker = now
        if now.beat != beat:
            last_beat, beat = time.monotonic(), now.beat


def _lives(number: str) -> bool:
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _drop(index: CollectionIndex, marker: Marker) -> None:
    # Another process that waited as well may have begun a new one.
    if index.marker() == marker:
        index.drop()


def _fill(index: CollectionIndex, claim: Marker, batch: int, concurrency: int, report: Report) -> Marker:
    total = len(index.contents)
    with _heartbeat(index, claim) as lost:
        rows, rejections = list(range(total)), list[Rejection]()
        report(_label(index), 0, total)
        for attempt in range(_ROUNDS):
            if attempt:
                time.sleep(_PAUSE)
                _delete(index, rows)
            rejections = _write(index, rows, batch, concurrency, report, lost)
            rows = [each.row for each in rejections]
            if not rows:
                break
        else:
            raise _not_taken(index, rejections)
        _require_indexed(index, report)
        stored_count = index.count()
        if stored_count != total:
            raise ServerError(
                f"the collection {index.contents.name} at {index.url} holds {stored_count:,} objects after writing, "
                f"and there are {total:,} chunks",
                hint=AGAIN,
            )
    complete = replace(claim, complete=True, filler="")
    index.write(complete)
    return complete


@contextmanager
def _heartbeat(index: CollectionIndex, claim: Marker) -> Iterator[threading.Event]:
    """Say that this process lives, as long as it fills; what it yields is set where another took the collection."""
    ended, lost = threading.Event(), threading.Event()

    def beat() -> None:
        number = 0
        while not ended.wait(_BEAT):
            # A server that is too busy for it now is told the next time.
            with suppress(Exception):
                now = index.marker()
                if now is None or now.build != claim.build:
                    lost.set()
                    return
                number += 1
                index.write(replace(claim, beat=number))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield lost
    except BaseException:
        ended.set()
        thread.join()
        # So that nobody waits for us.
        with suppress(Exception):
            index.write(replace(claim, filler=""))
        raise
    ended.set()
    thread.join()
    _require_ours(index, lost)


def _require_ours(index: CollectionIndex, lost: threading.Event) -> None:
    if lost.is_set():
        raise ServerError(
            f"another process took the collection {index.contents.name} at {index.url} over while it was filled",
            hint="run the same command again: it waits for the other one",
        )


def _write(
    index: CollectionIndex,
    rows: Sequence[int],
    batch: int,
    concurrency: int,
    report: Report,
    lost: threading.Event,
) -> list[Rejection]:
    batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
    total, rejections = len(index.contents), list[Rejection]()
    so_far = total - len(rows)
    executor = ThreadPoolExecutor(max_workers=max(1, min(concurrency, len(batches))))
    try:
        for some, rejected in zip(
            batches, executor.map(lambda some: list(_write_batch(index, some)), batches), strict=True
        ):
            _require_ours(index, lost)
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


def _delete(index: CollectionIndex, rows: Sequence[int]) -> None:
    """Delete chunks before they are written again: the server skips what it has, whether it is indexed or not."""
    with word_failure(index.url, "deleting chunks"):
        for start in range(0, len(rows), _SAMPLE):
            identifiers = [index.contents.identifier(row) for row in rows[start : start + _SAMPLE]]
            index.collection.data.delete_many(where=Filter.by_id().contains_any(identifiers))


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


def _is_sound(index: CollectionIndex, report: Report) -> bool:
    """Look for a sample of chunks by their own vectors: each must find what an exact search finds first."""
    contents, vectors = index.contents, index.contents.vectors
    if vectors is None or not len(contents):
        return True
    distance, size = contents.design.distance, min(_SAMPLE, len(contents))
    rows = np.random.default_rng(int(contents.digest[:8], 16)).choice(len(contents), size, replace=False)
    exact = exact_index(DENSE[distance])
    exact.add(contents.passages, vectors)
    hits = exact.search(Queries([str(row) for row in rows], [""] * size, vectors[rows]), 1)
    found = expected = 0
    for number, row in enumerate(rows.tolist()):
        vector = comparable_vector(vectors[row], distance)
        if vector is None or hits.passage[number, 0] < 0:
            continue
        with word_failure(index.url, "looking for chunks by their own vectors"):
            answer = index.collection.query.near_vector(
                vector, target_vector=VECTOR, limit=1, return_metadata=MetadataQuery(distance=True)
            )
        # Two chunks of one text are as good as each other, so that the score counts and not the chunk.
        best = [score_as_dense(each.metadata.distance or 0.0, distance) for each in answer.objects]
        slack = _SLACK * max(1.0, float(np.abs(vectors[row]).sum()))
        expected += 1
        found += bool(best) and best[0] >= float(hits.score[number, 0]) - slack
        report(f"{_label(index)}: chunks looked for", number + 1, size)
    return found >= _SOUND * expected
