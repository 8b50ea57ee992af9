"""The fast lane: a Haystack ChatGenerator straight on aiohttp, for OpenAI-compatible servers and Ollama.

LiteLLM costs 4 ms of processor time a call, and httpx below it collapses at a few dozen connections; this lane sends
the same requests for a tenth of that.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ragtally import CallError
from ragtally_litellm.batch_requests import BatchRequests
from ragtally_litellm.batches import FileBatches
from ragtally_litellm.bodies import Body
from ragtally_litellm.failures import Reporter
from ragtally_litellm.keys import environment, first_value, known_secrets
from ragtally_litellm.quiet import switched_off
from ragtally_litellm.replies import read_answer
from ragtally_litellm.routes import FAST, endpoint, known_bases, route_of
from ragtally_litellm.sending import Sender

with switched_off():
    from haystack import component, default_from_dict, default_to_dict
    from haystack.dataclasses import ChatMessage
    from haystack.utils.auth import EnvVarSecret, Secret


@component
class FastChatGenerator:
    """Asks a model of the providers in `ragtally_litellm.routes.FAST` by its LiteLLM name."""

    # Failures are raised as `ragtally.CallError`; nothing is tried again here.

    def __init__(
        self,
        model: str,
        api_base: str | list[str] | None = None,
        api_key: Secret | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        num_ctx: int | None = None,
        timeout: float = 120.0,
        window: str = "24h",
    ) -> None:
        self.model, self.api_base, self.num_ctx, self.timeout = model, api_base, num_ctx, timeout
        self.window = window
        self.generation_kwargs, self.extra = dict(generation_kwargs or {}), dict(extra or {})
        route = route_of(model)
        self.api_key = api_key or Secret.from_env_var(list(route.key_variables), strict=False)
        if not isinstance(self.api_key, EnvVarSecret):
            raise ValueError("a key is taken from environment variables only: Secret.from_env_var(...)")
        values = environment()
        urls = known_bases(route, api_base, values)
        self._dialect = FAST[route.provider].dialect
        self._body = Body(route, self.generation_kwargs, self.extra, num_ctx)
        key = first_value(self.api_key.to_dict()["env_vars"], values)
        self._reporter = Reporter(route, known_secrets({**values, "KEY": key or ""}))
        self._sender = Sender([endpoint(url, self._dialect) for url in urls], key, timeout, self._reporter)
        self._requests = BatchRequests(urls[0], key, timeout, self._reporter)

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask once."""
        plain = [{"role": message.role.value, "content": message.text or ""} for message in messages]
        body = await self._sender.send(self._body.of(plain, generation_kwargs or {}), "choices")
        try:
            answer = read_answer(body, self._dialect)
        except CallError as error:
            raise self._reporter.of_failure(error.reason, error.message) from None
        meta = {
            "model": answer.model,
            "index": 0,
            "finish_reason": answer.finish_reason,
            "usage": answer.usage,
        }
        return {"replies": [ChatMessage.from_assistant(answer.text, meta=meta)]}

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once and wait; see `run_async`."""
        # Another one, in a thread of its own: the caller's may run an event loop, which these connections belong to.
        other = FastChatGenerator.from_dict(self.to_dict())

        async def once() -> dict[str, Any]:
            try:
                return dict(await other.run_async(messages, generation_kwargs))
            finally:
                await other.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, once()).result()

    def batches(self) -> FileBatches:
        """Make what talks to the provider's files and batches."""
        return FileBatches(self._requests, self._body, self._reporter, self.window)

    async def close(self) -> None:
        """Close the connections; another call opens new ones."""
        await self._sender.close()

    def to_dict(self) -> dict[str, Any]:
        """Describe the component for a serialised pipeline; of the key only its variables are named."""
        return dict(
            default_to_dict(
                self,
                model=self.model,
                api_base=self.api_base,
                api_key=self.api_key.to_dict(),
                generation_kwargs=self.generation_kwargs,
                extra=self.extra,
                num_ctx=self.num_ctx,
                timeout=self.timeout,
                window=self.window,
            )
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FastChatGenerator:
        """Make the component from what `to_dict` wrote."""
        given = dict(data["init_parameters"])
        if isinstance(given.get("api_key"), dict):
            given["api_key"] = Secret.from_dict(given["api_key"])
        made: FastChatGenerator = default_from_dict(cls, {**data, "init_parameters": given})
        return made
