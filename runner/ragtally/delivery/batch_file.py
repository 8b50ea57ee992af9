"""The file of a batch, written line by line up to the provider's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ragtally.delivery.stopping import StopReason
from ragtally.errors import CallError
from ragtally.types import Call


@dataclass(frozen=True, slots=True)
class FilledBatch:
    """What went into a batch's file.

    Attributes:
        keys: The keys of its calls, in their order; the first ones of those that were offered.
        bytes: The file's size.
        held_back: Why the next call must not be made; None where the file is full or no call was left.
    """

    keys: tuple[str, ...]
    bytes: int
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
    """Write as many calls as fit into a file, one a line; no more than one line is in memory at a time.

    Args:
        path: The file.
        calls: Calls, in order.
        line: Writes a call as a line.
        most_calls: The most calls.
        most_bytes: The largest file.
        may_go_on: Asked for every call that fits; a reason ends the file before that call.

    Returns:
        What went into it.

    Raises:
        CallError: If a single call is larger than a file may be.
    """
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
