"""The embedder `litellm`: texts in requests of a batch each, several at once, tried again where that may help."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ragtally import CallError, DataError
from ragtally.support.environment import environment, first_value
from ragtally.support.secrets import known_secrets
from ragtally_litellm.client import JsonClient, run_coroutine
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.library import RequestSettings, end_logging, load_litellm, run_with_litellm
from ragtally_litellm.model import TRUNCATING, requests_in_flight
from ragtally_litellm.ollama import check_tag
from ragtally_litellm.replies import bad_reply
from ragtally_litellm.request_body import KEEP_ALIVE
from ragtally_litellm.routes import Dialect, Route, base_urls, endpoint
from ragtally_litellm.tags import check_digest, host_of

LOG = logging.getLogger("ragtally.litellm")
Role = Literal["query", "document"]
Vectors = NDArray[np.float32]
T = TypeVar("T")

# Seconds before the second try, doubled with each further one up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
# Seconds: a provider that asks for a longer wait than this is not waited for.
_LONGEST_WAIT = 600.0
# Bytes: vectors of 8,192 numbers, each written with 20 characters and more, take less.
_LONGEST_VECTOR, _LONGEST_FRAME = 256_000, 1_000_000
_EXCERPT = 60
_ANY_TEXT = "text"
# The field of a good answer that holds the vectors.
_RESULT_FIELDS: Mapping[Dialect, str] = {"openai": "data", "ollama": "embeddings"}
# What Ollama takes beside its options, not among them; as LiteLLM knows it (litellm/llms/ollama/completion).
_OLLAMA_TOP = frozenset({"dimensions", "keep_alive", "options", "truncate"})


class Requests(Protocol):
    """Asks one model for embeddings, one request at a time."""

    async def ask(self, texts: Sequence[str], role: Role) -> Vectors:
        """Send one request; nothing is tried again."""
        ...

    async def close(self) -> None:
        """Close the connections where they end with the event loop; another request opens new ones."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that asks."""
        ...


class NativeRequests:
    """Asks straight on aiohttp: OpenAI's API and Ollama's own."""

    def __init__(self, route: Route, parameters: Mapping[str, Any], digest: str | None = None) -> None:
        self._route, self._digest = route, digest
        values = environment()
        self._dialect: Dialect = "ollama" if route.is_ollama else "openai"
        urls = base_urls(route, parameters["api_base"], must_exist=True)
        key = first_value(route.key_variables, values)
        self._errors = _call_errors(route, {**values, "KEY": key or ""})
        endpoints = [endpoint(url, self._dialect, embeddings=True) for url in urls]
        longest = _LONGEST_FRAME + _LONGEST_VECTOR * parameters["batch"]
        self._client = JsonClient(endpoints, key, parameters["timeout"], self._errors, longest, self._check_tag)
        self._bodies = {role: _body(route, parameters, role) for role in ("query", "document")}

    async def ask(self, texts: Sequence[str], role: Role) -> Vectors:
        content = {**self._bodies[role], "input": list(texts)}
        body = await self._client.send(content, _RESULT_FIELDS[self._dialect])
        try:
            return read_vectors(body, self._dialect, len(texts))
        except CallError as error:
            raise self._errors.failure(error.reason, error.message) from None

    async def _check_tag(self, url: str) -> None:
        if self._digest is not None:
            base = host_of(url)
            check_digest(await self._client.look(f"{base}/api/tags"), base, self._route.model, self._digest)

    async def close(self) -> None:
        await self._client.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return run_coroutine(work)


class LitellmRequests:
    """Asks through LiteLLM, any provider that it routes to."""

    def __init__(self, route: Route, parameters: Mapping[str, Any], digest: str | None = None) -> None:
        self._route, self._digest = route, digest
        self._litellm = load_litellm()
        self._errors = _call_errors(route, environment())
        self._timeout = parameters["timeout"]
        self._settings = RequestSettings(route, parameters["api_base"], self._timeout)
        self._bodies = {
            role: {**_body(route, parameters, role), "model": route.full_name} for role in ("query", "document")
        }
        for body in self._bodies.values():
            body.pop("encoding_format", None)

    async def ask(self, texts: Sequence[str], role: Role) -> Vectors:
        try:
            settings = self._settings.next()
            request = self._litellm.aembedding(input=list(texts), **self._bodies[role], **settings)
            # Some providers' code in LiteLLM ignores the timeout that it is given.
            response = await asyncio.wait_for(request, self._timeout)
            if self._digest is not None:
                await check_tag(host_of(settings["api_base"]), self._route.model, self._digest)
            rows = [row if isinstance(row, dict) else row.model_dump() for row in response.data]
            return self._read(rows, len(texts))
        except CallError:
            raise
        except Exception as error:
            raise self._errors.from_litellm(error, self._timeout) from None

    def _read(self, rows: list[Any], texts: int) -> Vectors:
        try:
            return read_vectors({"data": rows}, "openai", texts)
        except CallError as error:
            raise self._errors.failure(error.reason, error.message) from None

    async def close(self) -> None:
        await end_logging()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return run_with_litellm(work)


class LitellmEmbedder:
    """Asks a model for vectors."""

    # A text of nothing but white space has a zero vector and is not sent, since providers refuse it; the prefix does
    # not count. A request whose texts are too long for the model, together or alone, or refused, is halved until the
    # single text is found that is to blame.

    def __init__(self, requests: Requests, route: Route, parameters: Mapping[str, Any]) -> None:
        self._requests, self._name = requests, route.full_name
        self._prefixes: Mapping[Role, str] = {
            "query": parameters["query_prefix"],
            "document": parameters["document_prefix"],
        }
        self._dimensions: int | None = parameters["dimensions"]
        self._batch, self._concurrency = parameters["batch"], requests_in_flight(route, parameters)
        self._retries: int = parameters["retries"]
        self._length: int | None = None

    def fit(self, texts: Sequence[str]) -> None: ...

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed chunks."""
        return self._embed(texts, "document")

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed questions."""
        return self._embed(texts, "query")

    def _embed(self, texts: Sequence[str], role: Role) -> Vectors:
        rows = [row for row, text in enumerate(texts) if text.strip()]
        dense = self._vectors([self._prefixes[role] + texts[row] for row in rows], role)
        vectors = np.zeros((len(texts), dense.shape[1]), dtype=np.float32)
        vectors[rows] = dense
        return vectors

    def _vectors(self, texts: list[str], role: Role) -> Vectors:
        if not texts:
            # Only the model can tell how long a zero vector is.
            length = self._length or self._dimensions or self._vectors([_ANY_TEXT], role).shape[1]
            return np.zeros((0, length), dtype=np.float32)
        parts = self._requests.run(self._all(texts, role))
        self._check_lengths({part.shape[1] for part in parts})
        return np.concatenate(parts)

    def _check_lengths(self, lengths: set[int]) -> None:
        lengths = lengths if self._length is None else lengths | {self._length}
        if self._dimensions is not None and lengths != {self._dimensions}:
            raise DataError(
                f"{self._name} gives vectors of {min(lengths)} numbers, not {self._dimensions}: "
                "the model or its server takes no dimensions",
                hint="leave dimensions out",
            )
        if len(lengths) > 1:
            raise DataError(
                f"{self._name} gives vectors of different lengths: {', '.join(map(str, sorted(lengths)))}",
                hint="let all hosts serve the same model",
            )
        (self._length,) = lengths

    async def _all(self, texts: list[str], role: Role) -> list[Vectors]:
        gate = asyncio.Semaphore(self._concurrency)

        async def one(first: int) -> Vectors:
            async with gate:
                return await self._with_retries(texts[first : first + self._batch], role)

        tasks = [asyncio.create_task(one(first)) for first in range(0, len(texts), self._batch)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            # After one failure the other requests are given up, and end before the event loop does.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._requests.close()

    async def _with_retries(self, texts: list[str], role: Role) -> Vectors:
        for attempt in range(self._retries + 1):
            try:
                return await self._requests.ask(texts, role)
            except CallError as error:
                if error.reason in ("too long", "refused"):
                    return await self._split(texts, role, error)
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
                wait = pause if error.retry_after is None else error.retry_after
                if not error.retryable or attempt == self._retries or wait > _LONGEST_WAIT:
                    raise
                LOG.info("%s; tried again in %g s", error.message, wait)
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _split(self, texts: list[str], role: Role, error: CallError) -> Vectors:
        if len(texts) == 1:
            excerpt = " ".join(texts[0].split())[:_EXCERPT]
            raise CallError(
                f"{error.message}; the text has {len(texts[0])} characters and begins {excerpt!r}",
                reason=error.reason,
                status=error.status,
                hint=error.hint,
            ) from None
        middle = len(texts) // 2
        first = await self._with_retries(texts[:middle], role)
        return np.concatenate([first, await self._with_retries(texts[middle:], role)])


def read_vectors(body: Any, dialect: Dialect, texts: int) -> Vectors:
    """Read the body of a good answer without trust, in the order of the texts."""
    rows = body.get(_RESULT_FIELDS[dialect]) if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise bad_reply("the answer has no embeddings")
    if len(rows) != texts:
        raise bad_reply(f"the answer has {len(rows)} embeddings for {texts} texts")
    try:
        vectors = np.array(rows if dialect == "ollama" else _in_order(rows), dtype=np.float32)
    except (TypeError, ValueError):
        raise bad_reply("the embeddings are of different lengths, or no lists of numbers") from None
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise bad_reply("the embeddings are no lists of numbers")
    if not np.isfinite(vectors).all():
        raise bad_reply("an embedding holds NaN or infinity")
    return vectors


def _in_order(rows: list[Any]) -> list[Any]:
    if not all(isinstance(row, dict) for row in rows):
        raise bad_reply("the answer has no embeddings")
    indices = [row.get("index") for row in rows]
    if all(index is None for index in indices):
        return [row.get("embedding") for row in rows]
    vectors = {index: row.get("embedding") for index, row in zip(indices, rows, strict=True)}
    # `True` equals 1, and is no index.
    if any(type(index) is not int for index in indices) or vectors.keys() != set(range(len(rows))):
        raise bad_reply("the embeddings do not say which text each belongs to")
    return [vectors[index] for index in range(len(rows))]


def _call_errors(route: Route, values: Mapping[str, str]) -> CallErrors:
    more = "; or truncate: true" if route.provider in TRUNCATING else ""
    return CallErrors(route, known_secrets(values), too_long=f"smaller chunks{more}")


def _body(route: Route, parameters: Mapping[str, Any], role: str) -> dict[str, Any]:
    extra = {**parameters["extra"], **parameters[f"{role}_extra"]}
    length = {} if parameters["dimensions"] is None else {"dimensions": parameters["dimensions"]}
    if not route.is_ollama:
        truncate = {"truncate_prompt_tokens": -1} if parameters["truncate"] else {}
        return {"model": route.model, "encoding_format": "float", **length, **truncate, **extra}
    # Ollama truncates what is too long silently, unless it is told not to.
    body = {"model": route.model, "truncate": parameters["truncate"], "keep_alive": KEEP_ALIVE, **length}
    options = {name: value for name, value in extra.items() if name not in _OLLAMA_TOP}
    body |= {name: value for name, value in extra.items() if name in _OLLAMA_TOP}
    return {**body, "options": {**body.get("options", {}), **options}} if options else body
