"""Single requests: what passes is waited for, what does not is told at once, a stop ends the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ragtally.api import CallError
from ragtally.llm.retry import pause, retry_request, wait_after
from ragtally.llm.stop import StopSignal
from scripted_provider import failure
from virtual_time import run

PASSING = ("rate limit", "timeout", "connection", "server", "bad reply")


def asking(*failures: CallError, retries: int = 3, stop: StopSignal | None = None) -> Callable[[], Any]:
    left = list(failures)

    async def request() -> float:
        if left:
            raise left.pop(0)
        return asyncio.get_running_loop().time()

    return lambda: retry_request(request, retries=retries, stop=stop or StopSignal(), seed=1, name="it")


@pytest.mark.parametrize("reason", PASSING)
def test_what_passes_is_tried_again(reason: str) -> None:
    assert run(asking(*[failure(reason)] * 3)()) > 0
    with pytest.raises(CallError, match=reason):
        run(asking(*[failure(reason)] * 4)())


@pytest.mark.parametrize("reason", ["authentication", "bad request", "not found", "daily quota"])
def test_what_does_not_pass_is_told_at_once(reason: str) -> None:
    with pytest.raises(CallError, match=reason):
        run(asking(failure(reason))())


def test_a_provider_that_says_how_long_is_waited_for_as_long() -> None:
    assert run(asking(failure("rate limit", retry_after=40.0))()) >= 40
    assert wait_after(failure("rate limit", retry_after=7200.0), 1, 1, "it") is None


def test_a_stop_ends_a_pause() -> None:
    async def stopped() -> float:
        stop, loop = StopSignal(), asyncio.get_running_loop()
        loop.call_later(2, stop.interrupt)
        await pause(stop, 100)
        await pause(stop, 100)
        return loop.time()

    assert run(stopped()) < 5


def test_a_stop_ends_the_trying() -> None:
    stop = StopSignal()
    stop.drain()
    with pytest.raises(CallError):
        run(asking(failure("server"), stop=stop)())
