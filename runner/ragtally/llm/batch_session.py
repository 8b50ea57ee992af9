"""What working with one model's batches needs: the provider, what is on disk, the budget, and who may stop it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from ragtally.api import Batches, BatchTerms, StoppedError
from ragtally.llm import StopSignal, patiently, pause
from ragtally.llm.budget import Spending
from ragtally.llm.call_group import CallGroup
from ragtally.store.batches import LOCK_NAME, BatchStore
from ragtally.store.calls import CallAbout
from ragtally.store.locks import FileLock
from ragtally.workspace import Workspace

_Answer = TypeVar("_Answer")
_LOCK_POLL = 0.2


@dataclass(frozen=True)
class BatchDesk:
    """Where one model's batches are worked on."""

    group: CallGroup  # The model and its calls
    provider: Batches  # Talks to the provider
    store: BatchStore  # The batches on disk
    workspace: Workspace  # The call store, and who is told how it goes
    spending: Spending  # Counts against the budget
    seed: int  # The seed of jitter
    about: CallAbout
    stop: StopSignal = field(default_factory=StopSignal)  # Asks to stop

    @property
    def terms(self) -> BatchTerms:
        """How calls are put into batches; the usual terms for a model whose calls are sent one by one now."""
        return self.group.traits.batch or BatchTerms()

    async def ask(self, request: Callable[[], Awaitable[_Answer]], name: str) -> _Answer:
        """Ask the provider, and again where that may help (see `ragtally.llm.patiently`)."""
        retries = self.group.traits.limits.retries
        return await patiently(request, retries=retries, stop=self.stop, seed=self.seed, name=name)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep every other process of this store from submitting batches and from reading their results."""
        lock = FileLock(self.workspace.store.root / LOCK_NAME)
        told = False
        while not lock.take():
            if not told:
                self.workspace.progress.warn("another run is busy with its batches; waiting for it")
                told = True
            await pause(self.stop, _LOCK_POLL)
            if self.stop.draining:
                raise StoppedError("interrupted while another run was busy with its batches")
        try:
            yield
        finally:
            lock.release()


def now() -> float:
    """Seconds of the epoch."""
    return time.time()
