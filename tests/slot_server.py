"""A model's server that does a few calls at once and queues the rest without an end or a word, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ragtally.api import Call, Limits, Prompt, Reply
from scripted_provider import Outcome, delivering, reply
from virtual_time import run


@dataclass
class SlotServer:
    """Answers in the order of asking, as Ollama and llama.cpp do.

    Attributes:
        slots: How many calls it does at once.
        seconds: What one takes, or what tells it for a call.
        held: What one takes whose prompt one of its slots holds; None for as long as any.
        notices: Whether it gives up what nobody waits for any more.
        wasted: Answers that nobody waited for.
        most_waiting: The most calls that were ever there.
        starts: When each call came, and which.
    """

    slots: int
    seconds: float | Callable[[Call], float] = 0.5
    held: float | None = None
    notices: bool = False
    wasted: int = 0
    most_waiting: int = 0
    starts: list[tuple[float, str]] = field(default_factory=list)
    _waiting: int = 0
    _idle: list[Prompt | None] = field(default_factory=list)  # What the idle slots hold
    _work: list[asyncio.Task[None]] = field(default_factory=list)
    _free: asyncio.Semaphore | None = None

    async def send(self, call: Call) -> Reply:
        if self._free is None:
            self._free = asyncio.Semaphore(self.slots)
            self._idle = [None] * self.slots
        self.starts.append((asyncio.get_running_loop().time(), call.key))
        self._waiting += 1
        self.most_waiting = max(self.most_waiting, self._waiting)
        work = asyncio.ensure_future(self._answer(call, self._free))
        self._work.append(work)
        try:
            await asyncio.shield(work)
            return reply(call)
        except asyncio.CancelledError:
            if self.notices:
                work.cancel()
            else:
                self.wasted += 1
            raise
        finally:
            self._waiting -= 1

    async def _answer(self, call: Call, free: asyncio.Semaphore) -> None:
        async with free:
            prompt = call.messages
            seconds = self.seconds(call) if callable(self.seconds) else self.seconds
            if self.held is not None and prompt in self._idle:
                seconds = self.held
                self._idle.remove(prompt)
            else:
                # The slot that has been idle for longest is overwritten.
                self._idle.pop(0)
            try:
                await asyncio.sleep(seconds)
            finally:
                self._idle.append(prompt)

    async def stop(self) -> None:
        for work in self._work:
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)


def delivery_to(server: SlotServer, calls: list[Call], limits: Limits, **options: Any) -> Outcome:
    async def main() -> Outcome:
        try:
            return await delivering(calls, server, limits, **options)
        finally:
            await server.stop()

    return run(main())
