"""Disk space that is held back while calls are in flight, so that a full disk does not lose their answers."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

from ragtally.store.files import unwritable

# What saving one answer may take: its pages in the log, and again in the file.
BYTES_OF_AN_ANSWER = 1 << 16
_LEAST_BYTES = 1 << 20


class Reserve:
    """A file that takes up room until something that was paid for needs it."""

    def __init__(self, path: Path, answers: int) -> None:
        self._path = path
        self._size = max(_LEAST_BYTES, answers * BYTES_OF_AN_ANSWER)
        self.spent = False

    def hold(self, *growing: Path) -> None:
        """Take up the room, or say that it is not there; also below the limit that the system sets to files."""
        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        for path in growing:
            if limit != resource.RLIM_INFINITY and path.exists() and path.stat().st_size + self._size > limit:
                raise unwritable(path, OSError(errno.EFBIG, os.strerror(errno.EFBIG)))
        try:
            with self._path.open("wb") as handle:
                # Bytes that are written, since some file systems only promise what they allocate.
                handle.write(os.urandom(self._size))
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            self._path.unlink(missing_ok=True)
            raise unwritable(self._path, error) from error

    def spend(self) -> bool:
        """Give the room back to the disk; returns whether there was any."""
        had_room = not self.spent and self._path.exists()
        self._path.unlink(missing_ok=True)
        self.spent = True
        return had_room
