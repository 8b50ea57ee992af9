"""A language model that keeps its contract, and ones that break it."""

from __future__ import annotations

import asyncio
import itertools

from ragtally.api import CallError
from ragtally.pipelines.haystack import ChatMessage

COUNTER = itertools.count()


class Model:
    def __init__(self, host=None):
        self.host = host

    async def run_async(self, messages, generation_kwargs=None):
        if self.host == "nowhere":
            raise self.failure()
        meta = {"model": "made", "finish_reason": "stop", "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
        return {"replies": [self.reply(self.answer(messages), meta)]}

    async def close(self):
        pass

    def failure(self):
        return CallError("there is nobody", reason="connection")

    def answer(self, messages):
        return "yes" if len(messages[-1].text) % 2 else "no"

    def reply(self, text, meta):
        return ChatMessage.from_assistant(text, meta=meta)


class Alone(Model):
    """Answers one call at a time only."""

    busy = False

    async def run_async(self, messages, generation_kwargs=None):
        if self.busy:
            raise CallError("busy", reason="bad request")
        self.busy = True
        await asyncio.sleep(0)
        self.busy = False
        return await super().run_async(messages, generation_kwargs)


class Wordless(Model):
    def reply(self, text, meta):
        return super().reply(text, {**meta, "finish_reason": 0})


class Drawing(Model):
    def answer(self, messages):
        return str(next(COUNTER))


class EditingPrompts(Model):
    def answer(self, messages):
        messages.pop(0)
        return "yes"


class Raising(Model):
    def failure(self):
        return ConnectionError("there is nobody")


class Opening(Model):
    """Can be closed only after it was opened by a call."""

    opened = False

    def answer(self, messages):
        self.opened = True
        return super().answer(messages)

    async def close(self):
        if not self.opened:
            raise RuntimeError("not open")


class Batching(Model):
    """Offers batches, whose lines do not tell whose they are."""

    def batches(self):
        return self

    def line(self, call):
        return b"{}\n"
