"""Requests to a provider's files and batches, straight on aiohttp: nothing is held in memory that may be large."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import aiohttp

from ragtally import Location, StoreError
from ragtally_litellm.failures import Reporter
from ragtally_litellm.keys import HIDDEN, key_to_hide
from ragtally_litellm.sending import proxy_for, secure_context

# The slowest line that is waited for: a file of 200 MB may take 2,000 s longer than a call.
_BYTES_PER_SECOND = 100_000
_PIECE = 1 << 16
_Save = Callable[[aiohttp.ClientResponse], Awaitable[bytes]]
_UPLOADED_AS = "ragtally.jsonl"


class BatchRequests:
    """Sends what the batch API takes; failures are raised as `CallError`, and nothing is tried again here."""

    # Every request has a connection of its own: there are few, minutes apart.

    def __init__(self, base: str, key: str | None, timeout: float, reporter: Reporter) -> None:
        self._base = base.removesuffix("/chat/completions")
        self._key, self._timeout, self._reporter = key, timeout, reporter

    async def ask(self, method: Literal["GET", "POST", "DELETE"], path: str, content: Any = None) -> dict[str, Any]:
        """Send a small request."""
        payload = None if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        return self._object(await self._exchange(method, path, payload, headers, self._timeout))

    async def upload(self, path: Path) -> dict[str, Any]:
        """Hand over a file of calls, piece by piece."""
        seconds = self._timeout + path.stat().st_size / _BYTES_PER_SECOND
        with path.open("rb") as handle:
            form = aiohttp.FormData()
            form.add_field("purpose", "batch")
            form.add_field("file", handle, filename=_UPLOADED_AS, content_type="application/jsonl")
            return self._object(await self._exchange("POST", "/files", form, {}, seconds))

    async def download(self, file_id: str, path: Path) -> None:
        """Fetch a file's content, piece by piece; it is there whole or not at all."""
        part = path.with_name(f"{path.name}.part")

        async def save(response: aiohttp.ClientResponse) -> bytes:
            with _opened(part) as handle:
                async for piece in response.content.iter_chunked(_PIECE):
                    _write(handle, piece, part)
            return b""

        # How large it is, and so how long it may take, is not known: no single pause may be long.
        await self._exchange("GET", f"/files/{file_id}/content", None, {}, None, save)
        part.replace(path)

    async def _exchange(
        self,
        method: str,
        path: str,
        payload: Any,
        headers: Mapping[str, str],
        seconds: float | None,
        save: _Save | None = None,
    ) -> bytes:
        url = self._base + path
        own = {**headers, **({"Authorization": f"Bearer {self._key}"} if self._key else {})}
        timeout = aiohttp.ClientTimeout(total=seconds, sock_read=None if seconds else self._timeout)
        connector = aiohttp.TCPConnector(ssl=secure_context() if url.startswith("https:") else True)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.request(
                    method, url, data=payload, headers=own, proxy=proxy_for(url), allow_redirects=False
                ) as response,
            ):
                good = 200 <= response.status < 300
                raw: bytes = await (save(response) if good and save else response.read())
                status, said = response.status, response.headers
        except TimeoutError:
            raise self._reporter.of_failure("timeout", f"no answer from {path} after {self._timeout:g} s") from None
        except aiohttp.InvalidURL:
            raise self._reporter.of_failure("not found", f"{url} is no URL") from None
        except (aiohttp.ClientError, OSError) as error:
            # Without the cause: its request information holds the key.
            message = f"no whole answer from {url}: {type(error).__name__}: {error}"
            raise self._reporter.of_failure("connection", message) from None
        if hidden := key_to_hide(self._key):
            raw = raw.replace(hidden.encode(), HIDDEN.encode())
        if not good:
            raise self._reporter.of_status(status, said, raw.decode(errors="replace"))
        return raw

    def _object(self, raw: bytes) -> dict[str, Any]:
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._reporter.of_failure("bad reply", "the answer is no JSON object")
        if body.get("error") and "id" not in body:
            raise self._reporter.of_status(502, {}, raw.decode(errors="replace"))
        return body


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise _unsaved(path, error) from error


def _write(handle: BinaryIO, piece: bytes, path: Path) -> None:
    try:
        handle.write(piece)
    except OSError as error:
        raise _unsaved(path, error) from error


def _unsaved(path: Path, error: OSError) -> StoreError:
    """Word a failure to save what came: it is no failure of the provider's, and not to be tried again."""
    what = f"what the provider sent cannot be saved: {error.strerror or error}"
    return StoreError(
        what, location=Location(str(path)), hint="free space; nothing was lost, and the same command goes on"
    )
