"""A provider's files, and the requests for what works on them: batches and fine-tuning jobs."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from ragtally import Location, StoreError
from ragtally.support.json_bodies import read_json
from ragtally.support.reply_outcomes import LONGEST_REPLY
from ragtally_litellm.client import connection_errors, hide_key, proxy_for, read_body
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.routes import authorization

_PAGE = 100
# The slowest line that is waited for: a file of 200 MB may take 2,000 s longer than a call.
_BYTES_PER_SECOND = 100_000
_PIECE = 1 << 16


class FileRequests:
    """Sends what the APIs of files, batches and fine-tuning take; a failure is raised, and nothing tried again."""

    # Every request has a connection of its own: there are few, minutes apart. Nothing large is held in memory.

    def __init__(self, base: str, key: str | None, timeout: float, errors: CallErrors) -> None:
        self._base = base.removesuffix("/chat/completions")
        self._key, self._timeout, self._errors = key, timeout, errors

    async def ask(self, method: Literal["GET", "POST", "DELETE"], path: str, content: Any = None) -> dict[str, Any]:
        """Send a small request."""
        payload = None if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        return self._object(await self._exchange(method, path, self._timeout, payload, headers))

    async def rows(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """What there is at a path, page by page, the latest first."""
        query: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = await self.ask("GET", f"{path}?{urlencode(query)}")
            rows = [row for row in page.get("data") or () if isinstance(row, dict) and row.get("id")]
            for row in rows:
                yield row
            following = _next_page(page, rows)
            # A provider that sends the same page again would be asked forever.
            if not rows or following is None or following.items() <= query.items():
                return
            query = {"limit": _PAGE, **following}

    def id_of(self, content: Mapping[str, Any], what: str) -> str:
        """The id in an answer."""
        if (value := text_of(content.get("id"))) is None:
            raise self._errors.failure("bad reply", f"the answer names no {what}")
        return value

    async def upload(self, path: Path, purpose: Literal["batch", "fine-tune"]) -> dict[str, Any]:
        """Hand over a file of lines, piece by piece."""
        seconds = self._timeout + path.stat().st_size / _BYTES_PER_SECOND
        with path.open("rb") as handle:
            form = aiohttp.FormData()
            form.add_field("purpose", purpose)
            form.add_field("file", handle, filename="ragtally.jsonl", content_type="application/jsonl")
            return self._object(await self._exchange("POST", "/files", seconds, form))

    async def download(self, file_id: str, path: Path) -> None:
        """Fetch a file's content, piece by piece; it is there whole or not at all."""
        part = path.with_name(f"{path.name}.part")

        async def save(response: aiohttp.ClientResponse) -> bytes:
            pieces = response.content.iter_chunked(_PIECE)
            try:
                handle = part.open("wb")
            except OSError as error:
                raise _save_error(part, error) from error
            with handle:
                async for piece in pieces:
                    try:
                        handle.write(piece)
                    except OSError as error:
                        raise _save_error(part, error) from error
            return b""

        # How large it is, and so how long it may take, is not known: no single pause may be long.
        await self._exchange("GET", f"/files/{file_id}/content", None, save=save)
        part.replace(path)

    async def _exchange(
        self,
        method: str,
        path: str,
        seconds: float | None,
        payload: Any = None,
        headers: Mapping[str, str] | None = None,
        save: Callable[[aiohttp.ClientResponse], Awaitable[bytes]] | None = None,
    ) -> bytes:
        url = self._base + path
        timeout = aiohttp.ClientTimeout(total=seconds, sock_read=None if seconds else self._timeout)
        certificates = ssl.create_default_context() if url.startswith("https:") else True
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=certificates), timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        with connection_errors(self._errors, url, self._timeout):
            async with (
                session,
                session.request(
                    method,
                    url,
                    data=payload,
                    headers={**(headers or {}), **authorization(self._key)},
                    proxy=proxy_for(url),
                    allow_redirects=False,
                ) as response,
            ):
                good = 200 <= response.status < 300
                raw = await (save(response) if good and save else read_body(response, LONGEST_REPLY, self._errors))
        raw = hide_key(raw, self._key)
        if not good:
            raise self._errors.from_status(response.status, response.headers, raw.decode(errors="replace"))
        return raw

    def _object(self, raw: bytes) -> dict[str, Any]:
        body = json_or_none(raw)
        if not isinstance(body, dict):
            raise self._errors.failure("bad reply", "the answer is no JSON object")
        if body.get("error") and "id" not in body:
            raise self._errors.from_status(502, {}, raw.decode(errors="replace"))
        return body


def _save_error(path: Path, error: OSError) -> StoreError:
    # No failure of the provider's, and not to be tried again.
    message = f"what the provider sent cannot be saved: {error.strerror or error}"
    hint = "free space; nothing was lost, and the same command goes on"
    return StoreError(message, location=Location(str(path)), hint=hint)


def _next_page(page: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, str] | None:
    """What asks for the page of a list behind another one; None behind the last one."""
    # Groq's `paging` with a cursor, or OpenAI's `has_more` with the last id.
    paging = page.get("paging")
    cursor = text_of(paging.get("next_cursor")) if isinstance(paging, dict) else None
    if cursor:
        return {"cursor": cursor}
    if page.get("has_more") and rows:
        return {"after": text_of(page.get("last_id")) or str(rows[-1]["id"])}
    return None


def text_of(value: Any) -> str | None:
    """A text that is not empty; None for all else."""
    return value if isinstance(value, str) and value else None


def json_or_none(text: str | bytes) -> Any:
    """What a JSON text says; None where it is none."""
    try:
        return read_json(text)
    except ValueError:
        return None
