"""Submit calls in batches: written down before the provider hears of it, so that nothing is submitted twice."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from ragtally.api import BatchState, CallError, StoppedError
from ragtally.llm import FilledBatch, StopReason, fill_batch, pause, wait_after
from ragtally.llm.batch_session import BatchDesk, now
from ragtally.llm.budget import worst_price
from ragtally.store.batches import StoredBatch

# Seconds by which the provider's clock and ours may differ.
_CLOCK_SKEW = 3600.0
_LIST_AGAIN = 2.0


class _NotAccepted(Exception):
    """The provider has certainly not accepted a batch."""

    def __init__(self, error: CallError) -> None:
        super().__init__(error.message)
        self.error = error


async def submit(desk: BatchDesk, keys: Sequence[str]) -> StopReason | None:
    """Put calls into batches and submit these; to be called by one process at a time (`BatchDesk.alone`)."""
    position, terms = 0, desk.terms
    while position < len(keys) and not desk.stop.draining:
        if terms.open is not None and len(_open(desk)) >= terms.open:
            return None
        with desk.workspace.store.scratch() as folder:
            path = folder / "calls.jsonl"
            filled = fill_batch(
                path,
                (desk.group.calls[key] for key in keys[position:]),
                desk.provider.line,
                most_calls=terms.calls,
                most_bytes=terms.bytes,
                may_go_on=lambda call: desk.spending.hold(call.key, worst_price(desk.group.traits, call)),
            )
            if filled.keys:
                await _send(desk, path, filled)
        position += len(filled.keys)
        if filled.held_back is not None:
            return filled.held_back
    return None


async def settle(desk: BatchDesk) -> None:
    """Find out what became of batches that a killed run was about to submit."""
    # What was not handed over is dropped: it costs nothing. What may have been accepted is looked for among the
    # provider's batches, and is only given up once it would be listed there.
    for batch in desk.store.all(unread=True):
        if (batch.provider, batch.model) != (desk.group.traits.provider, desk.group.traits.model):
            continue
        if batch.stage == "claimed":
            desk.store.forget(batch.name)
        elif batch.stage == "submitting":
            found = await _listed(desk, batch.name, batch.file_id, batch.submitted_at or now())
            if found is None:
                desk.store.forget(batch.name)
            else:
                _accepted(desk, batch.name, found, "found again at the provider")


def _open(desk: BatchDesk) -> list[StoredBatch]:
    provider = desk.group.traits.provider
    unread = desk.store.all(unread=True)
    return [batch for batch in unread if batch.provider == provider and batch.ended_at is None]


async def _send(desk: BatchDesk, path: Path, filled: FilledBatch) -> None:
    name = secrets.token_hex(12)
    traits, choice = desk.group.traits, desk.group.choice
    most = sum(worst_price(traits, desk.group.calls[key]) for key in filled.keys)
    batch = StoredBatch(
        name=name,
        provider=traits.provider,
        model=traits.model,
        component=choice.name,
        parameters=json.dumps(dict(choice.parameters), ensure_ascii=False),
        stage="claimed",
        calls=len(filled.keys),
        bytes=filled.bytes,
        most_dollars=None if traits.charged is None else most,
    )
    desk.store.claim(batch, filled.keys)
    try:
        file_id = await desk.ask(lambda: desk.provider.upload(path), name)
    except BaseException:
        _drop(desk, name, filled)
        raise
    desk.store.change(name, file_id=file_id, stage="submitting", submitted_at=now())
    try:
        state = await _submitted(desk, name, file_id)
    except _NotAccepted as refused:
        _drop(desk, name, filled)
        raise refused.error from None
    _accepted(desk, name, state, f"with {batch.calls:,} calls is open")


def _drop(desk: BatchDesk, name: str, filled: FilledBatch) -> None:
    desk.store.forget(name)
    for key in filled.keys:
        desk.spending.release(key)


async def _submitted(desk: BatchDesk, name: str, file_id: str) -> BatchState:
    """Submit a file until the provider has certainly accepted it once."""
    failures = 0
    since = now()
    while True:
        try:
            return await desk.provider.submit(file_id, name)
        except CallError as error:
            refused = error.status is not None and error.status < 500 and error.reason != "timeout"
            found = None if refused else await _listed(desk, name, file_id, since)
            if found is not None:
                return found
            failures += 1
            wait = wait_after(error, failures, desk.seed, name)
            if wait is None or failures > desk.group.traits.limits.retries:
                raise _NotAccepted(error) from error
            await pause(desk.stop, wait)
            if desk.stop.draining:
                raise _NotAccepted(error) from error
            since = now()
            desk.store.change(name, submitted_at=since)


async def _listed(desk: BatchDesk, name: str, file_id: str | None, since: float) -> BatchState | None:
    """Look for a batch among those that the provider lists, for as long as it may take to be listed."""
    while True:
        found = await desk.ask(lambda: _find(desk, name, file_id, since), f"list {name}")
        left = since + desk.terms.settle_seconds - now()
        if found is not None or left <= 0:
            return found
        await pause(desk.stop, min(left, _LIST_AGAIN))
        if desk.stop.draining:
            # Not known: the batch stays as it is, and the next run looks again.
            raise StoppedError("interrupted while a batch was looked for that may have been accepted")


async def _find(desk: BatchDesk, name: str, file_id: str | None, since: float) -> BatchState | None:
    async for state in desk.provider.listed():
        if state.name == name or (file_id is not None and state.file_id == file_id):
            return state
        if state.created_at is not None and state.created_at < since - _CLOCK_SKEW:
            return None
    return None


def _accepted(desk: BatchDesk, name: str, state: BatchState, how: str) -> None:
    expires = state.expires_at or (state.created_at or now()) + desk.terms.window_hours * 3600
    desk.store.change(
        name, stage="open", batch_id=state.id, status=state.status, file_id=state.file_id, expires_at=expires
    )
    desk.workspace.progress.warn(f"batch {name} {how} at {desk.group.traits.provider} ({state.id})")
