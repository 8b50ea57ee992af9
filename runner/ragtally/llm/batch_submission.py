"""The file of a batch, written line by line up to the provider's limits."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragtally.api import BatchState, Call, CallError, StoppedError
from ragtally.llm.batch_session import BatchSession, now
from ragtally.llm.budget import worst_price
from ragtally.llm.retry import pause, wait_after
from ragtally.llm.stop import StopReason
from ragtally.store.batches import StoredBatch


@dataclass(frozen=True, slots=True)
class FilledBatch:
    """What went into a batch's file."""

    keys: tuple[str, ...]  # The keys of its calls, in their order; the first ones of those that were offered
    bytes: int  # The file's size
    # Why the next call must not be made; None where the file is full or no call was left.
    held_back: StopReason | None = None


def fill_batch(
    path: Path,
    calls: Iterable[Call],
    line: Callable[[Call], bytes],
    *,
    most_calls: int,
    most_bytes: int,
    may_go_on: Callable[[Call], StopReason | None],
) -> FilledBatch:
    """Write as many calls as fit into a file, one per line; no more than one line is in memory at a time."""
    keys: list[str] = []
    size = 0
    with path.open("wb") as handle:
        for call in calls:
            row = line(call)
            if len(row) > most_bytes:
                message = f"a call takes {len(row):,} bytes, and a batch's file may have {most_bytes:,}"
                raise CallError(message, reason="too long", hint="put fewer or smaller chunks before the reader")
            if len(keys) >= most_calls or size + len(row) > most_bytes:
                break
            reason = may_go_on(call)
            if reason is not None:
                return FilledBatch(tuple(keys), size, reason)
            handle.write(row)
            keys.append(call.key)
            size += len(row)
    return FilledBatch(tuple(keys), size)


# Seconds by which the provider's clock and ours may differ.
_CLOCK_SKEW = 3600.0
_LIST_AGAIN = 2.0


class _RejectedError(Exception):
    """The provider has certainly not accepted a batch."""

    def __init__(self, error: CallError) -> None:
        super().__init__(error.message)
        self.error = error


async def submit(session: BatchSession, keys: Sequence[str]) -> StopReason | None:
    """Put calls into batches and submit these; to be called by one process at a time (`BatchSession.alone`)."""
    position, terms = 0, session.terms
    while position < len(keys) and not session.stop.draining:
        if terms.open is not None and len(_open(session)) >= terms.open:
            return None
        with session.workspace.store.scratch() as folder:
            path = folder / "calls.jsonl"
            batch_file = fill_batch(
                path,
                (session.group.calls[key] for key in keys[position:]),
                session.provider.line,
                most_calls=terms.calls,
                most_bytes=terms.bytes,
                may_go_on=lambda call: session.spending.hold(call.key, worst_price(session.group.traits, call)),
            )
            if batch_file.keys:
                await _send(session, path, batch_file)
        position += len(batch_file.keys)
        if batch_file.held_back is not None:
            return batch_file.held_back
    return None


async def settle(session: BatchSession) -> None:
    """Find out what became of batches that a killed run was about to submit."""
    # What was not handed over is dropped: it costs nothing. What may have been accepted is looked for among the
    # provider's batches, and is only given up once it would be listed there.
    for batch in session.store.all(unread=True):
        if (batch.provider, batch.model) != (session.group.traits.provider, session.group.traits.model):
            continue
        if batch.stage == "claimed":
            session.store.forget(batch.name)
        elif batch.stage == "submitting":
            state_at_provider = await _find_listed(session, batch.name, batch.file_id, batch.submitted_at or now())
            if state_at_provider is None:
                session.store.forget(batch.name)
            else:
                _record_acceptance(session, batch.name, state_at_provider, "found again at the provider")


def _open(session: BatchSession) -> list[StoredBatch]:
    provider = session.group.traits.provider
    unread = session.store.all(unread=True)
    return [batch for batch in unread if batch.provider == provider and batch.ended_at is None]


async def _send(session: BatchSession, path: Path, batch_file: FilledBatch) -> None:
    name = secrets.token_hex(12)
    traits, choice = session.group.traits, session.group.choice
    most = sum(worst_price(traits, session.group.calls[key]) for key in batch_file.keys)
    batch = StoredBatch(
        name=name,
        provider=traits.provider,
        model=traits.model,
        component=choice.name,
        parameters=json.dumps(dict(choice.parameters), ensure_ascii=False),
        stage="claimed",
        calls=len(batch_file.keys),
        bytes=batch_file.bytes,
        most_dollars=None if traits.effective_price is None else most,
    )
    session.store.claim(batch, batch_file.keys)
    try:
        file_id = await session.ask(lambda: session.provider.upload(path), name)
    except BaseException:
        _drop(session, name, batch_file)
        raise
    session.store.change(name, file_id=file_id, stage="submitting", submitted_at=now())
    try:
        state = await _submit_once(session, name, file_id)
    except _RejectedError as rejection:
        _drop(session, name, batch_file)
        raise rejection.error from None
    _record_acceptance(session, name, state, f"with {batch.calls:,} calls is open")


def _drop(session: BatchSession, name: str, batch_file: FilledBatch) -> None:
    session.store.forget(name)
    for key in batch_file.keys:
        session.spending.release(key)


async def _submit_once(session: BatchSession, name: str, file_id: str) -> BatchState:
    """Submit a file until the provider has certainly accepted it once."""
    failures = 0
    since = now()
    while True:
        try:
            return await session.provider.submit(file_id, name)
        except CallError as error:
            is_refusal = error.status is not None and error.status < 500 and error.reason != "timeout"
            state_at_provider = None if is_refusal else await _find_listed(session, name, file_id, since)
            if state_at_provider is not None:
                return state_at_provider
            failures += 1
            wait = wait_after(error, failures, session.seed, name)
            if wait is None or failures > session.group.traits.limits.retries:
                raise _RejectedError(error) from error
            await pause(session.stop, wait)
            if session.stop.draining:
                raise _RejectedError(error) from error
            since = now()
            session.store.change(name, submitted_at=since)


async def _find_listed(session: BatchSession, name: str, file_id: str | None, since: float) -> BatchState | None:
    """Look for a batch among those that the provider lists, for as long as it may take to be listed."""
    while True:
        state_at_provider = await session.ask(lambda: _find(session, name, file_id, since), f"list {name}")
        left = since + session.terms.settle_seconds - now()
        if state_at_provider is not None or left <= 0:
            return state_at_provider
        await pause(session.stop, min(left, _LIST_AGAIN))
        if session.stop.draining:
            # Not known: the batch stays as it is, and the next run looks again.
            raise StoppedError("interrupted while a batch was looked for that may have been accepted")


async def _find(session: BatchSession, name: str, file_id: str | None, since: float) -> BatchState | None:
    async for state in session.provider.listed():
        if state.name == name or (file_id is not None and state.file_id == file_id):
            return state
        if state.created_at is not None and state.created_at < since - _CLOCK_SKEW:
            return None
    return None


def _record_acceptance(session: BatchSession, name: str, state: BatchState, how: str) -> None:
    expires = state.expires_at or (state.created_at or now()) + session.terms.window_hours * 3600
    session.store.change(
        name, stage="open", batch_id=state.id, status=state.status, file_id=state.file_id, expires_at=expires
    )
    session.workspace.progress.warn(f"batch {name} {how} at {session.group.traits.provider} ({state.id})")
