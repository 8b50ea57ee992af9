"""Batches as OpenAI and Groq have them: a file of JSON lines goes in, one file of answers and one of errors come out.

Sources: platform.openai.com/docs/guides/batch and docs/api-reference/batch, console.groq.com/docs/batch.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from ragtally import (
    BatchRow,
    BatchState,
    BatchStatus,
    Call,
    CallError,
    CallFailure,
)
from ragtally.support.reply_outcomes import LONGEST_REPLY, cached_tokens, too_large
from ragtally_litellm.failures import CallErrors
from ragtally_litellm.file_requests import FileRequests, json_or_none, text_of
from ragtally_litellm.replies import read_answer

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
        return self._requests.id_of(await self._requests.upload(path, "batch"), "file")

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
        async for row in self._requests.rows("/batches"):
            yield self._state(row)

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

    def _state(self, content: Mapping[str, Any]) -> BatchState:
        counts = content.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        metadata = content.get("metadata")
        status = _ENDS.get(str(content.get("status")), "running")
        codes, message = _batch_errors(content.get("errors"))
        return BatchState(
            id=self._requests.id_of(content, "batch"),
            status=status,
            name=text_of(metadata.get(_NAME)) if isinstance(metadata, dict) else None,
            file_id=text_of(content.get("input_file_id")),
            completed=_count(counts.get("completed")),
            failed=_count(counts.get("failed")),
            created_at=_moment(content.get("created_at")),
            ended_at=_moment(content.get(f"{status}_at")) if status != "running" else None,
            expires_at=_moment(content.get("expires_at")),
            # Where there is no such file, some say null, some "", some {}.
            result_files=tuple(
                filter(None, (text_of(content.get(f"{kind}_file_id")) for kind in ("output", "error")))
            ),
            message=self._errors.clean(message) if message else None,
            queue_full=status == "failed" and bool(codes.intersection(_QUEUE_FULL)),
        )


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
    row = json_or_none(line)
    if not isinstance(row, dict):
        return BatchRow(None, errors.failure("bad reply", "a row of the results is no JSON object"))
    key = text_of(row.get("custom_id"))
    response = row.get("response")
    if not isinstance(response, dict) or not response:
        return BatchRow(key, _error_of_untried(row, errors))
    status, body = response.get("status_code"), response.get("body")
    if isinstance(body, str):
        body = json_or_none(body)
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
    words = " ".join(filter(None, (text_of(message), f"({code})" if code else "")))
    return errors.failure(reason, words or "a row of the results has neither an answer nor an error")


def _batch_errors(content: Any) -> tuple[set[str], str]:
    errors = content.get("data") if isinstance(content, dict) else content
    rows = [row for row in errors if isinstance(row, dict)] if isinstance(errors, list) else []
    messages = dict.fromkeys(str(row["message"]) for row in rows if row.get("message"))
    return {str(row.get("code")) for row in rows}, "; ".join(messages)


def _json_text(content: Any) -> str:
    try:
        return json.dumps(content)
    except RecursionError:
        return ""


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _moment(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
