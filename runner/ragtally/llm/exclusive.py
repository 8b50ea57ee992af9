"""What one process of a store does at a time, while the others wait without blocking their event loops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ragtally.api import StoppedError
from ragtally.llm.retry import pause
from ragtally.llm.stop import StopSignal
from ragtally.store.locks import FileLock

_LOCK_POLL = 0.2


@asynccontextmanager
async def one_process(path: Path, what: str, stop: StopSignal, warn: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold a lock; `what` another run is busy with is said to whoever has to wait for it."""
    lock, has_warned = FileLock(path), False
    while not lock.take():
        if not has_warned:
            warn(f"another run is busy with its {what}; waiting for it")
            has_warned = True
        await pause(stop, _LOCK_POLL)
        if stop.draining:
            raise StoppedError(f"interrupted while another run was busy with its {what}")
    try:
        yield
    finally:
        lock.release()
