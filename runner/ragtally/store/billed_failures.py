"""What replies cost that were no answers, one by one: in an export, from a damaged file, and back."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator

from ragtally.store.call_lines import FORMS
from ragtally.store.calls import (
    BILLED_COLUMNS,
    CREATE_BILLED,
    HAS_BILLED,
    INSERT_BILLED,
    SELECT_ALL_BILLED,
    SELECT_SAME_BILLED,
    CallStore,
    Row,
)

# How their lines begin, between those of calls.
PREFIX = b'{"billed_failure":'

_FORM_OF = {name: FORMS["finished_at" if name == "at" else "text" if name == "reason" else name]
            for name in BILLED_COLUMNS}  # fmt: skip
_dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def line_of(row: Row) -> bytes:
    """Write one as a line; equal ones give equal bytes."""
    values = dict(zip(BILLED_COLUMNS, row, strict=True))
    _check(values)
    return f"{_dumps({'billed_failure': values})}\n".encode()


def row_of(line: bytes) -> Row:
    """Read a line that `line_of` wrote."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is not JSON: {error}") from error
    values = content["billed_failure"]
    if not isinstance(values, dict) or len(content) != 1:
        raise ValueError("this is no billed failure")
    _check(values)
    return tuple(values[name] for name in BILLED_COLUMNS)


def lines(store: CallStore) -> list[bytes]:
    """Write all of a store, in order."""
    connection = store.database.reading()
    return [] if connection is None else sorted(line_of(row) for row in _rows(connection))


def readable_lines(connection: sqlite3.Connection) -> tuple[list[bytes], int]:
    """Write what can still be read of a damaged file; returns also how many places could not be read."""
    intact, unreadable = [], 0
    try:
        for row in _rows(connection):
            try:
                intact.append(line_of(row))
            except ValueError:
                unreadable += 1
    except sqlite3.Error:
        unreadable += 1
    return sorted(intact), unreadable


def add(connection: sqlite3.Connection, rows: Counter[Row]) -> int:
    """Add those of an export that are not there yet; returns how many that were."""
    # Two tries of a call may fail alike within a second, so equal rows are counted: an export that is imported twice
    # adds nothing the second time.
    added = 0
    connection.execute(CREATE_BILLED)
    for row, count in rows.items():
        (present,) = connection.execute(SELECT_SAME_BILLED, row).fetchone()
        missing = max(0, count - present)
        connection.executemany(INSERT_BILLED, [row] * missing)
        added += missing
    return added


def _rows(connection: sqlite3.Connection) -> Iterator[Row]:
    if connection.execute(HAS_BILLED).fetchone():
        yield from connection.execute(SELECT_ALL_BILLED)


def _check(values: dict[str, object]) -> None:
    if values.keys() != _FORM_OF.keys():
        raise ValueError("this is no billed failure: it has other fields")
    for name, (expected_form, holds) in _FORM_OF.items():
        value = values[name]
        if not holds(value):
            raise ValueError(f"{name} must be {expected_form}")
        if value is None and name.endswith("_tokens"):
            raise ValueError(f"{name} must be an integer")
