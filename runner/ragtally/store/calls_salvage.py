"""Read every saved call in order, check that each is sound, and read what is left of a damaged file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ragtally.api import StoreError
from ragtally.store.call_lines import line_of
from ragtally.store.calls import (
    CALL_COLUMNS,
    CHECK_FILE,
    COUNT_CALLS,
    LAST_ROW,
    SELECT_CALL_AT,
    SELECT_CALLS,
    CallStore,
    Row,
    checksum_of,
    columns_in,
)
from ragtally.store.database import Database

# A key alone is 43 characters, and stands in the table and in its index.
_LEAST_BYTES_OF_A_CALL = 128
_KEY = CALL_COLUMNS.index("key")


@dataclass(frozen=True, slots=True)
class CallCheck:
    """What a check found."""

    calls: int  # How many calls are sound
    damage: tuple[str, ...]  # What is wrong, one sentence each; empty where all is well


@dataclass(frozen=True, slots=True)
class Salvage:
    """What can still be read of a damaged file."""

    rows: tuple[int, ...]  # Where the readable calls lie, in the order of their keys
    unreadable: int  # How many places could not be read; a place may hold several calls


def count_calls(store: CallStore) -> int:
    """Count the saved calls."""
    return next((int(count) for (count,) in store.select(COUNT_CALLS)), 0)


def all_calls(store: CallStore) -> Iterator[Row]:
    """Read every call, with its checksum after it."""
    connection = store.database.reading()
    return iter(()) if connection is None else store.select(SELECT_CALLS.format_map(columns_in(connection)))


def sound_line(row: Row) -> bytes:
    """Write a call as a line, or say what is wrong with it."""
    *values, checksum = row
    line = line_of(tuple(values))
    if checksum is not None and checksum != checksum_of(*values):
        raise ValueError("it is not what was saved: its checksum is another")
    return line


def check_calls(store: CallStore, advance: Callable[[int], None] = lambda calls: None) -> CallCheck:
    """Check the file as SQLite sees it, and then each call."""
    store.database.reading()
    damage = []
    try:
        damage += [f"the file: {fault}" for (fault,) in store.select(CHECK_FILE) if fault != "ok"]
    except StoreError as error:
        # Some damage ends SQLite's own check.
        damage.append(f"the file: {error.message}")
    if damage:
        return CallCheck(0, tuple(damage))
    sound = 0
    for row in all_calls(store):
        advance(1)
        try:
            sound_line(row)
            sound += 1
        except ValueError as error:
            damage.append(f"the call {row[_KEY]!r}: {error}")
    return CallCheck(sound, tuple(damage))


def readable(database: Database, connection: sqlite3.Connection) -> Salvage:
    """Find every call of a damaged file that can still be read, asking for them one by one."""
    places: dict[str, int] = {}
    unreadable = 0
    for number in range(1, _last_row(database, connection) + 1):
        try:
            row = read_row(connection, number)
            if row is not None:
                sound_line(row)
                places.setdefault(row[_KEY], number)
        except (sqlite3.Error, ValueError):
            unreadable += 1
    return Salvage(tuple(places[key] for key in sorted(places)), unreadable)


def read_row(connection: sqlite3.Connection, number: int) -> Row | None:
    """Read the call at a place."""
    statement = SELECT_CALL_AT.format_map(columns_in(connection))
    row: Row | None = connection.execute(statement, (number,)).fetchone()
    return row


def _last_row(database: Database, connection: sqlite3.Connection) -> int:
    # Calls are never deleted, so their numbers have no gaps and cannot exceed what fits into the file.
    most = database.path.stat().st_size // _LEAST_BYTES_OF_A_CALL
    try:
        return min(most, connection.execute(LAST_ROW).fetchone()[0] or 0)
    except sqlite3.Error:
        return most
