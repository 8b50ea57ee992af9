"""Language models behind Haystack's ChatGenerators: messages, one call at a time, and replies."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

from ragtally.api import (
    Call,
    CallError,
    ChatModel,
    Message,
    Prompt,
    Reply,
    TunableModel,
    call_parameters,
    sampling_seed,
)
from ragtally.pipelines.choices import build
from ragtally.pipelines.haystack import ChatMessage, ChatPromptBuilder, component
from ragtally.support.reply_outcomes import cached_tokens, counted_tokens, require_answer

_ROLES: dict[str, Callable[[str], Any]] = {
    "system": ChatMessage.from_system,
    "user": ChatMessage.from_user,
    "assistant": ChatMessage.from_assistant,
}


class RepliesOutput(TypedDict):
    """What a model replied."""

    replies: list[ChatMessage]


def chat_messages(prompt: Prompt) -> list[Any]:
    """Turn a prompt into Haystack's messages."""
    return [_ROLES[message.role](message.content) for message in prompt]


def assistant_message(text: str, meta: Mapping[str, Any]) -> Any:
    """Turn a model's words into Haystack's message."""
    return ChatMessage.from_assistant(text, meta=dict(meta))


def prompt_builder(template: Prompt) -> Any:
    """Haystack's own component, where it writes exactly what ragtally does."""
    return ChatPromptBuilder(template=chat_messages(template), required_variables=["question"])


def build_prompt(builder: Any, question: str, documents: list[Any]) -> Prompt:
    """Let such a component write one prompt."""
    return _prompt_of(builder.run(question=question, documents=documents)["prompt"])


def _prompt_of(messages: list[Any]) -> Prompt:
    return tuple(Message(message.role.value, message.text or "") for message in messages)


def sender(model: ChatModel, estimate_tokens: Callable[[str], int]) -> Callable[[Call], Awaitable[Reply]]:
    """Make the function that sends one call."""

    async def send(call: Call) -> Reply:
        start = time.perf_counter()
        answer = await model.run_async(chat_messages(call.messages), generation_kwargs=call.parameters)
        seconds = time.perf_counter() - start
        replies = answer.get("replies") or []
        if not replies:
            raise CallError("the provider answered without a reply", reason="bad reply")
        reply = _reply(call, replies[0], seconds, estimate_tokens)
        return require_answer(call, reply, _instead_of_text(replies[0]))

    return send


def _reply(call: Call, message: Any, seconds: float, estimate_tokens: Callable[[str], int]) -> Reply:
    text, meta = message.text or "", message.meta
    usage = meta.get("usage") or {}
    # Some servers leave usage out, or send null, 0 or -1.
    tokens_in, tokens_out = counted_tokens(call, text, usage.get("prompt_tokens"), usage.get("completion_tokens"))
    is_estimate = tokens_in is None or tokens_out is None
    if tokens_in is None:
        tokens_in = sum(estimate_tokens(part.content) for part in call.messages)
    if tokens_out is None:
        tokens_out = estimate_tokens(text)
    return Reply(
        text, meta.get("finish_reason"), tokens_in, tokens_out, is_estimate, seconds, meta.get("model"),
        cached_tokens(usage),
    )  # fmt: skip


def _instead_of_text(message: Any) -> str:
    if message.tool_calls:
        return "a tool call instead of an answer"
    return "reasoning alone" if message.reasoning is not None else ""


@component
class AskModel:
    """Asks a language model that a ragtally plugin offers, once; what fails is not tried again."""

    # The draw says whose sampling seeds are sent: the purpose and the index of a study's vote; without it, none are.
    # The schema is what answers are held to; without it, any text is an answer. It is JSON as text: a pipeline's file
    # would sort its keys, and models write an object's keys in the order of the schema. A model that was fine-tuned
    # also needs the name that its provider gave it.
    def __init__(
        self,
        model: dict[str, Any],
        draw: dict[str, Any] | None = None,
        schema: str | None = None,
        tuned_model: str | None = None,
    ) -> None:
        self.model, self.draw, self.schema, self.tuned_model = model, draw, schema, tuned_model

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> RepliesOutput:
        """Ask and wait; see `run_async`."""
        # A loop of its own: a notebook has one that is running already.
        with ThreadPoolExecutor(max_workers=1) as alone:
            return alone.submit(asyncio.run, self.run_async(messages)).result()

    @component.output_types(replies=list[ChatMessage])
    async def run_async(self, messages: list[ChatMessage]) -> RepliesOutput:
        """Ask."""
        model: ChatModel = build(self.model)
        if self.tuned_model is not None and isinstance(model, TunableModel):
            model.answer_as(self.tuned_model)
        try:
            schema = None if self.schema is None else json.loads(self.schema)
            seed = None if self.draw is None else sampling_seed(_prompt_of(messages), **self.draw)
            answer = await model.run_async(messages, generation_kwargs=call_parameters(seed, schema))
            return {"replies": list(answer["replies"])}
        finally:
            await model.close()
