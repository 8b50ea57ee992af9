"""The native transport: a Haystack ChatGenerator straight on aiohttp, for OpenAI-compatible servers and Ollama.

LiteLLM costs 4 ms of processor time per call, and httpx below it collapses at a few dozen connections; this transport
sends the same requests for a tenth of that.
"""

from __future__ import annotations

from typing import Any

from ragtally import CallError
from ragtally.support.environment import environment, first_value
from ragtally.support.secrets import known_secrets
from ragtally.support.telemetry import haystack_import
from ragtally_litellm.batches import FileBatches
from ragtally_litellm.client import JsonClient, run_coroutine
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.file_requests import FileRequests
from ragtally_litellm.replies import read_answer
from ragtally_litellm.request_body import RequestBody
from ragtally_litellm.routes import NATIVE, base_urls, endpoint, route_of, served_elsewhere, tuned_name
from ragtally_litellm.tags import check_digest, host_of
from ragtally_litellm.tuning import FileTuningJobs

with haystack_import():
    from haystack import component, default_from_dict, default_to_dict
    from haystack.dataclasses import ChatMessage, ToolCall
    from haystack.utils.auth import EnvVarSecret, Secret


@component
class NativeChatGenerator:
    """Asks a model of one of the providers in `ragtally_litellm.routes.NATIVE` by its LiteLLM name."""

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
        schema_as: str | None = None,
        reply_megabytes: float = 16,
        tuned: str | None = None,
    ) -> None:
        self.model, self.api_base, self.num_ctx, self.timeout = model, api_base, num_ctx, timeout
        self.window, self.schema_as, self.reply_megabytes = window, schema_as, reply_megabytes
        # What a fine-tuned model is called here; the name that its provider gave it comes before the first call.
        self.tuned, self._tuned_name = tuned, ""
        self.generation_kwargs, self.extra = dict(generation_kwargs or {}), dict(extra or {})
        route = route_of(model)
        self.api_key = api_key or Secret.from_env_var(list(route.key_variables), strict=False)
        if not isinstance(self.api_key, EnvVarSecret):
            raise ValueError("a key is taken from environment variables only: Secret.from_env_var(...)")
        values = environment()
        urls = base_urls(route, api_base, must_exist=True)
        # A provider's gateway is asked for nothing but answers.
        local = [url for url in urls if url.startswith("http://")]
        self._own_servers = local if served_elsewhere(route, api_base) and not route.is_ollama else []
        self._dialect = NATIVE[route.provider].dialect
        self._body = RequestBody(route, self.generation_kwargs, self.extra, num_ctx, schema_as)
        key = first_value(self.api_key.to_dict()["env_vars"], values)
        own_server = bool(self._own_servers)
        self._errors = CallErrors(route, known_secrets({**values, "KEY": key or ""}), own_server=own_server)
        endpoints, longest = [endpoint(url, self._dialect) for url in urls], round(reply_megabytes * 1_000_000)
        self._digest: str | None = None
        check = self._check_tag if route.is_ollama else None
        self._client = JsonClient(endpoints, key, timeout, self._errors, longest, check)
        self._files = FileRequests(urls[0], key, timeout, self._errors)

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask once."""
        plain = [{"role": message.role.value, "content": message.text or ""} for message in messages]
        if self.tuned and not self._tuned_name:
            raise self._errors.failure("bad request", "it is not known what the fine-tuned model is called")
        body = await self._client.send(self._body.of(plain, generation_kwargs or {}), "choices")
        try:
            answer = read_answer(body, self._dialect)
        except CallError as error:
            raise self._errors.failure(error.reason, error.message) from None
        meta = {
            "model": self._known_name(answer.model),
            "index": 0,
            "finish_reason": answer.finish_reason,
            "usage": answer.usage,
        }
        # What came instead of a text is told apart by what the message holds; the arguments are of no use.
        calls = [ToolCall(answer.tool, {})] if answer.tool else None
        thoughts = answer.reasoning or None
        return {"replies": [ChatMessage.from_assistant(answer.text, meta=meta, tool_calls=calls, reasoning=thoughts)]}

    def _known_name(self, model: str | None) -> str | None:
        # The provider draws it at random, so that it says nothing to anybody else.
        return tuned_name(route_of(self.model), self.tuned) if self.tuned and model == self._tuned_name else model

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once and wait."""
        # By a copy: this one's connections may belong to an event loop of the caller's.
        copy = NativeChatGenerator.from_dict(self.to_dict())
        if self._tuned_name:
            copy.answer_as(self._tuned_name)

        async def once() -> dict[str, Any]:
            try:
                return dict(await copy.run_async(messages, generation_kwargs))
            finally:
                await copy.close()

        return run_coroutine(once())

    def make_room(self, tokens: int) -> None:
        """Let Ollama load the model once, with room for the longest prompt and its answer."""
        self._body.make_room(tokens)

    def expect(self, digest: str | None) -> None:
        """Refuse answers of Ollama's where the model's tag stands for another digest by then."""
        self._digest = digest

    async def _check_tag(self, url: str) -> None:
        if self._digest is not None:
            # Looked at after each answer: one that came while the tag was moved may be either model's.
            base = host_of(url)
            listing = await self._client.look(f"{base}/api/tags", self.timeout)
            check_digest(listing, base, route_of(self.model).model, self._digest)

    async def slots(self) -> int | None:
        """Ask llama.cpp's servers how many calls they do at once."""
        counts = []
        for url in self._own_servers:
            properties = await self._client.look(f"{url.removesuffix('/v1')}/props")
            counts.append(properties.get("total_slots") if isinstance(properties, dict) else None)
        numbers = [count for count in counts if isinstance(count, int) and count > 0]
        return sum(numbers) if numbers and len(numbers) == len(counts) else None

    def batches(self) -> FileBatches:
        """Make what talks to the provider's files and batches."""
        return FileBatches(self._files, self._body.of, self._errors, self.window, self._known_name)

    def tuning_jobs(self) -> FileTuningJobs:
        """Make what talks to the provider's files and fine-tuning jobs."""
        route = route_of(self.model)
        is_openai = not served_elsewhere(route, self.api_base)
        return FileTuningJobs(self._files, route.model, self._errors, is_openai=is_openai)

    def answer_as(self, model: str) -> None:
        """Ask a fine-tuned model by the name that the provider gave it."""
        self._tuned_name = model
        self._body.ask_for(model)

    async def close(self) -> None:
        """Close the connections; another call opens new ones."""
        await self._client.close()

    def to_dict(self) -> dict[str, Any]:
        """Describe the component for a serialised pipeline; of the key only its variables are named."""
        names = ("model", "api_base", "generation_kwargs", "extra", "num_ctx", "timeout", "window", "schema_as",
            "reply_megabytes", "tuned")  # fmt: skip
        values = {name: getattr(self, name) for name in names}
        return dict(default_to_dict(self, api_key=self.api_key.to_dict(), **values))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NativeChatGenerator:
        """Make the component from what `to_dict` wrote."""
        values = dict(data["init_parameters"])
        if isinstance(values.get("api_key"), dict):
            values["api_key"] = Secret.from_dict(values["api_key"])
        generator: NativeChatGenerator = default_from_dict(cls, {**data, "init_parameters": values})
        return generator
