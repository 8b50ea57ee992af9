"""A SQLite file of the store: opened when it is needed, made when something is written."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ragtally.api import Location, StoreError
from ragtally.store.files import unwritable
from ragtally.store.locks import one_at_a_time
from ragtally.store.reserve import Reserve

# A checkpoint syncs the file and holds up every call in flight meanwhile; at the end closing makes one anyway.
_PAGES_BETWEEN_CHECKPOINTS = 20_000
_BUSY_SECONDS = 60.0
# The lock that a process holds while it makes a file.
LOCK_NAME = "making.lock"
_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
_READ_SCHEMA = "SELECT value FROM meta WHERE name = 'schema'"
_HINTS = {
    sqlite3.SQLITE_FULL: "free space; everything that came before is saved",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable (chmod u+w)",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder readable and writable (chmod u+rw)",
    sqlite3.SQLITE_BUSY: "another process keeps it locked: wait for it, or end it",
    sqlite3.SQLITE_IOERR: "the store must lie on a sound local disk; name another folder with RAGTALLY_STORE",
    sqlite3.SQLITE_PROTOCOL: "the store must lie on a local disk, not on a network share; see RAGTALLY_STORE",
}


# A full disk or quota, and a file that may not grow, which SQLite takes for a fault of the disk.
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)

Saved = TypeVar("Saved")


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file of the store holds."""

    what: str  # What to call the file in errors, such as `call store`
    number: int  # The version of its tables
    create: tuple[str, ...]  # The statements that make them; a table `meta` (`name`, `value`) is made beside them
    # By SQLite's primary error code, what to do about an error of this file in particular.
    hints: Mapping[int, str] = field(default_factory=dict)
    # By an earlier version's number, what makes the next one of it; and the functions that these statements call.
    upgrades: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


class Database:
    """The file and at most one connection to it, for one thread."""

    # The write-ahead log makes one commit an appended write without a sync. So a killed process loses nothing that it
    # committed, and a power cut may lose the last commits but damages nothing (sqlite.org/wal.html, section 6).

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path = path
        self.schema = schema
        self.reserve: Reserve | None = None  # Room on the disk for what was paid for, while calls are in flight
        self._connection: sqlite3.Connection | None = None
        self._writable: sqlite3.Connection | None = None  # The same, once its tables are those of this version

    def reading(self) -> sqlite3.Connection | None:
        """Connect to what is there."""
        if self._connection is None and self.path.exists():
            self._connection = self._open_existing()
        return self._connection

    def writing(self) -> sqlite3.Connection:
        """Connect, making the file where it does not exist."""
        if self._writable is not None:
            return self._writable
        connection = self._connection = self.reading() or self._create()
        if self._version(connection) < self.schema.number:
            self._upgrade(connection)
        self._writable = connection
        return connection

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Change it all at once or not at all; a durable change outlasts a power cut that comes right after it."""
        connection = self.writing()
        try:
            if durable:
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self.wrap_error(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def open_unchecked(self) -> sqlite3.Connection:
        """Connect to a damaged file, whatever its tables say of its version."""
        self._require_content()
        # Otherwise SQLite reads nothing of a file that is shorter than its header says.
        return self._connect("rw", first="PRAGMA writable_schema = ON")

    def save(self, write: Callable[[], Saved]) -> Saved:
        """Write what was paid for; where the disk is full, into the room that was held back for it."""
        try:
            return write()
        except sqlite3.Error as error:
            if _primary(error) not in _NO_ROOM or self.reserve is None or not self.reserve.spend():
                raise
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return write()

    def hold(self, reserve: Reserve | None) -> None:
        """Prove that the file takes writes, and hold room for what will be paid for; None lets the room go."""
        self.reserve = reserve
        if reserve is None:
            return
        connection = self.writing()
        try:
            connection.execute(f"PRAGMA user_version = {self.schema.number}")
        except sqlite3.Error as error:
            raise self.wrap_error(error) from error
        reserve.hold(self.path, self.path.with_name(f"{self.path.name}-wal"))

    def close(self) -> None:
        """Close the connection; the last one to close tidies the log away."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._writable = None

    def wrap_error(self, error: sqlite3.Error, hint: str | None = None) -> StoreError:
        """Word an error of SQLite's."""
        code = _primary(error)
        if not code and "decode" in str(error):
            code = sqlite3.SQLITE_CORRUPT
        hint = hint or self.schema.hints.get(code) or _HINTS.get(code)
        return StoreError(f"the {self.schema.what}: {error}", location=Location(str(self.path)), hint=hint)

    def _open_existing(self) -> sqlite3.Connection | None:
        self._require_content()
        connection = self._connect("rw")
        ready = False
        try:
            ready = self._has_tables(connection)
            if ready and connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                # A file system without shared memory: the rollback journal is only safe with every sync.
                connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            raise self.wrap_error(error) from error
        finally:
            if not ready:
                connection.close()
        return connection if ready else None

    def _require_content(self) -> None:
        # A new file comes into its place with its tables, so an empty one has been cut off.
        if self.path.exists() and self.path.stat().st_size == 0:
            raise StoreError(
                f"the {self.schema.what} is empty (0 bytes): something has cut it off, and what it held is lost",
                location=Location(str(self.path)),
                hint=f"put a copy in its place, or begin a new one: rm {shlex.quote(str(self.path))}",
            )

    def _create(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the {self.schema.what} cannot be made: {error.strerror or error}",
                location=Location(str(self.path)),
                hint="make its folder writable (chmod u+w), or name another one with RAGTALLY_STORE",
            ) from error
        with one_at_a_time(self.path.with_name(LOCK_NAME), _BUSY_SECONDS):
            if not self.path.exists():
                self._make_file()
            connection = self._open_existing()
            if connection is None:
                # An earlier version was killed while it made the tables.
                connection = self._connect("rw")
                self._make_tables(connection)
        return connection

    def _make_file(self) -> None:
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            # The log of a file that was deleted would be taken for the new one's.
            for ending in ("-wal", "-shm"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
            # Paid answers are their owner's alone; SQLite gives its other files the rights of this one.
            os.close(os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
            connection = self._connect("rw", temporary)
            try:
                self._make_tables(connection)
            finally:
                connection.close()
            temporary.replace(self.path)
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            temporary.unlink(missing_ok=True)

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in self.schema.create:
                connection.execute(statement)
            connection.execute("CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
            connection.execute("INSERT INTO meta VALUES ('schema', ?)", (str(self.schema.number),))
            connection.execute(f"PRAGMA user_version = {self.schema.number}")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise self.wrap_error(error) from error

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Bring a file of an earlier version up to this one; nothing of it is lost."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have done it since this one looked.
            for number in range(self._version(connection), self.schema.number):
                for name, function in self.schema.functions.items():
                    connection.create_function(name, -1, function, deterministic=True)
                for statement in self.schema.upgrades[number]:
                    connection.execute(statement)
            connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (str(self.schema.number),))
            connection.execute(f"PRAGMA user_version = {self.schema.number}")
            connection.execute("COMMIT")
            for ending in ("", "-wal", "-shm"):
                path = self.path.with_name(self.path.name + ending)
                if path.exists():
                    path.chmod(0o600)
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise self.wrap_error(error) from error

    def _connect(self, mode: str, path: Path | None = None, first: str = "") -> sqlite3.Connection:
        uri = f"{(path or self.path).absolute().as_uri()}?mode={mode}"
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
            connection.execute(first)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise self.wrap_error(error) from error
        return connection

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        if connection.execute(_TABLES).fetchone() == (0,):
            return False
        try:
            row = connection.execute(_READ_SCHEMA).fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            row = None
        if row is None:
            raise StoreError(
                f"this SQLite file is not a {self.schema.what}",
                location=Location(str(self.path)),
                hint="move it out of the store",
            )
        (in_header,) = connection.execute("PRAGMA user_version").fetchone()
        known = {str(number) for number in (self.schema.number, *self.schema.upgrades)}
        # Version 0.1 did not write it into the header.
        for version in (row[0], str(in_header or row[0])):
            if version not in known:
                raise StoreError(
                    f"the {self.schema.what} has schema {version}; this version of ragtally reads "
                    f"{self.schema.number}",
                    location=Location(str(self.path)),
                    hint="use the version of ragtally that made it, or a newer one: pip install --upgrade ragtally",
                )
        return True

    @staticmethod
    def _version(connection: sqlite3.Connection) -> int:
        return int(connection.execute(_READ_SCHEMA).fetchone()[0])


def _primary(error: sqlite3.Error) -> int:
    """The primary code of an error, its low byte (sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
