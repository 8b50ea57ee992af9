"""Requests straight on aiohttp: which host gets them, and what an answer's status and body mean."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from ragtally_litellm.failures import Reporter
from ragtally_litellm.hosts import Hosts
from ragtally_litellm.keys import HIDDEN, key_to_hide

# Seconds to wait for a connection.
_LONGEST_CONNECT = 30.0


class _Sent(NamedTuple):
    status: int
    headers: Mapping[str, str]
    raw: bytes


class Sender:
    """Sends JSON to the hosts of a model; failures are raised as `CallError`, and nothing is tried again here."""

    def __init__(self, urls: Sequence[str], key: str | None, timeout: float, reporter: Reporter) -> None:
        self._hosts, self._timeout, self._reporter = Hosts(urls), timeout, reporter
        self._proxies = {url: proxy_for(url) for url in urls}
        self._key = key_to_hide(key).encode()
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._secure: ssl.SSLContext | None = None

    async def send(self, content: Mapping[str, Any], holds: str) -> Any:
        """Send one request."""
        sent = await self._post(json.dumps(content, ensure_ascii=False).encode())
        if not 200 <= sent.status < 300:
            raise self._reporter.of_status(sent.status, sent.headers, sent.raw.decode(errors="replace"))
        try:
            body = json.loads(sent.raw)
        except ValueError:
            raise self._reporter.of_failure("bad reply", "the answer is no JSON") from None
        if isinstance(body, dict) and body.get("error") and not body.get(holds):
            # OpenRouter reports what went wrong behind it with the status 200.
            code = body["error"].get("code") if isinstance(body["error"], dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 502
            raise self._reporter.of_status(status, sent.headers, sent.raw.decode(errors="replace"))
        return body

    async def close(self) -> None:
        """Close the connections; another request opens new ones."""
        session, self._session, self._loop = self._session, None, None
        if session is not None:
            await session.close()

    async def _post(self, payload: bytes) -> _Sent:
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
            raise self._reporter.of_failure("timeout", f"no answer after {self._timeout:g} s") from None
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
        return _Sent(response.status, response.headers, raw)

    async def _connected(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is not None:
            if self._loop is loop:
                return self._session
            # Left over from an event loop that ended without `close`, and whose connections ended with it.
            with contextlib.suppress(RuntimeError):
                await self._session.close()
        if self._secure is None and any(url.startswith("https:") for url in self._proxies):
            self._secure = secure_context()
        self._loop = loop
        self._session = aiohttp.ClientSession(
            # Whoever asks bounds the calls in flight; a bound here would only make calls wait unseen.
            connector=aiohttp.TCPConnector(limit=0, ssl=self._secure or True),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(_LONGEST_CONNECT, self._timeout)),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session


def secure_context() -> ssl.SSLContext:
    """Make what checks a server's certificate."""
    return ssl.create_default_context()


def proxy_for(url: str) -> str | None:
    """Say which proxy the environment names for a URL."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)
