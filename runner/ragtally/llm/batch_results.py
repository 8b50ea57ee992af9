"""Read what a batch came to, row by row, into the call store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ragtally.api import BatchRow, BatchState, Call, CallError, Reply, StoppedError
from ragtally.llm.batch_session import BatchSession, now
from ragtally.llm.budget import failure_price, price
from ragtally.llm.retry import pause
from ragtally.llm.tokens import count_tokens
from ragtally.store.batches import StoredBatch
from ragtally.support.reply_outcomes import counted_tokens, require_answer

# How often results are fetched that are not whole, and the most seconds between two times.
_FETCHES = 3
_FETCH_AGAIN = 1.0


@dataclass
class BatchResult:
    """The outcome of a batch, for the calls of this study."""

    answered: int = 0  # How many calls it answered that had no answer before
    # Why calls have none, by key; none for calls of a batch that was only turned away for now.
    failures: dict[str, CallError] = field(default_factory=dict)
    odd_rows: int = 0  # Rows that belong to no call of the batch, or whose call cannot be told


async def collect(session: BatchSession, batch: StoredBatch, state: BatchState) -> BatchResult:
    """Save the answers of a batch that has ended, one by one, then let its calls go."""
    # A kill in between loses nothing: the results are read again, and an answer that is saved stays. Calls of other
    # studies in the same batch are left to these.
    keys = session.store.keys_of(batch.name)
    own = [key for key in keys if key in session.group.calls]
    result = BatchResult()
    if not own:
        return result
    if state.completed and not state.result_files:
        raise StoppedError(
            f"batch {batch.name} ({state.id}) has {state.completed:,} answers, but {batch.provider} names no file "
            "of them",
            hint=f"run the same command again later; `ragtally store forget {batch.name}` gives these answers up",
        )
    open_keys = set(own)
    others = set(keys) - open_keys
    share = _seconds(batch, state) / max(1, batch.calls)

    keys_with_row: set[str] = set()

    async def read() -> None:
        result.odd_rows = 0
        keys_with_row.clear()
        with session.workspace.store.scratch() as folder:
            async for row in session.provider.results(state, folder):
                if row.key is not None:
                    keys_with_row.add(row.key)
                if row.key in open_keys:
                    _take(session, row, share, open_keys, result)
                elif row.key not in session.group.calls and row.key not in others:
                    result.odd_rows += 1

    # From the beginning, where a download breaks off: a row that was taken is not taken again.
    for fetch in range(_FETCHES):
        await pause(session.stop, min(_FETCH_AGAIN, session.terms.poll_seconds) * fetch)
        await session.ask(read, f"results of {batch.name}")
        rows = len(keys_with_row.intersection(keys) if len(keys) == batch.calls else keys_with_row)
        if rows >= _rows_due(batch, state):
            break
    else:
        # Not the whole results: an error page, an empty list, half a file. Sent again, its calls would be paid twice.
        raise StoppedError(
            f"batch {batch.name} ({state.id}): {batch.provider} says that {_rows_due(batch, state):,} of its calls "
            f"have a result, and sends {rows:,}; what is there is saved, and the batch stays open",
            hint="run the same command again later; if the rest never comes, "
            f"`ragtally store forget {batch.name} --yes` gives it up, and its calls are paid again",
        )
    if not state.queue_full:
        result.failures.update(
            (key, _missing_row(batch, state)) for key in sorted(open_keys - result.failures.keys())
        )
        for key, error in result.failures.items():
            dollars = failure_price(session.group.traits, error, share)
            session.workspace.calls.record_attempt(session.group.calls[key], error, share, session.about, dollars)
            if dollars is not None:
                session.spending.settle(key, dollars)
    for key in open_keys:
        session.spending.release(key)
    session.store.let_go(batch.name, own)
    if not others and not session.terms.keep_files:
        await _discard(session, state)
    return result


def _take(
    session: BatchSession, row: BatchRow, seconds: float, open_keys: Collection[str], result: BatchResult
) -> None:
    assert row.key is not None and isinstance(open_keys, set)
    if row.error is not None:
        result.failures.setdefault(row.key, row.error)
        return
    call = session.group.calls[row.key]
    reply = _reply(call, row, seconds)
    try:
        require_answer(call, reply, row.instead)
    except CallError as error:
        result.failures.setdefault(row.key, error)
        return
    result.failures.pop(row.key, None)
    open_keys.discard(row.key)
    dollars = price(session.group.traits, reply)
    if session.workspace.calls.record(call, reply, session.about, dollars):
        result.answered += 1
        session.spending.settle(row.key, dollars)
        session.workspace.progress.advance(session.group.name, session.spending.words())
    else:
        session.spending.release(row.key)


def _reply(call: Call, row: BatchRow, seconds: float) -> Reply:
    put_in, came_out = counted_tokens(call, row.text, row.input_tokens, row.output_tokens)
    is_estimate = put_in is None or came_out is None
    if put_in is None:
        put_in = sum(count_tokens(message.content) for message in call.messages)
    if came_out is None:
        came_out = count_tokens(row.text)
    return Reply(
        row.text, row.finish_reason, put_in, came_out, is_estimate, seconds, row.served_by, row.cached_tokens
    )


def _rows_due(batch: StoredBatch, state: BatchState) -> int:
    """How many calls must have a row in the results, by the provider's own counts."""
    if not state.result_files:
        return 0
    counts = state.completed + state.failed
    return min(batch.calls, counts) if counts or state.status != "completed" else batch.calls


def _missing_row(batch: StoredBatch, state: BatchState) -> CallError:
    """Say why a call of a batch has no row of its own."""
    name = f"{batch.provider}/{batch.model}: batch {state.id}"
    reason = f": {state.message}" if state.message else ""
    if state.status == "expired":
        return CallError(f"{name} expired before this call's turn{reason}", reason="timeout")
    if state.status == "cancelled":
        return CallError(f"{name} was cancelled before this call's turn{reason}", reason="cancelled")
    if state.status == "failed":
        return CallError(f"{name} was turned away{reason}", reason="bad request")
    return CallError(f"{name} ended without a row for this call{reason}", reason="bad reply")


def _seconds(batch: StoredBatch, state: BatchState) -> float:
    began = state.created_at or batch.submitted_at or now()
    return max(0.0, (state.ended_at or now()) - began)


async def _discard(session: BatchSession, state: BatchState) -> None:
    try:
        await session.ask(lambda: session.provider.discard(state), f"discard {state.id}")
    except CallError as error:
        session.workspace.progress.warn(f"the files of batch {state.id} stay at the provider: {error.message}")
