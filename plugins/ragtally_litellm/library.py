"""LiteLLM's lane: any provider that it routes to, through deepset's `LiteLLMChatGenerator`."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from ragtally_litellm.failures import Reporter, library_failure
from ragtally_litellm.keys import HIDDEN, environment, first_value, key_to_hide, known_secrets
from ragtally_litellm.quiet import close_litellm, load_litellm, switched_off
from ragtally_litellm.routes import route_of

with switched_off():
    from haystack import component, default_from_dict, default_to_dict
    from haystack.dataclasses import ChatMessage


@component
class LibraryChatGenerator:
    """Asks a model through LiteLLM."""

    # Failures are raised as `ragtally.CallError`; nothing is tried again here. Parameters that a model does
    # not take are found by the component's `check`: deepset's generator would have LiteLLM drop them without a word.

    def __init__(
        self,
        model: str,
        api_base: str | list[str] | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        timeout: float = 120.0,
    ) -> None:
        load_litellm()
        with switched_off():
            from haystack_integrations.components.generators.litellm import LiteLLMChatGenerator
        self.model, self.api_base, self.timeout = model, api_base, timeout
        self.generation_kwargs = dict(generation_kwargs or {})
        self._inner = LiteLLMChatGenerator(model=model, generation_kwargs=self.generation_kwargs)
        given: list[str | None] = [None]
        if api_base:
            given = [api_base] if isinstance(api_base, str) else [*api_base]
        self._bases = itertools.cycle(given)
        route = route_of(model)
        values = environment()
        # LiteLLM reads the process' environment itself, but not `.env`.
        self._key = first_value(route.key_variables, values)
        self._reporter = Reporter(route, known_secrets(values))
        self._loop: asyncio.AbstractEventLoop | None = None

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask once."""
        self._loop = asyncio.get_running_loop()
        try:
            found = await self._inner.run_async(messages, generation_kwargs=self._own(generation_kwargs))
        except Exception as error:
            raise library_failure(self._reporter, error, self.timeout) from None
        return self._checked(found)

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once and wait; see `run_async`."""
        try:
            found = self._inner.run(messages, generation_kwargs=self._own(generation_kwargs))
        except Exception as error:
            raise library_failure(self._reporter, error, self.timeout) from None
        return self._checked(found)

    async def close(self) -> None:
        """Close LiteLLM's connections, and end the work that it put off for logging."""
        loop, self._loop = self._loop, None
        if loop is not asyncio.get_running_loop():
            # It was not asked in this event loop, so that nothing here is its own.
            return
        await close_litellm()

    def to_dict(self) -> dict[str, Any]:
        """Describe the component for a serialised pipeline; it holds no key."""
        return dict(
            default_to_dict(
                self,
                model=self.model,
                api_base=self.api_base,
                generation_kwargs=self.generation_kwargs,
                timeout=self.timeout,
            )
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LibraryChatGenerator:
        """Make the component from what `to_dict` wrote."""
        made: LibraryChatGenerator = default_from_dict(cls, data)
        return made

    def _own(self, given: dict[str, Any] | None) -> dict[str, Any]:
        own = {"timeout": self.timeout, "max_retries": 0, "num_retries": 0, **(given or {})}
        if base := next(self._bases):
            own["api_base"] = base
        if self._key:
            own["api_key"] = self._key
        return own

    def _checked(self, found: dict[str, Any]) -> dict[str, Any]:
        reply = found["replies"][0] if found["replies"] else None
        if reply is None:
            raise self._reporter.of_failure("bad reply", "the answer has no choices")
        if not reply.text and reply.meta.get("finish_reason") == "content_filter":
            raise self._reporter.of_failure("refused", "the provider's content filter held the answer back")
        hidden = key_to_hide(self._key)
        if hidden and hidden in (reply.text or ""):
            text = reply.text.replace(hidden, HIDDEN)
            return {"replies": [ChatMessage.from_assistant(text, meta=reply.meta)]}
        return found
