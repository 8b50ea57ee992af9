"""A provider of a model that does as a script says, in virtual time, and what a delivery to it came to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragtally.api import Call, CallError, Limits, Message, Reply
from ragtally.llm.delivery import DeliveryResult, deliver
from ragtally.llm.stop import StopReason, StopSignal
from virtual_time import run

Script = Mapping[str, Sequence[BaseException]]
"""What goes wrong, by key: one exception a try, then a reply."""


def call(key: str | int) -> Call:
    return Call(str(key), (Message("user", f"question {key}"),), "measure", 0, None)


def calls(count: int) -> list[Call]:
    return [call(number) for number in range(count)]


def reply(call: Call, tokens: int = 10) -> Reply:
    return Reply(f"answer to {call.key}", "stop", tokens - 1, 1, False, 0.1)


def failure(reason: str, **details: Any) -> CallError:
    return CallError(f"it was: {reason}", reason=reason, **details)  # type: ignore[arg-type]


@dataclass
class Provider:
    """Sends replies after its latency.

    Attributes:
        latency: Seconds, or what tells them for a call.
        script: What goes wrong before a call is answered.
        rule: What goes wrong at a time, for any call; asked where the script has nothing.
        tokens: What a reply says of its tokens.
        starts: When each try came, and of which call.
        in_flight: Tries that were not answered yet.
        most_in_flight: The most of them that there ever were.
    """

    latency: float | Callable[[Call], float] = 0.1
    script: Script = field(default_factory=dict)
    rule: Callable[[float], BaseException | None] = lambda now: None
    tokens: int = 10
    starts: list[tuple[float, str]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def send(self, call: Call) -> Reply:
        now = asyncio.get_running_loop().time()
        tries = sum(key == call.key for _, key in self.starts) if call.key in self.script else 0
        self.starts.append((now, call.key))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency(call) if callable(self.latency) else self.latency)
            script = self.script.get(call.key, ())
            wrong = script[tries] if tries < len(script) else self.rule(asyncio.get_running_loop().time())
            if wrong is not None:
                raise wrong
            return reply(call, self.tokens)
        finally:
            self.in_flight -= 1

    def tries(self, key: str | int) -> list[float]:
        return [time for time, tried in self.starts if tried == str(key)]


@dataclass
class Outcome:
    """What a delivery came to.

    Attributes:
        delivered: What it returned.
        replies: When each reply was handed over, and whose it was.
        failures: When each failed try was reported, of which call, with which error, and its seconds.
        seconds: How long all took.
    """

    delivery: DeliveryResult
    replies: list[tuple[float, str]]
    failures: list[tuple[float, str, CallError, float]]
    seconds: float


Later = Callable[[asyncio.AbstractEventLoop, StopSignal], None]


async def delivering(
    calls: Iterable[Call],
    provider: Provider,
    limits: Limits | None = None,
    *,
    seed: int = 7,
    estimate: Callable[[Call], int] = lambda call: 10,
    may_go_on: Callable[[Call], StopReason | None] = lambda call: None,
    on_reply: Callable[[Call, Reply], None] = lambda call, reply: None,
    on_attempt_failed: Callable[[Call, CallError, float], None] = lambda call, error, seconds: None,
    stop: StopSignal | None = None,
    before: Later = lambda loop, stop: None,
    **more: Any,
) -> Outcome:
    """Deliver inside a running loop; `before` sets what happens later (`loop.call_at`)."""
    loop = asyncio.get_running_loop()
    stop = stop or StopSignal()
    replies: list[tuple[float, str]] = []
    failures: list[tuple[float, str, CallError, float]] = []

    def reply_came(call: Call, reply: Reply) -> None:
        on_reply(call, reply)
        assert reply.text == f"answer to {call.key}"
        replies.append((loop.time(), call.key))

    def attempt_failed(call: Call, error: CallError, seconds: float) -> None:
        on_attempt_failed(call, error, seconds)
        failures.append((loop.time(), call.key, error, seconds))

    before(loop, stop)
    began = loop.time()
    delivery = await deliver(
        calls,
        provider.send,
        limits or Limits(),
        on_reply=reply_came,
        on_attempt_failed=attempt_failed,
        estimate_tokens=estimate,
        may_go_on=may_go_on,
        stop=stop,
        seed=seed,
        **more,
    )
    return Outcome(delivery, replies, failures, loop.time() - began)


def delivery(calls: Iterable[Call], provider: Provider, limits: Limits | None = None, **options: Any) -> Outcome:
    """Deliver in a loop of its own, in virtual time."""
    return run(delivering(calls, provider, limits, **options))


def at(*events: tuple[float, Callable[[StopSignal], None]]) -> Later:
    """Have things happen to the stop signal at given times."""

    def later(loop: asyncio.AbstractEventLoop, stop: StopSignal) -> None:
        for when, event in events:
            loop.call_at(when, event, stop)

    return later
