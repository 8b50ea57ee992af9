"""The suite for language models."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ragtally.api import BatchModel, Call, CallError, ChatModel, Message, Reply
from ragtally.api.address import address
from ragtally.pipelines import sender
from ragtally.pipelines.chat import chat_messages
from ragtally.testing.component import ComponentSuite

NO_IDENTITY = frozenset(
    {
        "api_base",
        "base_url",
        "concurrency",
        "host",
        "price",
        "requests_per_day",
        "requests_per_minute",
        "retries",
        "timeout",
        "tokens_per_minute",
        "url",
        "usd_per_hour",
    }
)
"""Parameters that say where, how fast or for how much, not what is asked."""

_AT_ONCE = 12


class ModelSuite(ComponentSuite):
    """Checks a language model against whatever serves it; start that in a fixture and name it in `folder_parameters`.

    Attributes:
        question: What is asked.
    """

    kind = "model"
    protocol = ChatModel
    question: ClassVar[str] = "Is water wet? Answer yes, no or maybe."

    def failing_parameters(self, folder: Path) -> Mapping[str, Any] | None:
        """Say with which parameters every call fails; override it, with a server that nobody runs for one.

        Args:
            folder: An empty folder.

        Returns:
            Parameters that replace those of `folder_parameters`; None to leave the check out.
        """
        return None

    def test_the_traits_name_the_model(self, traits: Any) -> None:
        """Calls are kept by provider and model, and planned by limits and prices."""
        assert traits.provider and traits.model, "the traits name no provider or no model"
        limits = traits.limits
        counts = (limits.concurrency, limits.in_flight_at_first, limits.requests_per_minute, limits.tokens_per_minute,
            limits.requests_per_day)  # fmt: skip
        assert limits.timeout > 0 and limits.retries >= 0, "the limits allow no call"
        assert all(limit is None or limit >= 1 for limit in counts), "the limits allow no call"
        for tokens in (traits.context_tokens, traits.output_tokens):
            assert tokens is None or tokens >= 1, "a number of tokens is at least 1, or None"
        if traits.price is not None:
            costs = (traits.price.input, traits.price.output, traits.price.usd_per_hour)
            assert all(cost is None or cost >= 0 for cost in costs), "a price is no less than nothing"

    def test_where_and_how_fast_is_no_part_of_the_identity(self, component: Any) -> None:
        """Else the same call would be paid for again on another host."""
        for name in NO_IDENTITY & component.params.keys():
            is_left_out = component.params[name].get("x-ragtally-identity") is False
            assert is_left_out, f"{name!r} needs 'x-ragtally-identity': False"

    def test_every_call_gets_one_reply(self, build: Callable[[], Any], traits: Any) -> None:
        """Alone and among others, with what the provider says of it."""
        calls = [self._call(f"{self.question} ({number})", traits) for number in range(_AT_ONCE)]
        for some in (calls[:1], calls):
            replies = _ask(build(), some)
            assert len(replies) == len(some)
            for reply in replies:
                assert isinstance(reply.text, str), "a reply's text is text"
                reason = reply.finish_reason
                assert reason is None or isinstance(reason, str), "a finish reason is a word, or None"
                assert reply.served_by is None or isinstance(reply.served_by, str), "a model's name is text, or None"

    def test_a_deterministic_model_answers_alike(self, build: Callable[[], Any], traits: Any) -> None:
        """Checked where the traits say so: its votes count as one."""
        if traits.deterministic:
            call = self._call(self.question, traits)
            texts = {reply.text for reply in _ask(build(), [call] * 3)}
            assert len(texts) == 1, "the same call has several answers: the model is not deterministic"

    def test_prompts_stay_as_they_are(self, build: Callable[[], Any]) -> None:
        """A prompt is asked several times."""
        prompt = (Message("system", "Be short."), Message("user", self.question))
        messages = chat_messages(prompt)

        async def ask(model: Any) -> None:
            await model.run_async(messages, generation_kwargs={})
            await model.close()

        asyncio.run(ask(build()))
        assert [(message.role.value, message.text) for message in messages] == [
            (message.role, message.content) for message in prompt
        ], "the model changed the prompt"

    def test_it_can_be_closed_unasked(self, build: Callable[[], Any]) -> None:
        """A run that finds every call answered closes its models too."""

        async def close(model: Any) -> None:
            await model.close()

        asyncio.run(close(build()))

    def test_a_failure_is_a_call_error(
        self, component: Any, params: dict[str, Any], traits: Any, tmp_path: Path
    ) -> None:
        """The engine must know whether to try again. Checked where `failing_parameters` says how to fail."""
        folder = tmp_path / "failing"
        folder.mkdir()
        failing = self.failing_parameters(folder)
        if failing is not None:
            with pytest.raises(CallError) as caught:
                _ask(component.build(**{**params, **failing}), [self._call(self.question, traits)])
            assert caught.value.message, "a failure says what happened"

    def test_a_model_that_is_to_be_asked_by_batches_can_be(self, build: Callable[[], Any], traits: Any) -> None:
        """Checked where the traits hold terms; the provider itself is not asked."""
        if traits.batch is None:
            return
        assert 0 <= traits.batch.discount <= 1 and traits.batch.window_hours > 0, "the terms make no sense"
        model = build()
        assert isinstance(model, BatchModel), "the traits hold terms for batches, but the model has no `batches`"
        call = self._call(self.question, traits)
        line = model.batches().line(call)
        assert line.endswith(b"\n") and line.count(b"\n") == 1, "a call is one line, with its line end"
        assert call.key.encode() in line, "a line holds its call's key, which comes back with the result"

    def _call(self, question: str, traits: Any) -> Call:
        messages = (Message("user", question),)
        return Call(address({"question": question}), messages, "measure", 0, 7 if traits.takes_seed else None)


def _ask(model: Any, calls: Sequence[Call]) -> list[Reply]:
    async def everything() -> list[Reply]:
        send: Callable[[Call], Awaitable[Reply]] = sender(model, lambda text: len(text) // 4)
        try:
            return list(await asyncio.gather(*[send(call) for call in calls]))
        finally:
            await model.close()

    return asyncio.run(everything())
