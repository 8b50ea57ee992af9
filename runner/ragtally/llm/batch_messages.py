"""What the user is told of open batches: how many, where, and when to come back."""

from __future__ import annotations

from datetime import datetime

from ragtally.api import StoppedError
from ragtally.llm.batch_session import now
from ragtally.store.batches import StoredBatch


def moment(seconds: float) -> str:
    """Write a point in time for the user, in the machine's time zone."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M %Z}"


def when(batches: tuple[StoredBatch, ...]) -> str:
    """Say when open batches will be over: estimated from what is done, else when the provider gives them up."""
    latest = max((batch.expires_at for batch in batches if batch.expires_at is not None), default=None)
    began = min((batch.submitted_at for batch in batches if batch.submitted_at is not None), default=None)
    total = sum(batch.calls for batch in batches)
    done = sum(batch.answered + batch.failed for batch in batches)
    if done and began is not None:
        end = now() + (now() - began) * (total - done) / done
        if latest is None or end < latest:
            return f"about {moment(end)}"
    return "" if latest is None else f"by {moment(latest)}"


def still_open(batches: tuple[StoredBatch, ...]) -> str:
    """Say what is on its way, and when it is over at the latest."""
    calls = sum(batch.calls for batch in batches)
    providers = ", ".join(sorted({batch.provider for batch in batches}))
    latest = max((batch.expires_at for batch in batches if batch.expires_at is not None), default=None)
    estimated = when(batches)
    until = f"; come back at {moment(latest)} at the latest" if latest is not None else ""
    if estimated.startswith("about"):
        until += f" ({estimated}, at the present rate)"
    count = f"{len(batches)} batches" if len(batches) > 1 else "1 batch"
    return f"{count} with {calls:,} calls {'are' if len(batches) > 1 else 'is'} open at {providers}{until}"


def interrupted(batches: tuple[StoredBatch, ...]) -> StoppedError:
    """Word an interruption, with what goes on without the run."""
    if not batches:
        return StoppedError("interrupted")
    hint = "`ragtally store batches` lists them, `ragtally store cancel NAME` cancels one"
    return StoppedError(f"interrupted; {still_open(batches)}", hint=hint)
