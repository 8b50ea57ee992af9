"""ask: put prompts before a Haystack ChatGenerator, one call at a time, and read its replies."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from ragtally.api import Call, CallError, ChatModel, Prompt, Reply
from ragtally.pipelines.quiet import ChatMessage

_ROLES: dict[str, Callable[[str], Any]] = {
    "system": ChatMessage.from_system,
    "user": ChatMessage.from_user,
    "assistant": ChatMessage.from_assistant,
}


def chat_messages(prompt: Prompt) -> list[Any]:
    """Turn a prompt into Haystack's messages."""
    return [_ROLES[message.role](message.content) for message in prompt]


def sender(model: ChatModel, estimate_tokens: Callable[[str], int]) -> Callable[[Call], Awaitable[Reply]]:
    """Make the function that sends one call."""

    async def send(call: Call) -> Reply:
        parameters = {} if call.seed is None else {"seed": call.seed}
        started = time.perf_counter()
        answer = await model.run_async(chat_messages(call.messages), generation_kwargs=parameters)
        seconds = time.perf_counter() - started
        replies = answer.get("replies") or []
        if not replies:
            raise CallError("the provider answered without a reply", reason="bad reply")
        return _reply(call, replies[0], seconds, estimate_tokens)

    return send


def _reply(call: Call, message: Any, seconds: float, estimate_tokens: Callable[[str], int]) -> Reply:
    text, meta = message.text or "", message.meta
    usage = meta.get("usage") or {}
    put_in, came_out = usage.get("prompt_tokens"), usage.get("completion_tokens")
    estimated = not (isinstance(put_in, int) and isinstance(came_out, int) and put_in >= 0 and came_out >= 0)
    if estimated:
        put_in = sum(estimate_tokens(part.content) for part in call.messages)
        came_out = estimate_tokens(text)
    return Reply(text, meta.get("finish_reason"), put_in, came_out, estimated, seconds, meta.get("model"))
