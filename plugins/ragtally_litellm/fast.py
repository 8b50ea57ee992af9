"""The fast lane: a Haystack ChatGenerator straight on aiohttp, for OpenAI-compatible servers and Ollama.

LiteLLM costs 4 ms of processor time a call, and httpx below it collapses at a few dozen connections; this lane sends
the same requests for a tenth of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from ragtally.errors import CallError, DataError
from ragtally_litellm.bodies import Body
from ragtally_litellm.failures import Reporter
from ragtally_litellm.hosts import Hosts
from ragtally_litellm.keys import HIDDEN, environment, first_value, known_secrets
from ragtally_litellm.quiet import switched_off
from ragtally_litellm.replies import Answer, read_answer
from ragtally_litellm.routes import FAST, bases, endpoint, route_of

with switched_off():
    from haystack import component, default_from_dict, default_to_dict
    from haystack.dataclasses import ChatMessage
    from haystack.utils.auth import EnvVarSecret, Secret

_LONGEST_CONNECT = 30.0
"""Seconds to wait for a connection."""


@component
class FastChatGenerator:
    """Asks a model of the providers in `ragtally_litellm.routes.FAST` by its LiteLLM name.

    Failures are raised as `ragtally.errors.CallError`; nothing is tried again here.
    """

    def __init__(
        self,
        model: str,
        api_base: str | list[str] | None = None,
        api_key: Secret | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        num_ctx: int | None = None,
        timeout: float = 120.0,
    ) -> None:
        """Get ready; the connection is made with the first call.

        Args:
            model: LiteLLM's name, such as `groq/openai/gpt-oss-20b`.
            api_base: The URL of another server, or of several that share the load.
            api_key: The environment variables that hold the key; LiteLLM's own for None.
            generation_kwargs: Sampling parameters in OpenAI's words.
            extra: Whatever else goes into every request as it is.
            num_ctx: Ollama's context length in tokens.
            timeout: Seconds until a call is given up.

        Raises:
            DataError: If it is not known where the server is.
        """
        self.model, self.api_base, self.num_ctx, self.timeout = model, api_base, num_ctx, timeout
        self.generation_kwargs, self.extra = dict(generation_kwargs or {}), dict(extra or {})
        route = route_of(model)
        self.api_key = api_key or Secret.from_env_var(list(route.key_variables), strict=False)
        if not isinstance(self.api_key, EnvVarSecret):
            raise ValueError("a key is taken from environment variables only: Secret.from_env_var(...)")
        values = environment()
        urls = bases(route, api_base, values)
        if not urls:
            variable = FAST[route.provider].base_variables[0]
            raise DataError(
                f"it is not known where {model} is", hint=f"api_base: http://..., or {variable}=http://..."
            )
        self._dialect = FAST[route.provider].dialect
        self._hosts = Hosts([endpoint(url, self._dialect) for url in urls])
        self._proxies = {endpoint(url, self._dialect): _proxy(url) for url in urls}
        self._body = Body(route, self.generation_kwargs, self.extra, num_ctx)
        key = first_value(self.api_key.to_dict()["env_vars"], values)
        self._key = key.encode() if key else b""
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._reporter = Reporter(route, known_secrets({**values, "KEY": key or ""}))
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask once.

        Args:
            messages: The prompt.
            generation_kwargs: Parameters of this call alone: `seed`.

        Returns:
            `{"replies": [ChatMessage]}`, its `meta` with `model`, `finish_reason` and `usage`.

        Raises:
            CallError: If there is no answer.
        """
        plain = [{"role": message.role.value, "content": message.text or ""} for message in messages]
        payload = json.dumps(self._body.of(plain, generation_kwargs or {}), ensure_ascii=False).encode()
        answer = await self._ask(payload)
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

    async def close(self) -> None:
        """Close the connections; another call opens new ones."""
        session, self._session, self._loop = self._session, None, None
        if session is not None:
            await session.close()

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

    async def _ask(self, payload: bytes) -> Answer:
        url, reached = self._hosts.take(), False
        try:
            session = await self._connected()
            post = session.post(
                url, data=payload, headers=self._headers, proxy=self._proxies[url], allow_redirects=False
            )
            async with post as response:
                raw = await response.read()
            reached = True
        except asyncio.CancelledError:
            reached = True
            raise
        except TimeoutError:
            raise self._reporter.of_failure("timeout", f"no answer after {self.timeout:g} s") from None
        except aiohttp.InvalidURL:
            raise self._reporter.of_failure("not found", f"{url} is no URL") from None
        except (aiohttp.ClientError, OSError) as error:
            # Without the cause: its request information holds the key.
            message = f"no whole answer from {url}: {type(error).__name__}: {error}"
            raise self._reporter.of_failure("connection", message) from None
        finally:
            self._hosts.give_back(url, reached=reached)
        if self._key and self._key in raw:
            raw = raw.replace(self._key, HIDDEN.encode())
        return self._answer(response.status, response.headers, raw)

    def _answer(self, status: int, headers: Any, raw: bytes) -> Answer:
        if not 200 <= status < 300:
            raise self._reporter.of_status(status, headers, raw.decode(errors="replace"))
        try:
            body = json.loads(raw)
        except ValueError:
            raise self._reporter.of_failure("bad reply", "the answer is no JSON") from None
        if isinstance(body, dict) and body.get("error") and not body.get("choices"):
            # OpenRouter reports what went wrong behind it with the status 200.
            code = body["error"].get("code") if isinstance(body["error"], dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 502
            raise self._reporter.of_status(status, headers, raw.decode(errors="replace"))
        try:
            return read_answer(body, self._dialect)
        except CallError as error:
            raise self._reporter.of_failure(error.reason, error.message) from None

    async def _connected(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is not None:
            if self._loop is loop:
                return self._session
            # Left over from an event loop that ended without `close`, and whose connections ended with it.
            with contextlib.suppress(RuntimeError):
                await self._session.close()
        secure = any(url.startswith("https:") for url in self._proxies)
        self._loop = loop
        self._session = aiohttp.ClientSession(
            # The engine bounds the calls in flight; a bound here would only make calls wait unseen.
            connector=aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context() if secure else True),
            timeout=aiohttp.ClientTimeout(total=self.timeout, sock_connect=min(_LONGEST_CONNECT, self.timeout)),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)
