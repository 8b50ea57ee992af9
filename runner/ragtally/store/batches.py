"""The batch store: which calls are on their way in which batch, on disk before the provider hears of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from ragtally.api import StoreError
from ragtally.store.database import Database, Schema

# The file's name in the store's folder.
FILE_NAME = "batches.sqlite"
# The lock that a process holds while it submits batches or reads their results.
LOCK_NAME = "batches.lock"

# Where a batch is, here: its calls are written down; the provider is about to be told; it has accepted; all that it
# answered is in the call store.
BatchStage = Literal["claimed", "submitting", "open", "read"]

_KEYS_AT_ONCE = 500
_DAMAGE_HINT = (
    "move the file aside if no batch is open (see the provider's own list); the answers that were read are safe in "
    "the call store"
)
_CREATE = (
    """
    CREATE TABLE batches (
        name TEXT NOT NULL PRIMARY KEY,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        component TEXT NOT NULL,
        parameters TEXT NOT NULL,
        stage TEXT NOT NULL,
        status TEXT,
        file_id TEXT,
        batch_id TEXT,
        calls INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        answered INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        most_dollars REAL,
        submitted_at REAL,
        ended_at REAL,
        expires_at REAL
    )
    """,
    "CREATE TABLE claims (key TEXT NOT NULL PRIMARY KEY, batch TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX claims_by_batch ON claims (batch)",
)
_SCHEMA = Schema(
    "batch store", 1, _CREATE, {sqlite3.SQLITE_CORRUPT: _DAMAGE_HINT, sqlite3.SQLITE_NOTADB: _DAMAGE_HINT}
)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What is known here of a batch."""

    name: str  # Our own name of it, which the provider keeps with it
    provider: str  # Who answers it
    model: str
    component: str  # The name of the model component that talks to the provider
    parameters: str  # That component's parameters
    stage: BatchStage  # Where it is (`BatchStage`)
    calls: int  # How many calls it holds
    bytes: int  # The size of its file
    most_dollars: float | None  # The most that it may cost in US dollars; None where no price is known
    status: str | None = None  # What the provider last said of it; None before it was accepted
    file_id: str | None = None  # The provider's id of its file; None before it is handed over
    batch_id: str | None = None  # The provider's id of it; None before it is accepted
    answered: int = 0  # How many calls the provider had answered when it was last asked
    failed: int = 0  # How many calls had failed
    submitted_at: float | None = None  # When it was handed to the provider, in seconds of the epoch; None before that
    ended_at: float | None = None  # When it ended; None before that
    expires_at: float | None = None  # When the provider gives it up; None where unknown

    def __post_init__(self) -> None:
        if self.stage not in get_args(BatchStage):
            raise StoreError(f"the batch {self.name} is at {self.stage!r}, which this version does not know")

    @property
    def component_parameters(self) -> dict[str, Any]:
        """The component's parameters as JSON has them."""
        parameters: dict[str, Any] = json.loads(self.parameters)
        return parameters


_COLUMNS = ", ".join(each.name for each in fields(StoredBatch))
_MARKS = ", ".join("?" * len(fields(StoredBatch)))
_INSERT = f"INSERT INTO batches ({_COLUMNS}) VALUES ({_MARKS})"
_SELECT = f"SELECT {_COLUMNS} FROM batches"
_HOLDING = f"""
    {_SELECT} WHERE name IN (SELECT DISTINCT batch FROM claims WHERE key IN ({{keys}}))
"""
_READ_WHERE_NONE_IS_LEFT = """
    UPDATE batches SET stage = 'read' WHERE name = ? AND NOT EXISTS (SELECT 1 FROM claims WHERE batch = ?)
"""
_CHANGEABLE = {each.name for each in fields(StoredBatch)} - {"name", "provider", "model", "component", "parameters"}


class BatchStore:
    """Batches, and the claims of their calls: a call is in one open batch at most."""

    # Every change is committed at once. Several processes may use one file; one object belongs to one thread.

    def __init__(self, path: Path) -> None:
        self.database = Database(path, _SCHEMA)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self.database.close()

    def claim(self, batch: StoredBatch, keys: Sequence[str]) -> None:
        """Write down a batch with its calls, before the provider hears of it."""
        with self._changing() as connection:
            connection.execute(_INSERT, tuple(getattr(batch, each.name) for each in fields(StoredBatch)))
            connection.executemany("INSERT INTO claims VALUES (?, ?)", [(key, batch.name) for key in keys])

    def change(self, name: str, **columns: Any) -> None:
        """Note what has become of a batch."""
        if unknown := set(columns) - _CHANGEABLE:
            raise ValueError(f"no such columns to change: {sorted(unknown)}")
        changes = ", ".join(f"{column} = ?" for column in columns)
        with self._changing() as connection:
            connection.execute(f"UPDATE batches SET {changes} WHERE name = ?", (*columns.values(), name))

    def forget(self, name: str) -> None:
        """Drop a batch and let its calls go: they may be sent in another way from now on."""
        with self._changing() as connection:
            connection.execute("DELETE FROM claims WHERE batch = ?", (name,))
            connection.execute("DELETE FROM batches WHERE name = ?", (name,))

    def let_go(self, name: str, keys: Sequence[str]) -> None:
        """Let some calls of a batch go, whose results are in the call store or which have none."""
        with self._changing() as connection:
            connection.executemany("DELETE FROM claims WHERE key = ? AND batch = ?", [(key, name) for key in keys])
            connection.execute(_READ_WHERE_NONE_IS_LEFT, (name, name))

    def find(self, name: str) -> StoredBatch | None:
        """Look a batch up."""
        rows = list(self._select(f"{_SELECT} WHERE name = ?", (name,)))
        return rows[0] if rows else None

    def all(self, *, unread: bool = False) -> tuple[StoredBatch, ...]:
        """List batches, the earliest first."""
        where = "WHERE stage != 'read'" if unread else ""
        return tuple(self._select(f"{_SELECT} {where} ORDER BY submitted_at, name"))

    def holding(self, keys: Iterable[str]) -> tuple[StoredBatch, ...]:
        """List the batches in which some calls are on their way."""
        rows: dict[str, StoredBatch] = {}
        for chunk in _chunks(keys):
            marks = ",".join("?" * len(chunk))
            rows.update((batch.name, batch) for batch in self._select(_HOLDING.format(keys=marks), chunk))
        return tuple(sorted(rows.values(), key=lambda batch: (batch.submitted_at or 0.0, batch.name)))

    def keys_in_batches(self, keys: Iterable[str]) -> set[str]:
        """The calls that are in an open batch."""
        rows: set[str] = set()
        for chunk in _chunks(keys):
            marks = ",".join("?" * len(chunk))
            rows.update(key for (key,) in self._rows(f"SELECT key FROM claims WHERE key IN ({marks})", chunk))
        return rows

    def keys_of(self, name: str) -> list[str]:
        """List the keys of a batch's calls; none once they were let go."""
        return [key for (key,) in self._rows("SELECT key FROM claims WHERE batch = ? ORDER BY key", (name,))]

    def _select(self, statement: str, values: Sequence[Any] = ()) -> Iterator[StoredBatch]:
        names = [each.name for each in fields(StoredBatch)]
        for row in self._rows(statement, values):
            yield StoredBatch(**dict(zip(names, row, strict=True)))

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        connection = self.database.reading()
        if connection is None:
            return []
        try:
            return connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self.database.wrap_error(error) from error

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        # A batch that a power cut made us forget would be paid again.
        with self.database.transaction(durable=True) as connection:
            try:
                yield connection
            except sqlite3.IntegrityError as error:
                raise StoreError(
                    f"a call is in another open batch: {error}", hint="run the same command again"
                ) from error


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    all_keys = list(keys)
    for start in range(0, len(all_keys), _KEYS_AT_ONCE):
        yield all_keys[start : start + _KEYS_AT_ONCE]
