"""Take the calls of one model to their ends by batches: submit, wait, read, submit again what may then succeed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from ragtally.api import BatchModel, BatchState, CallError, ChatModel, PluginError, RagtallyError, StoppedError
from ragtally.llm import StopReason, pause, stop_on_interrupt
from ragtally.llm.batch_messages import interrupted, when
from ragtally.llm.batch_session import BatchDesk, now
from ragtally.llm.budget import Spending, worst_price
from ragtally.llm.call_group import CallGroup
from ragtally.llm.collecting import Collected, collect
from ragtally.llm.submitting import settle, submit
from ragtally.store.batches import BatchStore, StoredBatch
from ragtally.workspace import Workspace

# In how many batches a call may fail for a reason that passes, within one run.
_ROUNDS = 3


class Batching:
    """The batches of one model in one run."""

    # `begin` reads what has ended and submits what is to be submitted, `finish` waits for the rest. Between them
    # other models' batches can be begun.

    def __init__(
        self, group: CallGroup, workspace: Workspace, store: BatchStore, spending: Spending, seed: int
    ) -> None:
        self.failed: dict[str, CallError] = {}
        self._model: ChatModel = workspace.registry.build(group.choice)
        if not isinstance(self._model, BatchModel):
            raise PluginError(f"the model {group.name} offers no batches", hint="delivery: live")
        self._desk = BatchDesk(group, self._model.batches(), store, workspace, spending, seed, group.about)
        self._tried: Counter[str] = Counter()
        self._held: set[str] = set()
        self._queue_full: str | None = None
        self._cancelled: StoredBatch | None = None

    async def begin(self) -> None:
        """Read the batches that have ended, find those that a killed run left, and submit what is left."""
        await self._stoppable(self._begin)

    async def finish(self) -> None:
        """Wait until no batch with this model's calls is open."""
        await self._stoppable(self._finish)

    def open(self) -> tuple[StoredBatch, ...]:
        """List the batches that calls of this model are on their way in."""
        return self._desk.store.holding(self._desk.group.calls)

    async def _stoppable(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        desk = self._desk
        task = asyncio.ensure_future(work())

        def cut_off() -> None:
            if desk.stop.aborting:
                task.cancel()

        end = desk.stop.listen(cut_off)
        try:
            with stop_on_interrupt(desk.stop):
                await task
        except asyncio.CancelledError:
            raise interrupted(self.open()) from None
        finally:
            end()
            await desk.provider.close()
            await self._model.close()

    async def _begin(self) -> None:
        async with self._desk.alone():
            await settle(self._desk)
        await self._look(first=True)
        reason = await self._submit()
        self._refuse_to_go_on(reason)

    async def _finish(self) -> None:
        desk = self._desk
        while True:
            open_now = self.open()
            if not open_now:
                reason = await self._submit()
                if not self.open():
                    if reason is not None:
                        raise reason.as_error()
                    self._refuse_to_go_on(None)
                    return
                continue
            if any(batch.stage != "open" for batch in open_now):
                async with desk.alone():
                    await settle(desk)
            self._tell(open_now)
            await pause(desk.stop, desk.terms.poll_seconds)
            self._refuse_to_go_on(desk.spending.time_is_up())
            if await self._look(first=False):
                await self._submit()

    def _refuse_to_go_on(self, reason: StopReason | None) -> None:
        """Stop where a stop was asked for, or where nothing is left to wait for."""
        desk = self._desk
        open_now = self.open()
        if desk.stop.draining:
            raise interrupted(self.open())
        if self._cancelled is not None:
            raise StoppedError(
                f"batch {self._cancelled.name} was cancelled; what it had answered is saved",
                hint="the same command submits the rest again; delivery: live sends it call by call",
            )
        if reason is not None and not open_now:
            raise reason.as_error()

    async def _look(self, *, first: bool) -> bool:
        """Ask how the open batches stand, and read those that have ended; tells whether any has."""
        desk, any_ended, any_taken = self._desk, False, False
        for batch in self.open():
            self._hold(batch)
            if batch.batch_id is None or desk.stop.draining:
                continue
            state = await self._state(batch, batch.batch_id)
            if state is None or state.status == "running":
                continue
            async with desk.alone():
                desk.workspace.progress.start(desk.group.name, len(desk.group.calls), 0)
                collected = await collect(desk, batch, state)
            self._ended(batch, state, collected, first=first)
            any_ended, any_taken = True, any_taken or not state.queue_full
        if any_taken:
            # There is room in the provider's queue again.
            self._queue_full = None
        return any_ended

    async def _state(self, batch: StoredBatch, batch_id: str) -> BatchState | None:
        desk = self._desk
        try:
            state = await desk.ask(lambda: desk.provider.look(batch_id), batch.name)
        except CallError as error:
            if error.reason == "not found":
                raise RagtallyError(
                    f"{batch.provider} does not know batch {batch_id} (with this key): {error.message}",
                    hint=f"use the key that it was submitted with; `ragtally store forget {batch.name}` gives its "
                    "answers up, and its calls are paid again",
                ) from error
            if not error.retryable:
                raise
            desk.workspace.progress.warn(f"no news of batch {batch.name}: {error.message}")
            return None
        desk.store.change(
            batch.name,
            status=state.status,
            answered=state.completed,
            failed=state.failed,
            ended_at=None if state.status == "running" else state.ended_at or now(),
            expires_at=state.expires_at or batch.expires_at,
        )
        return state

    def _hold(self, batch: StoredBatch) -> None:
        """Count an earlier run's batch against the budget, once."""
        group = self._desk.group
        for key in self._desk.store.keys_of(batch.name) if batch.name not in self._held else ():
            if key in group.calls:
                self._desk.spending.owe(key, worst_price(group.traits, group.calls[key]))
        self._held.add(batch.name)

    def _ended(self, batch: StoredBatch, state: BatchState, collected: Collected, *, first: bool) -> None:
        progress, terms = self._desk.workspace.progress, self._desk.terms
        failures = collected.failures
        failed = f", {len(failures):,} without an answer" if failures else ""
        said = f" ({state.message})" if state.message else ""
        progress.warn(f"batch {batch.name} {state.status}: {collected.answered:,} answers{failed}{said}")
        if collected.odd_rows:
            progress.warn(f"{collected.odd_rows:,} rows of batch {batch.name} could not be told to be a call's")
        if state.queue_full:
            self._queue_full = state.message or "too much is queued already"
        if state.status == "cancelled" and not first:
            self._cancelled = batch
        for key, error in failures.items():
            self._tried[key] += 1
            passes = error.retryable or error.reason == "cancelled"
            if terms.then_live or not passes or self._tried[key] >= _ROUNDS:
                self.failed[key] = error

    async def _submit(self) -> StopReason | None:
        """Submit what is neither answered nor on its way; tells why not, where something forbids it."""
        desk = self._desk
        if desk.group.traits.batch is None or self._cancelled is not None or desk.stop.draining:
            return None
        if self._queue_full is not None:
            hint = "wait a while and run the same command; batch: {calls: ...} makes smaller batches"
            return StopReason("daily quota", f"{desk.group.traits.provider}: {self._queue_full}", hint)
        async with desk.alone():
            claimed = desk.store.claimed(desk.group.calls)
            waiting = [key for key in desk.group.calls if key not in claimed and key not in self.failed]
            before = {batch.name for batch in self.open()}
            reason = await submit(desk, desk.workspace.calls.unanswered(waiting))
            # Their calls were held back for when they were put in.
            self._held.update(batch.name for batch in self.open() if batch.name not in before)
        return reason

    def _tell(self, batches: tuple[StoredBatch, ...]) -> None:
        total = sum(batch.calls for batch in batches)
        done = sum(batch.answered + batch.failed for batch in batches)
        self._desk.workspace.progress.measure(f"{self._desk.group.name} batches", total, done, when(batches))
