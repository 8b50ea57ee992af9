"""A lock between processes of one machine, which ends with its process however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragtally.api import Location, StoreError
from ragtally.store.files import unwritable


class FileLock:
    """A lock on a file; of several processes (or objects) one holds it at a time."""

    # The system gives it back when the process ends, by SIGKILL too (flock(2)).

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock, if no other process has it."""
        if self._descriptor is not None:
            return False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(self._path, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def one_at_a_time(path: Path, seconds: float) -> Iterator[None]:
    """Do what takes moments while no other process does it."""
    lock, until = FileLock(path), time.monotonic() + seconds
    while not lock.take():
        if time.monotonic() > until:
            raise StoreError("another process keeps this lock", location=Location(str(path)), hint="end that process")
        time.sleep(0.01)
    try:
        yield
    finally:
        lock.release()
