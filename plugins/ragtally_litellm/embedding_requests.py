"""One request for embeddings, by either lane."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ragtally import CallError, CallFailure
from ragtally_litellm.embedding_replies import HOLDS, read_vectors
from ragtally_litellm.embedding_traits import CUTS
from ragtally_litellm.failures import Reporter, library_failure
from ragtally_litellm.keys import environment, first_value, known_secrets
from ragtally_litellm.loops import run_here, run_with_litellm
from ragtally_litellm.quiet import end_logging, load_litellm
from ragtally_litellm.routes import Dialect, Route, endpoint, known_bases
from ragtally_litellm.sending import Sender

Role = Literal["query", "document"]
T = TypeVar("T")

# What Ollama takes beside its options, not among them; as LiteLLM knows it (litellm/llms/ollama/completion).
_OLLAMA_TOP = frozenset({"dimensions", "keep_alive", "options", "truncate"})


class Requests(Protocol):
    """Asks one model for embeddings."""

    async def ask(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Send one request; nothing is tried again."""
        ...

    async def close(self) -> None:
        """Close the connections where they end with the event loop; another request opens new ones."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that asks."""
        ...


class EmbeddingReporter(Reporter):
    """Makes the errors of requests for embeddings."""

    def hint(self, reason: CallFailure) -> str | None:
        """Say what to do about a failure, where that is known."""
        if reason == "too long":
            return "smaller chunks" + ("; or truncate: true" if self.route.provider in CUTS else "")
        return super().hint(reason)


class FastRequests:
    """Asks straight on aiohttp: OpenAI's API and Ollama's own."""

    def __init__(self, route: Route, parameters: Mapping[str, Any]) -> None:
        values = environment()
        self._dialect: Dialect = "ollama" if route.local else "openai"
        urls = known_bases(route, parameters["api_base"], values)
        key = first_value(route.key_variables, values)
        self._reporter = EmbeddingReporter(route, known_secrets({**values, "KEY": key or ""}))
        where = [endpoint(url, self._dialect, embeddings=True) for url in urls]
        self._sender = Sender(where, key, parameters["timeout"], self._reporter)
        self._bodies = {role: _body(route, parameters, role) for role in ("query", "document")}

    async def ask(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Send one request (see `Requests.ask`)."""
        body = await self._sender.send({**self._bodies[role], "input": list(texts)}, HOLDS[self._dialect])
        try:
            return read_vectors(body, self._dialect, len(texts))
        except CallError as error:
            raise self._reporter.of_failure(error.reason, error.message) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that asks (see `Requests.run`)."""
        return run_here(work)


class LibraryRequests:
    """Asks through LiteLLM, any provider that it routes to."""

    def __init__(self, route: Route, parameters: Mapping[str, Any]) -> None:
        self._litellm = load_litellm()
        values = environment()
        self._reporter = EmbeddingReporter(route, known_secrets(values))
        self._timeout = parameters["timeout"]
        given = parameters["api_base"]
        self._bases = itertools.cycle([given] if isinstance(given, str | None) else given)
        # LiteLLM reads the process' environment itself, but not `.env`.
        self._key = first_value(route.key_variables, values)
        self._bodies = {role: _library_body(route, parameters, role) for role in ("query", "document")}

    async def ask(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Send one request (see `Requests.ask`)."""
        own: dict[str, Any] = {"timeout": self._timeout, "max_retries": 0, "num_retries": 0}
        if base := next(self._bases):
            own["api_base"] = base
        if self._key:
            own["api_key"] = self._key
        try:
            asked = self._litellm.aembedding(input=list(texts), **self._bodies[role], **own)
            # Not every provider's code in LiteLLM minds the timeout that it is given.
            found = await asyncio.wait_for(asked, self._timeout)
            body = {"data": [each if isinstance(each, dict) else each.model_dump() for each in found.data]}
            return read_vectors(body, "openai", len(texts))
        except CallError as error:
            raise self._reporter.of_failure(error.reason, error.message) from None
        except Exception as error:
            raise library_failure(self._reporter, error, self._timeout) from None

    async def close(self) -> None:
        """End LiteLLM's work for logging; its connections stay open."""
        await end_logging()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that asks (see `Requests.run`)."""
        return run_with_litellm(work)


def _body(route: Route, parameters: Mapping[str, Any], role: str) -> dict[str, Any]:
    extra = {**parameters["extra"], **parameters[f"{role}_extra"]}
    length = {} if parameters["dimensions"] is None else {"dimensions": parameters["dimensions"]}
    if not route.local:
        cut = {"truncate_prompt_tokens": -1} if parameters["truncate"] else {}
        return {"model": route.model, "encoding_format": "float", **length, **cut, **extra}
    # Ollama cuts off what is too long without a word, unless it is told not to.
    body = {"model": route.model, "truncate": parameters["truncate"], **length}
    options = {name: value for name, value in extra.items() if name not in _OLLAMA_TOP}
    body |= {name: value for name, value in extra.items() if name in _OLLAMA_TOP}
    return {**body, "options": {**body.get("options", {}), **options}} if options else body


def _library_body(route: Route, parameters: Mapping[str, Any], role: str) -> dict[str, Any]:
    body = {name: value for name, value in _body(route, parameters, role).items() if name != "encoding_format"}
    return {**body, "model": route.full_name}
