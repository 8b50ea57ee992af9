"""Batches as OpenAI and Groq have them: a file of JSON lines goes in, one file of answers and one of errors come out.

Sources: platform.openai.com/docs/guides/batch and docs/api-reference/batch, console.groq.com/docs/batch.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ragtally import BatchRow, BatchState, BatchStatus, Call
from ragtally_litellm.batch_requests import BatchRequests
from ragtally_litellm.batch_rows import read_row
from ragtally_litellm.bodies import Body
from ragtally_litellm.failures import Reporter

# What every line names, at Groq too, whatever the provider's URL is.
_ENDPOINT = "/v1/chat/completions"
# The metadata's key that holds our name of a batch.
_NAME = "ragtally"
# What else there is (validating, in_progress, finalizing, cancelling) has not ended.
_ENDS: Mapping[str, BatchStatus] = {
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
_QUEUE_FULL = ("token_limit_exceeded", "request_limit_exceeded", "queue_full")
_PAGE = 100


class FileBatches:
    """Talks to the files and batches of one provider; see `ragtally.api.Batches`."""

    def __init__(self, requests: BatchRequests, body: Body, reporter: Reporter, window: str) -> None:
        self._requests, self._body, self._reporter, self._window = requests, body, reporter, window

    def line(self, call: Call) -> bytes:
        """Write one call as a line of the file."""
        own = {} if call.seed is None else {"seed": call.seed}
        messages = [{"role": message.role, "content": message.content} for message in call.messages]
        row = {"custom_id": call.key, "method": "POST", "url": _ENDPOINT, "body": self._body.of(messages, own)}
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    async def upload(self, path: Path) -> str:
        """Hand over a file of lines."""
        return self._id(await self._requests.upload(path), "file")

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
        asked: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = await self._requests.ask("GET", f"/batches?{urlencode(asked)}")
            rows = [row for row in page.get("data") or () if isinstance(row, dict) and row.get("id")]
            for row in rows:
                yield self._state(row)
            following = _following(page, rows)
            if not rows or following is None or following.items() <= asked.items():
                return
            asked = {"limit": _PAGE, **following}

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
            for row in self._rows(path):
                yield row

    async def discard(self, state: BatchState) -> None:
        """Remove a batch's files at the provider."""
        for file_id in filter(None, (state.file_id, *state.result_files)):
            await self._requests.ask("DELETE", f"/files/{quote(file_id, safe='')}")

    async def close(self) -> None:
        """Nothing stays open between requests."""

    def _rows(self, path: Path) -> Iterator[BatchRow]:
        with path.open("rb") as handle:
            for line in handle:
                if line.strip():
                    yield read_row(line, self._reporter)

    def _id(self, said: Mapping[str, Any], what: str) -> str:
        found = _text(said.get("id"))
        if found is None:
            raise self._reporter.of_failure("bad reply", f"the answer names no {what}")
        return found

    def _state(self, said: Mapping[str, Any]) -> BatchState:
        counts = said.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        metadata = said.get("metadata")
        status = _ENDS.get(str(said.get("status")), "running")
        codes, message = _errors(said.get("errors"))
        return BatchState(
            id=self._id(said, "batch"),
            status=status,
            name=_text(metadata.get(_NAME)) if isinstance(metadata, dict) else None,
            file_id=_text(said.get("input_file_id")),
            completed=_count(counts.get("completed")),
            failed=_count(counts.get("failed")),
            created_at=_moment(said.get("created_at")),
            ended_at=_moment(said.get(f"{status}_at")) if status != "running" else None,
            expires_at=_moment(said.get("expires_at")),
            # Where there is no such file, some say null, some "", some {}.
            result_files=tuple(filter(None, (_text(said.get(f"{kind}_file_id")) for kind in ("output", "error")))),
            message=self._reporter.clean(message) if message else None,
            queue_full=status == "failed" and bool(codes.intersection(_QUEUE_FULL)),
        )


def _following(page: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, str] | None:
    """Say where the list goes on: OpenAI's `has_more` with the last id, Groq's `paging` with a cursor."""
    paging = page.get("paging")
    cursor = _text(paging.get("next_cursor")) if isinstance(paging, dict) else None
    if cursor:
        return {"cursor": cursor}
    if page.get("has_more") and rows:
        return {"after": _text(page.get("last_id")) or str(rows[-1]["id"])}
    return None


def _errors(said: Any) -> tuple[set[str], str]:
    listed = said.get("data") if isinstance(said, dict) else said
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    told = dict.fromkeys(str(row["message"]) for row in rows if row.get("message"))
    return {str(row.get("code")) for row in rows}, "; ".join(told)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _moment(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
