"""Requests straight on aiohttp: which host gets them, and what an answer's status and body mean."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from ragtally import CallError
from ragtally.support.json_bodies import read_json
from ragtally.support.reply_outcomes import too_large
from ragtally.support.secrets import MASK, is_long_enough
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.routes import authorization

T = TypeVar("T")

_LONGEST_CONNECT = 30.0  # seconds
_LONGEST_LOOK = 2.0  # seconds
_FIRST_REST, _LONGEST_REST = 1.0, 60.0  # seconds
# Of an error no more is read than a message may take.
_LONGEST_ERROR = 1_000_000  # bytes


class Hosts:
    """Hands each call to the host with the fewest calls in flight; one that cannot be reached rests for a while."""

    # Without the rest a dead host, which always has none in flight, would get every call.

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._urls = tuple(urls)
        self._in_flight = dict.fromkeys(urls, 0)
        self._failures = dict.fromkeys(urls, 0)
        self._awake = dict.fromkeys(urls, 0.0)
        self._clock = clock

    def take(self) -> str:
        """Choose a host and count a call to it."""
        url = self._urls[0]
        if len(self._urls) > 1:
            now = self._clock()
            url = min(self._urls, key=lambda url: (max(0.0, self._awake[url] - now), self._in_flight[url]))
        self._in_flight[url] += 1
        return url

    def give_back(self, url: str, *, alive: bool) -> None:
        """End a call."""
        self._in_flight[url] -= 1
        if alive:
            self._failures[url] = 0
            return
        now = self._clock()
        if self._awake[url] <= now:
            # Calls that were under way when it fell silent fail together, and count as one failure.
            self._awake[url] = now + min(_LONGEST_REST, _FIRST_REST * 2 ** self._failures[url])
            self._failures[url] += 1


class JsonClient:
    """Sends JSON to the hosts of a model; failures are raised as `CallError`, and nothing is tried again here."""

    def __init__(
        self,
        urls: Sequence[str],
        key: str | None,
        timeout: float,
        errors: CallErrors,
        longest: int,
        check: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._longest, self._check = longest, check
        self._hosts, self._key, self._timeout, self._errors = Hosts(urls), key, timeout, errors
        self._proxies = {url: proxy_for(url) for url in urls}
        self._headers = {"Content-Type": "application/json", **authorization(key)}
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._certificates: ssl.SSLContext | None = None

    async def send(self, content: Mapping[str, Any], result_field: str) -> Any:
        """Send one request; `result_field` is what a good answer holds."""
        url, status, headers, raw = await self._post(json.dumps(content, ensure_ascii=False).encode())
        if not 200 <= status < 300:
            raise self._errors.from_status(status, headers, raw.decode(errors="replace"))
        try:
            body = read_json(raw)
        except ValueError:
            raise self._errors.failure("bad reply", "the answer is no JSON that can be read") from None
        if isinstance(body, dict) and body.get("error") and not body.get(result_field):
            # OpenRouter reports what went wrong behind it with the status 200.
            code = body["error"].get("code") if isinstance(body["error"], dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 502
            raise self._errors.from_status(status, headers, raw.decode(errors="replace"))
        if self._check is not None:
            await self._check(url)
        return body

    async def look(self, url: str, seconds: float = _LONGEST_LOOK) -> Any:
        """Read what a server says of itself; None where it says nothing."""
        try:
            async with asyncio.timeout(min(seconds, self._timeout)):
                session = await self._open_session()
                async with session.get(
                    url, headers=self._headers, proxy=proxy_for(url), allow_redirects=False
                ) as response:
                    return (
                        read_json(await read_body(response, self._longest, self._errors))
                        if response.status == 200
                        else None
                    )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, CallError):
            return None

    async def close(self) -> None:
        """Close the connections; another request opens new ones."""
        session, self._session, self._loop = self._session, None, None
        if session is not None:
            await session.close()

    async def _post(self, payload: bytes) -> tuple[str, int, Mapping[str, str], bytes]:
        url, answers = self._hosts.take(), False
        try:
            with connection_errors(self._errors, url, self._timeout):
                session = await self._open_session()
                async with session.post(
                    url, data=payload, headers=self._headers, proxy=self._proxies[url], allow_redirects=False
                ) as response:
                    raw = await read_body(response, self._longest, self._errors)
            answers = True
        except CallError as error:
            answers = error.reason == "bad reply"
            raise
        except asyncio.CancelledError:
            answers = True
            raise
        finally:
            self._hosts.give_back(url, alive=answers)
        return url, response.status, response.headers, hide_key(raw, self._key)

    async def _open_session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is not None:
            if self._loop is loop:
                return self._session
            # Left over from an event loop that ended without `close`, and whose connections ended with it.
            with contextlib.suppress(RuntimeError):
                await self._session.close()
        if self._certificates is None and any(url.startswith("https:") for url in self._proxies):
            self._certificates = ssl.create_default_context()
        self._loop = loop
        self._session = aiohttp.ClientSession(
            # The caller bounds the calls in flight; a bound here would only make calls wait unseen.
            connector=aiohttp.TCPConnector(limit=0, ssl=self._certificates or True),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(_LONGEST_CONNECT, self._timeout)),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session


async def read_body(response: aiohttp.ClientResponse, longest: int, errors: CallErrors) -> bytes:
    """Read what a server answers; a good answer of more than so many bytes is given up."""
    # A server that never ends its answer would fill the memory.
    good = 200 <= response.status < 300
    most = longest if good else min(longest, _LONGEST_ERROR)
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            # Closed rather than read to its end, which the server may never reach.
            response.close()
            if good:
                raise errors.failure("bad reply", too_large("answer", longest))
            break
    return b"".join(parts)[:most]


@contextlib.contextmanager
def connection_errors(errors: CallErrors, url: str, timeout: float) -> Iterator[None]:
    """Raise what aiohttp raises as `CallError`."""
    try:
        yield
    except TimeoutError:
        raise errors.failure("timeout", f"no answer from {url} after {timeout:g} s") from None
    except aiohttp.InvalidURL:
        raise errors.failure("not found", f"{url} is no URL") from None
    except (aiohttp.ClientError, OSError) as error:
        # Without the cause: its request information holds the key.
        message = f"no whole answer from {url}: {type(error).__name__}: {error}"
        raise errors.failure("connection", message) from None


def hide_key(raw: bytes, key: str | None) -> bytes:
    """Hide the key where a provider repeats it."""
    return raw.replace(key.encode(), MASK.encode()) if key and is_long_enough(key) else raw


def proxy_for(url: str) -> str | None:
    """Look up which proxy the environment names for a URL."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def run_coroutine(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work in an event loop of its own, whether or not the caller's thread runs one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
