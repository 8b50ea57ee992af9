"""Takes the calls of one model to their ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from ragtally.api import Call, CallError, Limits, Reply
from ragtally.llm.stopping import StopReason, StopSignal
from ragtally.llm.workers import Errand, Workers


@dataclass(frozen=True, slots=True)
class Delivered:
    """How a delivery ended; every call is in exactly one of the three."""

    answered: tuple[str, ...]  # Keys of the answered calls, in the order of their replies
    failed: Mapping[str, CallError]  # Keys of the calls that failed for good, with the error of their last try
    # Keys of the calls to which a stop left no end, in their order: never tried, cut off, or waiting for another try.
    # Empty where nothing stopped the delivery.
    unfinished: tuple[str, ...]
    stopped_by: StopReason | None  # Why it stopped early; None where every call had its end


async def deliver(
    calls: Iterable[Call],
    send: Callable[[Call], Awaitable[Reply]],
    limits: Limits,
    *,
    on_reply: Callable[[Call, Reply], None],
    on_attempt_failed: Callable[[Call, CallError, float], None],
    estimate_tokens: Callable[[Call], int],
    may_go_on: Callable[[Call], StopReason | None],
    stop: StopSignal,
    seed: int,
) -> Delivered:
    """Take the calls of one model to their ends, as fast as its limits and its provider let them through."""
    # At most `limits.concurrency` calls are in flight, fewer after rate limits. Failures that pass are tried again,
    # those that do not are the call's end, and those that every call would meet stop the delivery. After a stop
    # nothing new is started and what is in flight is waited for. Time is the event loop's clock.
    if limits.concurrency < 1:
        raise ValueError(f"a concurrency of {limits.concurrency} lets nothing through")
    errand = Errand(send, on_reply, on_attempt_failed, estimate_tokens, may_go_on)
    workers = Workers(calls, limits, errand, stop, seed)
    await workers.run()
    unfinished = workers.unfinished()
    return Delivered(tuple(workers.answered), workers.failed, unfinished, workers.stopped_by)
