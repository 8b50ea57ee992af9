"""Filling a collection: what is missing is written, what is there is counted, and only then it is complete."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from weaviate.classes.data import DataObject
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from ragtally_weaviate.collection import CONTENT, ORIGINAL, VECTOR, CollectionIndex
from ragtally_weaviate.design import PREFIX
from ragtally_weaviate.failures import AGAIN, ServerError, server_error, word_failure

# Told what is being written, how much of it is, and how much there is.
Report = Callable[[str, int | None, int | None], None]

_ROUNDS = 3
_PAGE = 1000
_PAUSE, _WAIT, _LONGEST_WAIT = 1.0, 0.5, 3600.0


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
    """Tell collections apart in as few letters as a narrow terminal has room for."""
    return f"Weaviate {index.contents.name[: len(PREFIX) + 8]}"


def _not_taken(index: CollectionIndex, rejections: Sequence[Rejection]) -> ServerError:
    why, _ = Counter(each.why for each in rejections).most_common(1)[0]
    doing = f"it did not take {len(rejections):,} of {len(index.contents):,} chunks, first row {rejections[0].row}"
    return server_error(index.url, doing, why)


def _require_indexed(index: CollectionIndex, report: Report) -> None:
    """Wait until a server that indexes in the background has done so: till then a search misses chunks."""
    if not index.contents.compares_vectors:
        return
    begun = time.monotonic()
    while waiting := index.waiting():
        if time.monotonic() - begun > _LONGEST_WAIT:
            raise ServerError(f"Weaviate at {index.url} still has {waiting:,} vectors to index", hint=AGAIN)
        report("Weaviate: vectors indexed", max(0, len(index.contents) - waiting), len(index.contents))
        time.sleep(_WAIT)
