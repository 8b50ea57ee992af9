"""Ask a model as the engine does."""

from __future__ import annotations

import asyncio
from typing import Any

import ragtally_litellm
from ragtally.api import CallError
from ragtally.support.telemetry import telemetry_off

with telemetry_off():
    from haystack.dataclasses import ChatMessage

QUESTION = "Does it help? Answer yes, no or maybe."


def ask(parameters: dict[str, Any], calls: int = 1, question: str = QUESTION, **own: Any) -> list[Any]:
    """Put the same question several times at once; returns replies and errors in order."""
    model = ragtally_litellm.build(**parameters)

    async def everything() -> list[Any]:
        try:
            messages = [ChatMessage.from_user(question)]
            replies = [model.run_async(messages, generation_kwargs=own) for _ in range(calls)]
            return await asyncio.gather(*replies, return_exceptions=True)
        finally:
            await model.close()

    return [each if isinstance(each, Exception) else each["replies"][0] for each in asyncio.run(everything())]


def failure(parameters: dict[str, Any], **own: Any) -> CallError:
    """Put a question that fails, and return how."""
    (error,) = ask(parameters, **own)
    assert isinstance(error, CallError), error
    return error
