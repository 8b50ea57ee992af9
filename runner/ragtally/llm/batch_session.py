"""What working with one model's batches needs: the provider, what is on disk, the budget, and who may stop it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ragtally.api import Batches, BatchTerms, StoppedError
from ragtally.llm.budget import Spending
from ragtally.llm.call_group import CallGroup
from ragtally.llm.exclusive import one_process
from ragtally.llm.retry import retry_request
from ragtally.llm.stop import StopSignal
from ragtally.store.batches import LOCK_NAME, BatchStore, StoredBatch
from ragtally.store.calls import CallAbout
from ragtally.workspace import Workspace


def moment(seconds: float) -> str:
    """Write a point in time for the user, in the machine's time zone."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M %Z}"


def when(batches: tuple[StoredBatch, ...]) -> str:
    """Say when open batches will be over: estimated from what is done, else when the provider gives them up."""
    latest = max((batch.expires_at for batch in batches if batch.expires_at is not None), default=None)
    began = min((batch.submitted_at for batch in batches if batch.submitted_at is not None), default=None)
    total = sum(batch.calls for batch in batches)
    ended_calls = sum(batch.answered + batch.failed for batch in batches)
    if ended_calls and began is not None:
        end = now() + (now() - began) * (total - ended_calls) / ended_calls
        if latest is None or end < latest:
            return f"about {moment(end)}"
    return "" if latest is None else f"by {moment(latest)}"


def still_open(batches: tuple[StoredBatch, ...]) -> str:
    """Describe the open batches, and when they end at the latest."""
    calls = sum(batch.calls for batch in batches)
    providers = ", ".join(sorted({batch.provider for batch in batches}))
    latest = max((batch.expires_at for batch in batches if batch.expires_at is not None), default=None)
    estimate = when(batches)
    until = f"; come back at {moment(latest)} at the latest" if latest is not None else ""
    if estimate.startswith("about"):
        until += f" ({estimate}, at the present rate)"
    count = f"{len(batches)} batches" if len(batches) > 1 else "1 batch"
    return f"{count} with {calls:,} calls {'are' if len(batches) > 1 else 'is'} open at {providers}{until}"


def interruption(batches: tuple[StoredBatch, ...]) -> StoppedError:
    """Describe an interruption, and what continues without the run."""
    if not batches:
        return StoppedError("interrupted")
    hint = "`ragtally store batches` lists them, `ragtally store cancel NAME` cancels one"
    return StoppedError(f"interrupted; {still_open(batches)}", hint=hint)


_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class BatchSession:
    """Where one model's batches are worked on."""

    group: CallGroup  # The model and its calls
    provider: Batches
    store: BatchStore  # The batches on disk
    workspace: Workspace  # The call store, and who is told how it goes
    spending: Spending  # Counts against the budget
    seed: int  # The seed of jitter
    about: CallAbout
    stop: StopSignal = field(default_factory=StopSignal)

    @property
    def terms(self) -> BatchTerms:
        """How calls are put into batches; the usual terms for a model whose calls are sent one by one now."""
        return self.group.traits.batch or BatchTerms()

    async def ask(self, request: Callable[[], Awaitable[_Answer]], name: str) -> _Answer:
        """Ask the provider, and again where that may help (see `ragtally.llm.retry.patiently`)."""
        retries = self.group.traits.limits.retries
        return await retry_request(request, retries=retries, stop=self.stop, seed=self.seed, name=name)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep every other process of this store from submitting batches and from reading their results."""
        lock = self.workspace.store.root / LOCK_NAME
        async with one_process(lock, "batches", self.stop, self.workspace.progress.warn):
            yield


def now() -> float:
    """Seconds of the epoch."""
    return time.time()
