"""Stopping a delivery before its end: why, and who asks for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from ragtally.api import CallError, RagtallyError, StoppedError, StoreError

# Why a delivery stopped: the user, the budget, the provider's quota, an error that every call would meet, a model
# that does not answer any more, or a disk that takes no more answers.
StopKind = Literal["interrupted", "budget", "daily quota", "fatal", "outage", "unwritable"]

NO_ROOM = "cannot write: No space left on device"
FREE_SPACE = "free space and run the same command; all answers that came are saved"


# Signals by which a system ends a process that a user did not interrupt: a shutdown, a terminal that closes.
ENDINGS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a delivery stopped before all calls had their end."""

    kind: StopKind  # What kind of reason it is
    message: str  # The reason in one sentence, for the user
    hint: str | None = None  # What to do next, where that is known
    error: CallError | None = None  # The failed call's error, for `daily quota`, `fatal` and `outage`

    def as_error(self) -> RagtallyError:
        """Turn the reason into the error to end with."""
        if self.kind in ("fatal", "outage") and self.error is not None:
            error = CallError(self.message, reason=self.error.reason, status=self.error.status, hint=self.hint)
            error.__cause__ = self.error
            return error
        if self.kind == "unwritable":
            return StoreError(self.message, hint=self.hint)
        return StoppedError(self.message, hint=self.hint)


class StopSignal:
    """Asks deliveries to stop: first to drain what is in flight, then to abort it."""

    # One signal may serve any number of deliveries, one after the other or side by side. It belongs to the event
    # loop's thread; elsewhere, use `loop.call_soon_threadsafe(stop.interrupt)`.

    def __init__(self, *, patient: bool = True) -> None:
        self._patient = patient  # Whether the first interrupt waits for what is in flight
        self._draining = False
        self._aborting = False
        self._listeners: list[Callable[[], None]] = []

    @property
    def draining(self) -> bool:
        """Whether nothing new may be started."""
        return self._draining

    @property
    def aborting(self) -> bool:
        """Whether what is in flight must be cut off, too."""
        return self._aborting

    def drain(self) -> None:
        """Start nothing new; what is in flight is waited for."""
        self._draining = True
        self._tell()

    def abort(self) -> None:
        """Cut off what is in flight."""
        self._draining = self._aborting = True
        self._tell()

    def interrupt(self) -> None:
        """Drain when called first, abort when called again: what Ctrl-C does."""
        if self._draining or not self._patient:
            self.abort()
        else:
            self.drain()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called at every change."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


@contextmanager
def stop_on_interrupt(stop: StopSignal) -> Iterator[None]:
    """Turn Ctrl-C into `stop.interrupt()` for as long as the block runs."""
    # To be used in the main thread, inside a running event loop.
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.interrupt)

    # The others stop it likewise where the command line has set them so.
    alike = [each for each in ENDINGS if signal.getsignal(each) is signal.default_int_handler]
    before = {each: signal.signal(each, handle) for each in (signal.SIGINT, *alike)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
