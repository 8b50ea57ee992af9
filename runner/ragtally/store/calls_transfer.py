"""Export saved calls to a file of lines, and import such a file; the first answer of a call stays."""

from __future__ import annotations

import gzip
import os
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from ragtally.api import DataError, Location, StoreError
from ragtally.store import billed_failures
from ragtally.store.call_lines import row_of
from ragtally.store.calls import CALL_COLUMNS, INSERT_CALL, SELECT_SAME_KEYS, CallStore, Row, sealed
from ragtally.store.calls_salvage import all_calls, read_row, readable, sound_line
from ragtally.store.files import sync_folder, unwritable

_NOTHING_LEFT = (
    "nothing of it can be read: move the file aside, and import an export or put a copy in its place; otherwise its "
    "calls are paid again"
)
_LINES_AT_ONCE = 400
_LONGEST_LINE = 1 << 26
_MOST_ERRORS = 20
_COMPRESSION = 6
_PIECE_BYTES = 1 << 20

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote."""

    calls: int
    billed_failures: int = 0  # Replies that were no answers and are paid for
    unreadable: int = 0  # How many places of a damaged file could not be read


@dataclass(slots=True)
class ImportSummary:
    """What an import found."""

    new: int = 0  # Calls that were added
    duplicates: int = 0  # Calls that were there with the same answer
    conflicting: int = 0  # Calls that were there with another answer; the one that was there stays
    billed_failures: int = 0  # Replies that were no answers and are paid for, that were added
    wrong_lines: int = 0  # Lines that could not be used
    errors: list[DataError] = field(default_factory=list)  # What is wrong with the first of these


def export_calls(store: CallStore, path: Path, advance: Advance = lambda calls: None) -> ExportSummary:
    """Write every call to a file, sorted by key; the same calls give the same bytes."""

    def lines() -> Iterator[bytes]:
        for row in all_calls(store):
            try:
                yield sound_line(row)
            except ValueError as error:
                raise StoreError(
                    f"the saved call {row[0]!r} is damaged: {error}",
                    location=Location(str(store.database.path)),
                    hint=f"`ragtally store export --salvage {path}` leaves out what is damaged",
                ) from error

    billed = billed_failures.lines(store)
    return ExportSummary(_write(store, path, chain(lines(), billed), advance) - len(billed), len(billed))


def salvage_calls(store: CallStore, path: Path, advance: Advance = lambda calls: None) -> ExportSummary:
    """Write every call that can still be read of a damaged call store, in the form of an export."""
    try:
        connection = store.database.open_unchecked()
    except StoreError as error:
        # The usual hint would be to salvage it.
        if isinstance(error.__cause__, sqlite3.Error):
            raise store.database.wrap_error(error.__cause__, _NOTHING_LEFT) from error
        raise
    try:
        places = readable(store.database, connection)
        rows = (read_row(connection, number) for number in places.rows)
        lines = (sound_line(row) for row in rows if row is not None)
        billed, unreadable = billed_failures.readable_lines(connection)
        calls = _write(store, path, chain(lines, billed), advance) - len(billed)
        return ExportSummary(calls, len(billed), places.unreadable + unreadable)
    except sqlite3.Error as error:
        raise store.database.wrap_error(error, _NOTHING_LEFT) from error
    finally:
        connection.close()


def import_calls(store: CallStore, path: Path, advance: Advance = lambda size: None) -> ImportSummary:
    """Add the calls of an export; a call that is known keeps the answer that it has."""
    # Lines that are wrong are reported, and the others imported all the same.
    report = ImportSummary()
    batch: list[tuple[int, Row]] = []
    billed: Counter[Row] = Counter()
    position = 0
    with _reading(path) as (raw, handle):
        for number, line in enumerate(_lines(path, handle, report), start=1):
            if line.strip():
                try:
                    if line.startswith(billed_failures.PREFIX):
                        billed[billed_failures.row_of(line)] += 1
                    else:
                        batch.append((number, row_of(line)))
                except ValueError as error:
                    _wrong(report, path, number, str(error))
            if len(batch) == _LINES_AT_ONCE:
                _add(store, path, batch, report)
                batch.clear()
                advance(raw.tell() - position)
                position = raw.tell()
        _add(store, path, batch, report)
        advance(raw.tell() - position)
    if billed:
        with _transaction(store) as connection:
            report.billed_failures = billed_failures.add(connection, billed)
    return report


@contextmanager
def _transaction(store: CallStore) -> Iterator[sqlite3.Connection]:
    connection = store.database.writing()
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise store.database.wrap_error(error) from error


def _add(store: CallStore, path: Path, batch: Sequence[tuple[int, Row]], report: ImportSummary) -> None:
    """Add some calls in one transaction; counts are right whatever other processes write meanwhile."""
    if not batch:
        return
    with _transaction(store) as connection:
        keys = dict.fromkeys(row[0] for _, row in batch)
        same_keys = {key: tuple(rest) for key, *rest in store.look_up(SELECT_SAME_KEYS, keys)}
        for number, row in batch:
            purpose, vote, text, messages = (
                row[CALL_COLUMNS.index(name)] for name in ("purpose", "vote", "text", "messages")
            )
            same_key = same_keys.setdefault(row[0], (purpose, vote, text, messages))
            if (same_key[0], same_key[1], same_key[3]) != (purpose, vote, messages):
                _wrong(report, path, number, f"the key {row[0]} stands for another call in the store")
            elif same_key[2] != text:
                report.conflicting += 1
            elif connection.execute(INSERT_CALL, sealed(row)).rowcount == 1:
                report.new += 1
            else:
                report.duplicates += 1


def _wrong(report: ImportSummary, path: Path, number: int, message: str) -> None:
    report.wrong_lines += 1
    if len(report.errors) < _MOST_ERRORS:
        hint = "write the file again: ragtally store export FILE" if not report.errors else None
        report.errors.append(DataError(message, location=Location(str(path), number), hint=hint))


def _lines(path: Path, handle: IO[bytes], report: ImportSummary) -> Iterator[bytes]:
    number = 0
    while line := handle.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            _wrong(report, path, number, "this line is too long for a saved call; the rest is not read")
            return
        yield line


@contextmanager
def _reading(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    try:
        raw = path.open("rb")
    except OSError as error:
        raise DataError(f"cannot read: {error.strerror or error}", location=Location(str(path))) from error
    with raw:
        if path.suffix != ".gz":
            yield raw, raw
            return
        _require_whole(path, raw)
        with _unpacking(raw) as text:
            yield raw, text


def _require_whole(path: Path, raw: IO[bytes]) -> None:
    """Compare the checksum, which stands at the end, before any answer that may have been altered is taken in."""
    try:
        with _unpacking(raw) as text:
            while text.read(_PIECE_BYTES):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"the compressed file is cut off or damaged: {error}",
            location=Location(str(path)),
            hint="get it again; nothing of it was imported",
        ) from error
    raw.seek(0)


def _unpacking(raw: IO[bytes]) -> IO[bytes]:
    return gzip.GzipFile(fileobj=raw, mode="rb")  # type: ignore[return-value]


def _packing(raw: IO[bytes]) -> IO[bytes]:
    # Neither name nor time of day goes into the file, so that equal calls give equal bytes.
    return gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0)  # type: ignore[return-value]


def _write(store: CallStore, path: Path, lines: Iterable[bytes], advance: Advance) -> int:
    """Write lines under a temporary name and move the file into place; returns how many there were."""
    if path.absolute().parent.resolve() == store.database.path.parent.resolve() and path.name.startswith(
        store.database.path.name
    ):
        raise StoreError("this is the call store itself", location=Location(str(path)), hint="name another file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as raw:
            with _packing(raw) if path.suffix == ".gz" else nullcontext(raw) as target:
                for line in lines:
                    target.write(line)
                    count += 1
                    advance(1)
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary.exists():
            temporary.unlink()
    return count
