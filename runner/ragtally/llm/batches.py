"""Take the calls of one model to their ends by batches: submit, wait, read, submit again what may then succeed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from ragtally.api import (
    BatchModel,
    BatchState,
    CallError,
    ChatModel,
    Choice,
    PluginError,
    RagtallyError,
    StoppedError,
)
from ragtally.llm.batch_results import BatchResult, collect
from ragtally.llm.batch_session import BatchSession, interruption, now, when
from ragtally.llm.batch_submission import settle, submit
from ragtally.llm.budget import Spending, worst_price
from ragtally.llm.call_group import CallGroup, build_model
from ragtally.llm.claimed_calls import claim_unanswered
from ragtally.llm.retry import pause, retry_request
from ragtally.llm.stop import StopReason, StopSignal, stop_on_interrupt
from ragtally.registry import Registry
from ragtally.store.batches import BatchStore, StoredBatch
from ragtally.store.claims import Claims
from ragtally.workspace import Workspace

# In how many batches a call may fail for a reason that passes, within one run.
_ROUNDS = 3


class Batching:
    """The batches of one model in one run."""

    # `begin` reads what has ended and submits what is to be submitted, `finish` waits for the rest. Between them
    # other models' batches can be begun.

    def __init__(
        self,
        group: CallGroup,
        workspace: Workspace,
        store: BatchStore,
        claims: Claims,
        spending: Spending,
        seed: int,
    ) -> None:
        self._claims = claims
        self.failed: dict[str, CallError] = {}
        self._model = build_model(group, workspace)
        if not isinstance(self._model, BatchModel):
            raise PluginError(f"the model {group.name} offers no batches", hint="delivery: live")
        self._session = BatchSession(group, self._model.batches(), store, workspace, spending, seed, group.about)
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
        return self._session.store.holding(self._session.group.calls)

    async def _stoppable(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        session = self._session
        task = asyncio.ensure_future(work())

        def cut_off() -> None:
            if session.stop.aborting:
                task.cancel()

        end = session.stop.listen(cut_off)
        try:
            with stop_on_interrupt(session.stop):
                await task
        except asyncio.CancelledError:
            raise interruption(self.open()) from None
        finally:
            end()
            await session.provider.close()
            await self._model.close()

    async def _begin(self) -> None:
        async with self._session.alone():
            await settle(self._session)
        await self._look(first=True)
        reason = await self._submit()
        self._refuse_to_go_on(reason)

    async def _finish(self) -> None:
        session = self._session
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
                async with session.alone():
                    await settle(session)
            self._tell(open_now)
            await pause(session.stop, session.terms.poll_seconds)
            self._refuse_to_go_on(session.spending.time_is_up())
            if await self._look(first=False):
                await self._submit()

    def _refuse_to_go_on(self, reason: StopReason | None) -> None:
        """Stop where a stop was asked for, or where nothing is left to wait for."""
        session = self._session
        open_now = self.open()
        if session.stop.draining:
            raise interruption(self.open())
        if self._cancelled is not None:
            raise StoppedError(
                f"batch {self._cancelled.name} was cancelled; what it had answered is saved",
                hint="the same command submits the rest again; delivery: live sends it call by call",
            )
        if reason is not None and not open_now:
            raise reason.as_error()

    async def _look(self, *, first: bool) -> bool:
        """Ask how the open batches stand, and read those that have ended; returns whether any has."""
        session, any_ended, any_taken = self._session, False, False
        doubtful: StoppedError | None = None
        for batch in self.open():
            self._hold(batch)
            if batch.batch_id is None or session.stop.draining:
                continue
            state = await self._state(batch, batch.batch_id)
            if state is None or state.status == "running":
                continue
            async with session.alone():
                calls = session.group.calls
                without_reply = session.workspace.calls.keys_without_reply(list(calls))
                session.workspace.progress.start(session.group.name, len(calls), len(calls) - len(without_reply))
                try:
                    result = await collect(session, batch, state)
                except StoppedError as stopped:
                    # The others are read all the same.
                    doubtful = stopped
                    continue
            self._handle_end(batch, state, result, first=first)
            any_ended, any_taken = True, any_taken or not state.queue_full
        if any_taken:
            # There is room in the provider's queue again.
            self._queue_full = None
        if doubtful is not None:
            raise doubtful
        return any_ended

    async def _state(self, batch: StoredBatch, batch_id: str) -> BatchState | None:
        session = self._session
        try:
            state = await session.ask(lambda: session.provider.look(batch_id), batch.name)
        except CallError as error:
            if error.reason == "not found":
                raise RagtallyError(
                    f"{batch.provider} does not know batch {batch_id} (with this key): {error.message}",
                    hint=f"use the key that it was submitted with; `ragtally store forget {batch.name}` gives its "
                    "answers up, and its calls are paid again",
                ) from error
            if not error.retryable:
                raise
            session.workspace.progress.warn(f"no news of batch {batch.name}: {error.message}")
            return None
        session.store.change(
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
        group = self._session.group
        for key in self._session.store.keys_of(batch.name) if batch.name not in self._held else ():
            if key in group.calls:
                self._session.spending.owe(key, worst_price(group.traits, group.calls[key]))
        self._held.add(batch.name)

    def _handle_end(self, batch: StoredBatch, state: BatchState, result: BatchResult, *, first: bool) -> None:
        progress, terms = self._session.workspace.progress, self._session.terms
        failures = result.failures
        without_answer = f", {len(failures):,} without an answer" if failures else ""
        message = f" ({state.message})" if state.message else ""
        progress.warn(f"batch {batch.name} {state.status}: {result.answered:,} answers{without_answer}{message}")
        if result.odd_rows:
            progress.warn(f"{result.odd_rows:,} rows of batch {batch.name} could not be matched to a call")
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
        """Submit what is neither answered nor on its way; returns why not, where something forbids it."""
        session = self._session
        if session.group.traits.batch is None or self._cancelled is not None or session.stop.draining:
            return None
        if self._queue_full is not None:
            hint = "wait a while and run the same command; batch: {calls: ...} makes smaller batches"
            return StopReason("daily quota", f"{session.group.traits.provider}: {self._queue_full}", hint)
        async with session.alone():
            keys_in_batches = session.store.keys_in_batches(session.group.calls)
            waiting = [key for key in session.group.calls if key not in keys_in_batches and key not in self.failed]
            before = {batch.name for batch in self.open()}
            try:
                # Only while they are put in: from then on the batch store says whose they are.
                own = claim_unanswered(waiting, self._claims, session.workspace.calls, session.store)
                reason = await submit(session, own)
            finally:
                self._claims.release()
            # Their calls were held back for when they were put in.
            self._held.update(batch.name for batch in self.open() if batch.name not in before)
        return reason

    def _tell(self, batches: tuple[StoredBatch, ...]) -> None:
        total = sum(batch.calls for batch in batches)
        ended_calls = sum(batch.answered + batch.failed for batch in batches)
        self._session.workspace.progress.measure(
            f"{self._session.group.name} batches", total, ended_calls, when(batches)
        )


_RETRIES = 4


def cancel_batch(batch: StoredBatch, registry: Registry) -> BatchState:
    """Have no further calls of a batch answered."""
    batch_id = batch.batch_id
    if batch_id is None:
        raise RagtallyError(f"batch {batch.name} is not known to {batch.provider}")
    model: ChatModel = registry.build(Choice("model", batch.component, batch.component_parameters))
    if not isinstance(model, BatchModel):
        raise PluginError(f"the model {batch.component} offers no batches any more")
    provider = model.batches()

    async def ask() -> BatchState:
        try:
            return await retry_request(
                lambda: provider.cancel(batch_id), retries=_RETRIES, stop=StopSignal(), seed=0, name=batch.name
            )
        finally:
            await provider.close()
            await model.close()

    return asyncio.run(ask())
