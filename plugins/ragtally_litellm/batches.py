"""Batches as OpenAI and Groq have them: a file of JSON lines goes in, one file of answers and one of errors come out.

Sources: platform.openai.com/docs/guides/batch and docs/api-reference/batch, console.groq.com/docs/batch.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal
from urllib.parse import quote, urlencode

import aiohttp

from ragtally import (
    BatchRow,
    BatchState,
    BatchStatus,
    Call,
    CallError,
    CallFailure,
    Location,
    StoreError,
)
from ragtally.support.json_bodies import read_json
from ragtally.support.reply_outcomes import LONGEST_REPLY, cached_tokens, too_large
from ragtally_litellm.client import connection_errors, hide_key, proxy_for, read_body
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.replies import read_answer
from ragtally_litellm.routes import authorization

# What every line names, at Groq too, whatever the provider's URL is.
_ENDPOINT = "/v1/chat/completions"
# The metadata's key that holds our name of a batch.
_NAME = "ragtally"
# Any other status (validating, in_progress, finalizing, cancelling) has not ended.
_ENDS: Mapping[str, BatchStatus] = {
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
# Why a row was never tried; everything else without a status is the server's failure.
_UNTRIED_REASONS: Mapping[str, CallFailure] = {"batch_expired": "timeout", "batch_cancelled": "cancelled"}
_QUEUE_FULL = ("token_limit_exceeded", "request_limit_exceeded", "queue_full")
_PAGE = 100
# The slowest line that is waited for: a file of 200 MB may take 2,000 s longer than a call.
_BYTES_PER_SECOND = 100_000
_PIECE = 1 << 16
_CALL = re.compile(rb'"custom_id"\s*:\s*"([^"\\]+)"')

WriteBody = Callable[[Sequence[Mapping[str, str]], Mapping[str, Any]], dict[str, Any]]


class FileBatches:
    """Talks to the files and batches of one provider; see `ragtally.api.Batches`."""

    def __init__(
        self,
        requests: FileRequests,
        body: WriteBody,
        errors: CallErrors,
        window: str,
        known_name: Callable[[str | None], str | None] = lambda name: name,
    ) -> None:
        self._requests, self._body, self._errors, self._window = requests, body, errors, window
        self._known_name = known_name

    def line(self, call: Call) -> bytes:
        """Write one call as a line of the file."""
        messages = [{"role": message.role, "content": message.content} for message in call.messages]
        row = {
            "custom_id": call.key,
            "method": "POST",
            "url": _ENDPOINT,
            "body": self._body(messages, call.parameters),
        }
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    async def upload(self, path: Path) -> str:
        """Hand over a file of lines."""
        return self._id(await self._requests.upload(path, "batch"), "file")

    async def submit(self, file_id: str, name: str) -> BatchState:
        """Have the calls of a file answered."""
        content = {
            "input_file_id": file_id,
            "endpoint": _ENDPOINT,
            "completion_window": self._window,
            "metadata": {_NAME: name},
        }
        return self._state(await self._requests.ask("POST", "/batches", content))

    async def look(self, batch_id: str) -> BatchState:
        """Ask how a batch stands."""
        return self._state(await self._requests.ask("GET", f"/batches/{quote(batch_id, safe='')}"))

    async def listed(self) -> AsyncIterator[BatchState]:
        """List the batches that the provider knows of, the latest first."""
        query: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = await self._requests.ask("GET", f"/batches?{urlencode(query)}")
            rows = [row for row in page.get("data") or () if isinstance(row, dict) and row.get("id")]
            for row in rows:
                yield self._state(row)
            following = next_page(page, rows)
            # A provider that sends the same page again would be asked forever.
            if not rows or following is None or following.items() <= query.items():
                return
            query = {"limit": _PAGE, **following}

    async def cancel(self, batch_id: str) -> BatchState:
        """Have no further calls of a batch answered."""
        return self._state(await self._requests.ask("POST", f"/batches/{quote(batch_id, safe='')}/cancel", {}))

    async def results(self, state: BatchState, folder: Path) -> AsyncIterator[BatchRow]:
        """Read the results of a batch that has ended."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, file_id in enumerate(state.result_files):
            paths.append(folder / f"results-{number}.jsonl")
            await self._requests.download(file_id, paths[-1])
        for path in paths:
            with path.open("rb") as handle:
                for line in _lines(handle):
                    if line.strip():
                        row = read_row(line, self._errors)
                        yield replace(row, served_by=self._known_name(row.served_by))

    async def discard(self, state: BatchState) -> None:
        """Remove a batch's files at the provider."""
        for file_id in filter(None, (state.file_id, *state.result_files)):
            await self._requests.ask("DELETE", f"/files/{quote(file_id, safe='')}")

    async def close(self) -> None:
        """Nothing stays open between requests."""

    def _id(self, content: Mapping[str, Any], what: str) -> str:
        text = _text(content.get("id"))
        if text is None:
            raise self._errors.failure("bad reply", f"the answer names no {what}")
        return text

    def _state(self, content: Mapping[str, Any]) -> BatchState:
        counts = content.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        metadata = content.get("metadata")
        status = _ENDS.get(str(content.get("status")), "running")
        codes, message = _batch_errors(content.get("errors"))
        return BatchState(
            id=self._id(content, "batch"),
            status=status,
            name=_text(metadata.get(_NAME)) if isinstance(metadata, dict) else None,
            file_id=_text(content.get("input_file_id")),
            completed=_count(counts.get("completed")),
            failed=_count(counts.get("failed")),
            created_at=_moment(content.get("created_at")),
            ended_at=_moment(content.get(f"{status}_at")) if status != "running" else None,
            expires_at=_moment(content.get("expires_at")),
            # Where there is no such file, some say null, some "", some {}.
            result_files=tuple(filter(None, (_text(content.get(f"{kind}_file_id")) for kind in ("output", "error")))),
            message=self._errors.clean(message) if message else None,
            queue_full=status == "failed" and bool(codes.intersection(_QUEUE_FULL)),
        )


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
        body = _json_or_none(raw)
        if not isinstance(body, dict):
            raise self._errors.failure("bad reply", "the answer is no JSON object")
        if body.get("error") and "id" not in body:
            raise self._errors.from_status(502, {}, raw.decode(errors="replace"))
        return body


def _lines(handle: IO[bytes]) -> Iterator[bytes]:
    """Read lines; of one that is too long no more than its beginning."""
    while line := handle.readline(LONGEST_REPLY + 1):
        yield line
        while line and not line.endswith(b"\n"):
            line = handle.readline(_PIECE)


def read_row(line: bytes, errors: CallErrors) -> BatchRow:
    """Read one row of a batch's results, without trust."""
    # An error stands in `error`, or in the body of a `response` with an error status, whichever file it is in; where
    # there is none, some say null and some {}.
    if len(line) > LONGEST_REPLY:
        # Which call it answers stands before the answer.
        match = _CALL.search(line, 0, _PIECE)
        key = match[1].decode(errors="replace") if match else None
        return BatchRow(key, errors.failure("bad reply", too_large("row of the results", LONGEST_REPLY)))
    row = _json_or_none(line)
    if not isinstance(row, dict):
        return BatchRow(None, errors.failure("bad reply", "a row of the results is no JSON object"))
    key = _text(row.get("custom_id"))
    response = row.get("response")
    if not isinstance(response, dict) or not response:
        return BatchRow(key, _error_of_untried(row, errors))
    status, body = response.get("status_code"), response.get("body")
    if isinstance(body, str):
        body = _json_or_none(body)
    if isinstance(status, int) and not 200 <= status < 300:
        content = body if body else row.get("error")
        return BatchRow(key, errors.from_status(status, {}, _json_text(content) if content else ""))
    try:
        answer = read_answer(body, "openai")
    except CallError as error:
        return BatchRow(key, errors.failure(error.reason, error.message))
    return BatchRow(
        key,
        None,
        answer.text,
        answer.finish_reason,
        input_tokens=answer.usage.get("prompt_tokens"),
        output_tokens=answer.usage.get("completion_tokens"),
        served_by=answer.model,
        instead="a tool call instead of an answer" if answer.tool else "reasoning alone" if answer.reasoning else "",
        cached_tokens=cached_tokens(answer.usage),
    )


def _error_of_untried(row: Mapping[str, Any], errors: CallErrors) -> CallError:
    error = row.get("error")
    error = error if isinstance(error, dict) else {"message": error}
    code, message = str(error.get("code") or ""), error.get("message")
    reason = _UNTRIED_REASONS.get(code, "server" if message or code else "bad reply")
    words = " ".join(filter(None, (_text(message), f"({code})" if code else "")))
    return errors.failure(reason, words or "a row of the results has neither an answer nor an error")


def _save_error(path: Path, error: OSError) -> StoreError:
    # No failure of the provider's, and not to be tried again.
    message = f"what the provider sent cannot be saved: {error.strerror or error}"
    hint = "free space; nothing was lost, and the same command goes on"
    return StoreError(message, location=Location(str(path)), hint=hint)


def next_page(page: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, str] | None:
    """What asks for the page of a list behind another one; None behind the last one."""
    # Groq's `paging` with a cursor, or OpenAI's `has_more` with the last id.
    paging = page.get("paging")
    cursor = _text(paging.get("next_cursor")) if isinstance(paging, dict) else None
    if cursor:
        return {"cursor": cursor}
    if page.get("has_more") and rows:
        return {"after": _text(page.get("last_id")) or str(rows[-1]["id"])}
    return None


def _batch_errors(content: Any) -> tuple[set[str], str]:
    errors = content.get("data") if isinstance(content, dict) else content
    rows = [row for row in errors if isinstance(row, dict)] if isinstance(errors, list) else []
    messages = dict.fromkeys(str(row["message"]) for row in rows if row.get("message"))
    return {str(row.get("code")) for row in rows}, "; ".join(messages)


def _json_or_none(text: str | bytes) -> Any:
    try:
        return read_json(text)
    except ValueError:
        return None


def _json_text(content: Any) -> str:
    try:
        return json.dumps(content)
    except RecursionError:
        return ""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _moment(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
