"""Filling a collection: what is missing is written, what is there is counted, and only then it is complete."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from weaviate.classes.data import DataObject
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from ragtally_weaviate.collection import CONTENT, ORIGINAL, VECTOR, Held
from ragtally_weaviate.design import PREFIX
from ragtally_weaviate.failures import AGAIN, ServerError, server_error, told

# Told what is being written, how much of it is, and how much there is.
Report = Callable[[str, int | None, int | None], None]

_ROUNDS = 3
_PAGE = 1000
_PAUSE, _WAIT, _LONGEST_WAIT = 1.0, 0.5, 3600.0


class Refused(NamedTuple):
    """A chunk that the server did not take."""

    row: int
    why: str  # What the server said


def fill(held: Held, *, batch: int, concurrency: int, report: Report) -> None:
    """Make sure that a collection holds everything; where it does, only its objects are counted."""
    total = len(held.contents)
    count = held.count()
    if held.complete and count == total:
        return
    if held.complete:
        held.mark(complete=False)
    rows = _missing(held) if count else list(range(total))
    report(_label(held), total - len(rows), total)
    for attempt in range(_ROUNDS):
        if attempt:
            time.sleep(_PAUSE)
        refused = _write(held, rows, batch, concurrency, report)
        rows = [each.row for each in refused]
        if not rows:
            break
    else:
        raise _not_taken(held, refused)
    _require_indexed(held, report)
    written = held.count()
    if written != total:
        raise ServerError(
            f"the collection {held.contents.name} at {held.url} holds {written:,} objects after writing, and there "
            f"are {total:,} chunks",
            hint=AGAIN,
        )
    held.mark(complete=True)


def _missing(held: Held) -> list[int]:
    """List the chunks that are not there, by looking at everything that is."""
    there = bytearray(len(held.contents))
    for found in held.collection.iterator(return_properties=[], cache_size=_PAGE):
        row = held.contents.row(found.uuid)
        if row is None:
            raise ServerError(
                f"the collection {held.contents.name} at {held.url} holds an object that ragtally did not write: "
                f"{found.uuid}",
                hint=f"drop the collection: curl -X DELETE {held.url}/v1/schema/{held.contents.name}",
            )
        there[row] = 1
    return [row for row, is_there in enumerate(there) if not is_there]


def _write(held: Held, rows: Sequence[int], batch: int, concurrency: int, report: Report) -> list[Refused]:
    batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
    total, refused = len(held.contents), list[Refused]()
    done = total - len(rows)
    executor = ThreadPoolExecutor(max_workers=max(1, min(concurrency, len(batches))))
    try:
        for some, found in zip(
            batches, executor.map(lambda some: list(_write_batch(held, some)), batches), strict=True
        ):
            refused += found
            done += len(some) - len(found)
            report(_label(held), done, total)
    finally:
        executor.shutdown(cancel_futures=True)
    return refused


def _write_batch(held: Held, rows: Sequence[int]) -> Iterator[Refused]:
    contents = held.contents
    objects = []
    for row in rows:
        vector = contents.vector(row)
        properties = {CONTENT: contents.passages.text[row], ORIGINAL: str(row)}
        vectors = None if vector is None else {VECTOR: vector}
        objects.append(DataObject(properties=properties, uuid=contents.identifier(row), vector=vectors))
    with told(held.url, "writing chunks"):
        try:
            errors = held.collection.data.insert_many(objects).errors
        except WeaviateInsertManyAllFailedError as error:
            yield from (Refused(row, error.message) for row in rows)
            return
    yield from (Refused(rows[location], error.message) for location, error in sorted(errors.items()))


def _label(held: Held) -> str:
    """Tell collections apart in as few letters as a narrow terminal has room for."""
    return f"Weaviate {held.contents.name[: len(PREFIX) + 8]}"


def _not_taken(held: Held, refused: Sequence[Refused]) -> ServerError:
    why, _ = Counter(each.why for each in refused).most_common(1)[0]
    doing = f"it did not take {len(refused):,} of {len(held.contents):,} chunks, first row {refused[0].row}"
    return server_error(held.url, doing, why)


def _require_indexed(held: Held, report: Report) -> None:
    """Wait until a server that indexes in the background has done so: till then a search misses chunks."""
    if not held.contents.compares_vectors:
        return
    begun = time.monotonic()
    while waiting := held.waiting():
        if time.monotonic() - begun > _LONGEST_WAIT:
            raise ServerError(f"Weaviate at {held.url} still has {waiting:,} vectors to index", hint=AGAIN)
        report("Weaviate: vectors indexed", max(0, len(held.contents) - waiting), len(held.contents))
        time.sleep(_WAIT)
