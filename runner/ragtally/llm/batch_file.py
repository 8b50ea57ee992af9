"""The file of a batch, written line by line up to the provider's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ragtally.api import Call, CallError
from ragtally.llm.stopping import StopReason


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
    """Write as many calls as fit into a file, one a line; no more than one line is in memory at a time."""
    keys: list[str] = []
    size = 0
    with path.open("wb") as handle:
        for call in calls:
            written = line(call)
            if len(written) > most_bytes:
                message = f"a call takes {len(written):,} bytes, and a batch's file may have {most_bytes:,}"
                raise CallError(message, reason="too long", hint="put fewer or smaller chunks before the reader")
            if len(keys) >= most_calls or size + len(written) > most_bytes:
                break
            reason = may_go_on(call)
            if reason is not None:
                return FilledBatch(tuple(keys), size, reason)
            handle.write(written)
            keys.append(call.key)
            size += len(written)
    return FilledBatch(tuple(keys), size)
