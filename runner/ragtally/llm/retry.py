"""Single requests that are worth waiting for: failures that pass are tried again, a stop ends the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ragtally.api import CallError, derive_seed
from ragtally.llm.policy import LONGEST_WAIT, backoff
from ragtally.llm.stopping import StopSignal

_Answer = TypeVar("_Answer")


async def pause(stop: StopSignal, seconds: float) -> None:
    """Wait, or less long where a stop is asked for."""
    if stop.draining:
        return
    asked = asyncio.Event()
    end = stop.listen(asked.set)
    try:
        async with asyncio.timeout(seconds):
            await asked.wait()
    except TimeoutError:
        pass
    finally:
        end()


def wait_after(error: CallError, failures: int, seed: int, name: str) -> float | None:
    """Say how long to wait after a failure."""
    if not error.retryable or (error.retry_after or 0.0) > LONGEST_WAIT:
        return None
    fraction = derive_seed(seed, "patience", name, failures) / 2**32
    return max(error.retry_after or 0.0, backoff(failures, fraction))


async def patiently(
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
