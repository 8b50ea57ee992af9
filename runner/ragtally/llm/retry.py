"""Single requests that are worth waiting for: failures that pass are tried again, a stop ends the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ragtally.api import CallError, derive_seed
from ragtally.llm.stop import StopSignal

_Answer = TypeVar("_Answer")


FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 60.0
# Seconds: a provider that asks to wait longer means a quota, not a limit of speed.
LONGEST_WAIT = 3600.0


def backoff(failures: int, fraction: float) -> float:
    """Tell how long to wait before another try: exponential backoff with full jitter."""
    # Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: a uniform draw from 0 to
    # min(cap, base * 2 ** n).
    return fraction * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 16))


async def pause(stop: StopSignal, seconds: float) -> None:
    """Wait, or less long where a stop is asked for."""
    if stop.draining:
        return
    stop_event = asyncio.Event()
    end = stop.listen(stop_event.set)
    try:
        async with asyncio.timeout(seconds):
            await stop_event.wait()
    except TimeoutError:
        pass
    finally:
        end()


def wait_after(error: CallError, failures: int, seed: int, name: str) -> float | None:
    """How long to wait after a failure."""
    if not error.retryable or (error.retry_after or 0.0) > LONGEST_WAIT:
        return None
    fraction = derive_seed(seed, "patience", name, failures) / 2**32
    return max(error.retry_after or 0.0, backoff(failures, fraction))


async def retry_request(
    request: Callable[[], Awaitable[_Answer]], *, retries: int, stop: StopSignal, seed: int, name: str
) -> _Answer:
    """Ask until there is an answer, or a failure that does not pass."""
    failures = 0
    while True:
        try:
            return await request()
        except CallError as error:
            failures += 1
            wait = wait_after(error, failures, seed, name)
            if wait is None or failures > retries:
                raise
            await pause(stop, wait)
            if stop.draining:
                raise
