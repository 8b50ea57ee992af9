"""Uploads in the background: several at once, those of one step before those of the next."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from ragtally.api import RagtallyError

_THREADS = 8
_SECONDS_UNTIL_AGAIN = 60.0


@dataclass(frozen=True, slots=True)
class Upload:
    """An entry that is to be shared."""

    step: str
    address: str
    folder: Path
    scratch: Callable[[], AbstractContextManager[Path]]  # Makes a folder for files that are not needed afterwards
    wave: int = 0  # What is of a later wave may rest on this, and so is not shared before it


class Uploads:
    """A queue that threads work off, and that halts at the first failure: what rests on what is missing stays too."""

    def __init__(self, put: Callable[[Upload], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._put = put
        self._clock = clock
        self._waiting: deque[Upload] = deque()
        self._running: Counter[int] = Counter()  # How many of each wave are on their way
        self._wave = 0
        self._threads = 0
        self._changed = threading.Condition()
        self._failed_at = 0.0
        self.error: RagtallyError | None = None  # Why it halts

    def add(self, upload: Upload) -> None:
        """Upload an entry as soon as it is its turn."""
        with self._changed:
            self._waiting.append(replace(upload, wave=self._wave))
            if self.error is not None and self._clock() - self._failed_at > _SECONDS_UNTIL_AGAIN:
                self.error = None
            self._go_on()

    def next_wave(self) -> None:
        """What is added from now on may rest on what was added before."""
        with self._changed:
            if self._waiting or self._running:
                self._wave += 1

    def wait(self, on_left: Callable[[int], None]) -> None:
        """Wait until all is uploaded or one upload has failed; is told every now and then how many are left."""
        with self._changed:
            while self._running.total() or (self._waiting and self.error is None):
                on_left(len(self._waiting) + self._running.total())
                self._changed.wait(0.5)

    def try_again(self) -> None:
        """Go on after a failure."""
        with self._changed:
            self.error = None
            self._go_on()

    def _go_on(self) -> None:
        for _ in range(self._threads, min(_THREADS, len(self._waiting) + self._threads)):
            self._threads += 1
            # Not waited for at the end: whoever wants that calls `wait`.
            threading.Thread(target=self._work, daemon=True).start()
        self._changed.notify_all()

    def give_up(self) -> int:
        """Upload nothing more than is on its way; returns how many entries are not uploaded."""
        with self._changed:
            left = len(self._waiting) + self._running.total()
            self._waiting.clear()
            return left

    @property
    def left(self) -> int:
        """How many entries are not uploaded."""
        with self._changed:
            return len(self._waiting) + self._running.total()

    def _work(self) -> None:
        while True:
            with self._changed:
                while (upload := self._next()) is None:
                    if not self._waiting or self.error is not None:
                        self._threads -= 1
                        return
                    self._changed.wait()
                self._running[upload.wave] += 1
            error: RagtallyError | None = None
            try:
                self._put(upload)
            except RagtallyError as failure:
                error = failure
            except Exception as failure:
                # A thread that died of it would be waited for without end.
                error = RagtallyError(f"{type(failure).__name__}: {failure}")
            with self._changed:
                self._running[upload.wave] -= 1
                self._running += Counter()
                if error is not None:
                    self.error, self._failed_at = error, self._clock()
                    self._waiting.appendleft(upload)
                self._changed.notify_all()

    def _next(self) -> Upload | None:
        if not self._waiting or self.error is not None:
            return None
        first = self._waiting[0].wave
        return None if any(wave < first for wave in self._running) else self._waiting.popleft()
