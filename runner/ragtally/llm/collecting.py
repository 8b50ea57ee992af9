"""Read what a batch came to, row by row, into the call store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ragtally.api import BatchRow, BatchState, Call, CallError, Reply, StoppedError
from ragtally.llm.batch_session import BatchDesk, now
from ragtally.llm.budget import price
from ragtally.llm.tokens import count_tokens
from ragtally.store.batches import StoredBatch


@dataclass
class Collected:
    """What a batch came to, for the calls of this study."""

    answered: int = 0  # How many calls it answered that had no answer before
    # Why calls have none, by key; none for calls of a batch that was only turned away for now.
    failures: dict[str, CallError] = field(default_factory=dict)
    odd_rows: int = 0  # Rows that belong to no call of the batch, or whose call cannot be told


async def collect(desk: BatchDesk, batch: StoredBatch, state: BatchState) -> Collected:
    """Save the answers of a batch that has ended, one by one, then let its calls go."""
    # A kill in between loses nothing: the results are read again, and an answer that is saved stays. Calls of other
    # studies in the same batch are left to these.
    claimed = desk.store.keys_of(batch.name)
    own = [key for key in claimed if key in desk.group.calls]
    found = Collected()
    if not own:
        return found
    if state.completed and not state.result_files:
        raise StoppedError(
            f"batch {batch.name} ({state.id}) has {state.completed:,} answers, but {batch.provider} names no file "
            "of them",
            hint=f"run the same command again later; `ragtally store forget {batch.name}` gives these answers up",
        )
    left = set(own)
    others = set(claimed) - left
    share = _seconds(batch, state) / max(1, batch.calls)

    async def read() -> None:
        found.odd_rows = 0
        with desk.workspace.store.scratch() as folder:
            async for row in desk.provider.results(state, folder):
                if row.key in left:
                    _take(desk, row, share, left, found)
                elif row.key not in desk.group.calls and row.key not in others:
                    found.odd_rows += 1

    # From the beginning, where a download breaks off: a row that was taken is not taken again.
    await desk.ask(read, f"results of {batch.name}")
    if not state.queue_full:
        found.failures.update((key, _unanswered(batch, state)) for key in sorted(left - found.failures.keys()))
        for key, error in found.failures.items():
            desk.workspace.calls.record_attempt(desk.group.calls[key], error, share)
    for key in left:
        desk.spending.release(key)
    desk.store.let_go(batch.name, own)
    if not others and not desk.terms.keep_files:
        await _discard(desk, state)
    return found


def _take(desk: BatchDesk, row: BatchRow, seconds: float, left: Collection[str], found: Collected) -> None:
    assert row.key is not None and isinstance(left, set)
    if row.error is not None:
        found.failures.setdefault(row.key, row.error)
        return
    found.failures.pop(row.key, None)
    left.discard(row.key)
    call = desk.group.calls[row.key]
    reply = _reply(call, row, seconds)
    dollars = price(desk.group.traits, reply)
    if desk.workspace.calls.record(call, reply, desk.about, dollars):
        found.answered += 1
        desk.spending.settle(row.key, dollars)
        desk.workspace.progress.advance(desk.group.name, desk.spending.words())
    else:
        desk.spending.release(row.key)


def _reply(call: Call, row: BatchRow, seconds: float) -> Reply:
    put_in, came_out = row.input_tokens, row.output_tokens
    estimated = put_in is None or came_out is None
    if estimated:
        put_in = sum(count_tokens(message.content) for message in call.messages)
        came_out = count_tokens(row.text)
    return Reply(row.text, row.finish_reason, put_in, came_out, estimated, seconds, row.served_by)


def _unanswered(batch: StoredBatch, state: BatchState) -> CallError:
    """Say why a call of a batch has no row of its own."""
    name = f"{batch.provider}/{batch.model}: batch {state.id}"
    said = f": {state.message}" if state.message else ""
    if state.status == "expired":
        return CallError(f"{name} expired before this call's turn{said}", reason="timeout")
    if state.status == "cancelled":
        return CallError(f"{name} was cancelled before this call's turn{said}", reason="cancelled")
    if state.status == "failed":
        return CallError(f"{name} was turned away{said}", reason="bad request")
    return CallError(f"{name} ended without a row for this call{said}", reason="bad reply")


def _seconds(batch: StoredBatch, state: BatchState) -> float:
    began = state.created_at or batch.submitted_at or now()
    return max(0.0, (state.ended_at or now()) - began)


async def _discard(desk: BatchDesk, state: BatchState) -> None:
    try:
        await desk.ask(lambda: desk.provider.discard(state), f"discard {state.id}")
    except CallError as error:
        desk.workspace.progress.warn(f"the files of batch {state.id} stay at the provider: {error.message}")
