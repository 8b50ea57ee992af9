"""A SQLite file of the store: opened when it is needed, made when something is written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ragtally.api import Location, StoreError
from ragtally.store.reserve import Reserve

# A checkpoint syncs the file and holds up every call in flight meanwhile; at the end closing makes one anyway.
_PAGES_BETWEEN_CHECKPOINTS = 20_000
_BUSY_SECONDS = 60.0
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


class Database:
    """The file and at most one connection to it, for one thread."""

    # The write-ahead log makes one commit an appended write without a sync. So a killed process loses nothing that it
    # committed, and a power cut may lose the last commits but damages nothing (sqlite.org/wal.html, section 6).

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path = path
        self.schema = schema
        self.reserve: Reserve | None = None  # Room on the disk for what was paid for, while calls are in flight
        self._connection: sqlite3.Connection | None = None

    def reading(self) -> sqlite3.Connection | None:
        """Connect to what is there."""
        if self._connection is None and self.path.exists():
            self._connection = self._open_existing()
        return self._connection

    def writing(self) -> sqlite3.Connection:
        """Connect, making the file where it does not exist."""
        if self._connection is not None:
            return self._connection
        connection = self.reading() or self._create()
        self._connection = connection
        return connection

    def open_unchecked(self) -> sqlite3.Connection:
        """Connect to a damaged file, whatever its tables say of its version."""
        return self._connect("rw")

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
            self._connection = None

    def wrap_error(self, error: sqlite3.Error) -> StoreError:
        """Word an error of SQLite's."""
        code = _primary(error)
        if not code and "decode" in str(error):
            code = sqlite3.SQLITE_CORRUPT
        hint = self.schema.hints.get(code) or _HINTS.get(code)
        return StoreError(f"the {self.schema.what}: {error}", location=Location(str(self.path)), hint=hint)

    def _open_existing(self) -> sqlite3.Connection | None:
        connection = self._connect("rw")
        ready = False
        try:
            ready = self._has_tables(connection)
        except sqlite3.Error as error:
            raise self.wrap_error(error) from error
        finally:
            if not ready:
                connection.close()
        return connection if ready else None

    def _create(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the {self.schema.what} cannot be made: {error.strerror or error}",
                location=Location(str(self.path)),
                hint="make its folder writable (chmod u+w), or name another one with RAGTALLY_STORE",
            ) from error
        connection = self._connect("rwc")
        ready = False
        try:
            self._log_ahead(connection)
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have made the tables since this one looked.
            if not self._has_tables(connection):
                for statement in self.schema.create:
                    connection.execute(statement)
                connection.execute("CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
                connection.execute("INSERT INTO meta VALUES ('schema', ?)", (str(self.schema.number),))
            connection.execute("COMMIT")
            ready = True
        except sqlite3.Error as error:
            raise self.wrap_error(error) from error
        finally:
            if not ready:
                connection.close()
        return connection

    def _connect(self, mode: str) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise self.wrap_error(error) from error
        return connection

    @staticmethod
    def _log_ahead(connection: sqlite3.Connection) -> None:
        """Turn the write-ahead log on; where several make the file at once, SQLite refuses all but one at once."""
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)
                continue
            if mode != "wal":
                # A file system without shared memory: the rollback journal is only safe with every sync.
                connection.execute("PRAGMA synchronous = FULL")
            return

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        if connection.execute(_TABLES).fetchone() == (0,):
            return False
        try:
            row = connection.execute(_READ_SCHEMA).fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            row = None
        location = Location(str(self.path))
        if row is None:
            raise StoreError(
                f"this SQLite file is not a {self.schema.what}", location=location, hint="move it out of the store"
            )
        if row[0] != str(self.schema.number):
            raise StoreError(
                f"the {self.schema.what} has schema {row[0]}; this version of ragtally reads {self.schema.number}",
                location=location,
                hint="use the version of ragtally that made it, or a newer one: pip install --upgrade ragtally",
            )
        return True


def _primary(error: sqlite3.Error) -> int:
    """The primary code of an error, its low byte (sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
