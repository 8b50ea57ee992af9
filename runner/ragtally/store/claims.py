"""Claims: what one process is about to pay for, so that no other process of the store pays for it too."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ragtally.store.database import Database, Schema
from ragtally.support.processes import is_running, machine, started

# The file's name in the store's folder.
FILE_NAME = "claims.sqlite"
# Seconds between two signs of life, which machines that cannot see each other's processes go by.
BEAT_SECONDS = 5.0
# Seconds without a sign of life after which a process of another machine counts as dead.
LEASE_SECONDS = 30.0

_HINT = "move the file aside while no run is under way: it holds nothing that is paid for"
_CREATE = (
    """
    CREATE TABLE holders (
        id INTEGER PRIMARY KEY, machine TEXT NOT NULL, process INTEGER NOT NULL, started TEXT, beat INTEGER NOT NULL
    )
    """,
    # A key is a call's (text) or a vector's (bytes): BLOB leaves both as they are.
    "CREATE TABLE claims (key BLOB NOT NULL PRIMARY KEY, holder INTEGER NOT NULL) WITHOUT ROWID",
)
_SCHEMA = Schema("file of claims", 1, _CREATE, {sqlite3.SQLITE_CORRUPT: _HINT, sqlite3.SQLITE_NOTADB: _HINT})
_KEYS_AT_ONCE = 500

Key = TypeVar("Key", str, bytes)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has claims."""

    id: int
    machine: str  # Whose process numbers are meant
    process: int
    started: str | None  # When it started, by the system's own count; None where the system does not tell
    beat: int  # Its signs of life so far


class Claims:
    """The claims of this process on keys of calls or of vectors; one object belongs to one thread."""

    # A claim is taken before anything is sent, and given back after the answer is saved: whoever takes it next looks
    # into the call store again, and finds the answer there. Of a process of this machine the system says whether it
    # lives (its number, and when it started, since numbers are used again). A process of another machine, or of
    # another container, gives signs of life; whether these go on is told by this process's own clock alone, since
    # two machines' clocks may differ.

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock
        self._id = secrets.randbits(62)
        self._held: set[str | bytes] = set()
        self._done: list[str | bytes] = []
        self._beats: dict[int, tuple[int, float]] = {}
        self._pulse: _Pulse | None = None

    def take(self, keys: Sequence[Key]) -> list[Key]:
        """Claim what no living process holds; returns what this one now has, in order."""
        if not keys:
            return []
        self._give_sign_of_life()
        with self._database.transaction() as connection:
            self._drop_done(connection)
            holders = dict(_holders(connection, keys))
            others = {number for number in holders.values() if number != self._id}
            dead: set[int] = {number for number in others if not self._lives(connection, number)}
            for number in dead:
                connection.execute("DELETE FROM claims WHERE holder = ?", (number,))
                connection.execute("DELETE FROM holders WHERE id = ?", (number,))
            not_held = {None, self._id, *dead}
            free = [key for key in keys if holders.get(key) in not_held]
            connection.execute(
                "INSERT INTO holders VALUES (?, ?, ?, ?, 0) ON CONFLICT (id) DO NOTHING",
                (self._id, machine(), os.getpid(), started(os.getpid())),
            )
            connection.executemany(
                "INSERT INTO claims VALUES (?, ?) ON CONFLICT (key) DO NOTHING", [(key, self._id) for key in free]
            )
        self._held.update(free)
        return free

    def done(self, key: str | bytes) -> None:
        """Note that a key's answer is saved: its claim is given back together with the next that are taken."""
        if key in self._held:
            self._done.append(key)

    def held_elsewhere(self, keys: Collection[Key]) -> set[Key]:
        """Those of some keys that another living process has claimed."""
        connection = self._database.reading()
        if connection is None:
            return set()
        try:
            alive: dict[int, bool] = {self._id: False}
            elsewhere = set()
            for key, number in _holders(connection, keys):
                if number not in alive:
                    alive[number] = self._lives(connection, number)
                if alive[number]:
                    elsewhere.add(key)
            return elsewhere
        except sqlite3.Error as error:
            raise self._database.wrap_error(error) from error

    def release(self) -> None:
        """Give every claim back, and close the file; it is opened again when it is needed."""
        if self._pulse is not None:
            self._pulse.stop()
            self._pulse = None
        if self._held:
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM claims WHERE holder = ?", (self._id,))
                connection.execute("DELETE FROM holders WHERE id = ?", (self._id,))
            self._held.clear()
            self._done.clear()
        self._database.close()

    def _drop_done(self, connection: sqlite3.Connection) -> None:
        rows = [(key, self._id) for key in self._done]
        connection.executemany("DELETE FROM claims WHERE key = ? AND holder = ?", rows)
        self._held.difference_update(self._done)
        self._done.clear()

    def _lives(self, connection: sqlite3.Connection, number: int) -> bool:
        row = connection.execute("SELECT * FROM holders WHERE id = ?", (number,)).fetchone()
        if row is None:
            return False
        holder = Holder(*row)
        if holder.machine == machine():
            return is_running(holder.process, holder.started)
        beat, since = self._beats.get(holder.id, (None, 0.0))
        if beat != holder.beat:
            self._beats[holder.id] = (holder.beat, self._clock())
            return True
        return self._clock() - since < LEASE_SECONDS

    def _give_sign_of_life(self) -> None:
        if self._pulse is None:
            self._pulse = _Pulse(self._database.path, self._id)
            self._pulse.start()


def _holders(connection: sqlite3.Connection, keys: Iterable[Key]) -> Iterator[tuple[Key, int]]:
    """The keys that are claimed, each with its holder's number."""
    for some in chunks(keys, _KEYS_AT_ONCE):
        marks = ",".join("?" * len(some))
        yield from connection.execute(f"SELECT key, holder FROM claims WHERE key IN ({marks})", some).fetchall()


class _Pulse(threading.Thread):
    """Gives signs of life while claims are held, whatever the main thread is busy with."""

    def __init__(self, path: Path, holder: int) -> None:
        super().__init__(name="ragtally-claims", daemon=True)
        self._path, self._holder = path, holder
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            # A connection of its own, only while it is needed. A beat that fails is made up for by the next.
            try:
                connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, timeout=1.0)
            except sqlite3.Error:
                continue
            try:
                with connection:
                    connection.execute("UPDATE holders SET beat = beat + 1 WHERE id = ?", (self._holder,))
            except sqlite3.Error:
                continue
            finally:
                connection.close()

    def stop(self) -> None:
        self._end.set()
        self.join()


def chunks(keys: Iterable[Key], size: int) -> Iterable[list[Key]]:
    """Cut keys into pieces."""
    all_keys = list(keys)
    return (all_keys[start : start + size] for start in range(0, len(all_keys), size))
