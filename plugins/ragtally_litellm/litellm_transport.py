"""The transport through LiteLLM: any provider that it routes to, by deepset's `LiteLLMChatGenerator`."""

from __future__ import annotations

import asyncio
from typing import Any

from ragtally import CallError
from ragtally.support.environment import environment
from ragtally.support.secrets import MASK, is_long_enough, known_secrets
from ragtally.support.telemetry import haystack_import, telemetry_off
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.library import RequestSettings, close_litellm, load_litellm
from ragtally_litellm.ollama import check_tag
from ragtally_litellm.request_body import written_schema
from ragtally_litellm.routes import route_of
from ragtally_litellm.tags import host_of

with haystack_import():
    from haystack import component, default_from_dict, default_to_dict
    from haystack.dataclasses import ChatMessage


@component
class LitellmChatGenerator:
    """Asks a model through LiteLLM."""

    # Failures are raised as `ragtally.CallError`; nothing is tried again here. Parameters that a model does not take
    # are refused before (`ragtally_litellm.model.refusals`): deepset's generator has LiteLLM drop them silently.

    def __init__(
        self,
        model: str,
        api_base: str | list[str] | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        timeout: float = 120.0,
        schema_as: str | None = None,
    ) -> None:
        load_litellm()
        with telemetry_off():
            from haystack_integrations.components.generators.litellm import LiteLLMChatGenerator
        self.model, self.api_base, self.timeout, self.schema_as = model, api_base, timeout, schema_as
        self.generation_kwargs = dict(generation_kwargs or {})
        self._inner = LiteLLMChatGenerator(model=model, generation_kwargs=self.generation_kwargs)
        route = route_of(model)
        self._settings = RequestSettings(route, api_base, timeout)
        self._errors = CallErrors(route, known_secrets(environment()))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._digest: str | None = None

    def expect(self, digest: str | None) -> None:
        """Refuse answers of Ollama's where the model's tag stands for another digest by then."""
        self._digest = digest

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask once."""
        self._loop = asyncio.get_running_loop()
        try:
            settings = {**self._settings.next(), **written_schema(generation_kwargs or {}, self.schema_as)}
            output = await self._inner.run_async(messages, generation_kwargs=settings)
            if self._digest is not None:
                await check_tag(host_of(settings["api_base"]), route_of(self.model).model, self._digest)
        except CallError:
            raise
        except Exception as error:
            raise self._errors.from_litellm(error, self.timeout) from None
        return self._check(output)

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once and wait."""
        try:
            settings = {**self._settings.next(), **written_schema(generation_kwargs or {}, self.schema_as)}
            output = self._inner.run(messages, generation_kwargs=settings)
        except Exception as error:
            raise self._errors.from_litellm(error, self.timeout) from None
        return self._check(output)

    async def close(self) -> None:
        """Close LiteLLM's connections, and end its postponed logging."""
        loop, self._loop = self._loop, None
        if loop is asyncio.get_running_loop():
            # In another event loop than the one it was asked in, nothing is its own.
            await close_litellm()

    def to_dict(self) -> dict[str, Any]:
        """Describe the component for a serialised pipeline; it holds no key."""
        names = ("model", "api_base", "generation_kwargs", "timeout", "schema_as")
        return dict(default_to_dict(self, **{name: getattr(self, name) for name in names}))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LitellmChatGenerator:
        """Make the component from what `to_dict` wrote."""
        generator: LitellmChatGenerator = default_from_dict(cls, data)
        return generator

    def _check(self, output: dict[str, Any]) -> dict[str, Any]:
        reply = output["replies"][0] if output["replies"] else None
        if reply is None:
            raise self._errors.failure("bad reply", "the answer has no choices")
        key = self._settings.key
        if key and is_long_enough(key) and key in (reply.text or ""):
            text = reply.text.replace(key, MASK)
            return {"replies": [ChatMessage.from_assistant(text, meta=reply.meta)]}
        return output
