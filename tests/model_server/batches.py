"""Files and batches, as OpenAI and Groq have them, with their own ways of going wrong."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_server import wire
from model_server.batch_rows import answered_row, written_row
from model_server.connection import Request, Response, json_response
from model_server.failures import Vendor, failure
from model_server.faults import STATUSES, fraction

if TYPE_CHECKING:
    from model_server.server import ModelServer

PATHS = re.compile(r"^(/openai)?/v1/(files|batches)(?:/([^/]+))?(?:/(content|cancel))?$")
CREATIONS = ("accept_and_hang", "accept_and_500", "accept_and_reset")
"""What may happen to a batch that is accepted all the same: its caller does not hear of it."""
NOTHING: Mapping[str, Any] = {"null": None, "text": "", "object": {}}
"""What is said where there is no file."""
_AT_ONCE = 200
_HOURS = 24
_GLANCE_SECONDS = 0.05
_EARLY = ("expired", "cancelled")
"""Ends that leave calls unanswered."""


@dataclass
class Batch:
    """A batch that was accepted.

    Attributes:
        id: Its id.
        request: What it was asked for with.
        end: How it will end.
        vendor: Whose API it came by.
        created: When it came, in seconds of the epoch.
        status: How it stands.
        completed: Calls answered.
        failed: Calls failed.
        total: Calls in it.
        files: The result files by kind, output and error.
        errors: What is wrong with it as a whole.
        moments: When it came to what, by the name of the field.
    """

    id: str
    request: Mapping[str, Any]
    end: str
    vendor: Vendor
    created: float
    status: str = "validating"
    completed: int = 0
    failed: int = 0
    total: int = 0
    files: dict[str, str] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    moments: dict[str, float] = field(default_factory=dict)

    def as_json(self, nothing: Any) -> dict[str, Any]:
        names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        moments = {f"{name}_at": self.moments.get(name) for name in names}
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.request["endpoint"],
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.request["input_file_id"],
            "completion_window": self.request["completion_window"],
            "status": self.status,
            "output_file_id": self.files.get("output", nothing),
            "error_file_id": self.files.get("error", nothing),
            "created_at": int(self.created),
            "expires_at": int(self.created + _HOURS * 3600),
            **{name: None if moment is None else int(moment) for name, moment in moments.items()},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.request.get("metadata"),
        }


class BatchDesk:
    """Takes files and batches, answers their calls after a while, and gives the results out."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, Batch] = {}
        self._numbers = itertools.count(1)
        self._requests = itertools.count()
        self._creations = 0
        self._ended = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files that there are."""
        return self._files

    async def handle(self, request: Request) -> None:
        """Answer one request to files or batches."""
        match = PATHS.match(request.path)
        assert match is not None
        groq, kind, name, action = match.groups()
        settings = self._server.settings
        vendor: Vendor = "groq" if groq else "openai"
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if settings.api_key is not None and key != settings.api_key:
            return await request.connection.send(failure("401", vendor, key=f"{key[:3]}****"))
        if await self._fault(request, vendor):
            return None
        if kind == "files":
            return await self._file(request, name, action)
        return await self._batch(request, vendor, name, action)

    async def _fault(self, request: Request, vendor: Vendor) -> bool:
        settings, draw = self._server.settings, fraction("desk", self._server.settings.seed, next(self._requests))
        for name, share in settings.batch_faults.items():
            if draw < share:
                self._server.counts.by_fault[name] += 1
                if name in STATUSES:
                    await request.connection.send(failure(name, vendor, settings.retry_after))
                elif name == "hang":
                    await wire.hang(request.connection, settings.hold_seconds)
                else:
                    request.connection.reset()
                return True
            draw -= share
        return False

    async def _file(self, request: Request, name: str | None, action: str | None) -> None:
        connection = request.connection
        if name is None:
            content = _uploaded(request)
            if len(content) > self._server.settings.batch_bytes:
                return await connection.send(Response(413, b'{"error":{"message":"File too large"}}'))
            file_id = f"file-{next(self._numbers):06d}"
            self._files[file_id] = content
            description = {
                "id": file_id,
                "object": "file",
                "purpose": "batch",
                "bytes": len(content),
                "status": "processed",
            }
            return await connection.send(json_response(description))
        if name not in self._files:
            return await connection.send(_unknown("File", name))
        if request.method == "DELETE":
            del self._files[name]
            return await connection.send(json_response({"id": name, "object": "file", "deleted": True}))
        if action == "content":
            content = self._files[name]
            if self._server.settings.batch_content is not None:
                content = self._server.settings.batch_content.encode()
            if self._server.settings.batch_halves and self._server.halved(name):
                return await wire.send_half(connection, content)
            return await connection.send(Response(200, content, content_type="application/octet-stream"))
        description = {"id": name, "object": "file", "bytes": len(self._files[name])}
        return await connection.send(json_response(description))

    async def _batch(self, request: Request, vendor: Vendor, name: str | None, action: str | None) -> None:
        if name is None and request.method == "POST":
            return await self._create(request, vendor)
        if name is None:
            return await request.connection.send(json_response(self._page(request.query)))
        batch = self._batches.get(name)
        if batch is None:
            return await request.connection.send(_unknown("Batch", name))
        if action == "cancel" and batch.status in ("validating", "in_progress"):
            batch.end, batch.status = "cancelled", "cancelling"
            batch.moments["cancelling"] = time.time()
        return await request.connection.send(json_response(self._status_of(batch)))

    async def _create(self, request: Request, vendor: Vendor) -> None:
        settings, connection = self._server.settings, request.connection
        order = json.loads(request.body)
        if order.get("input_file_id") not in self._files:
            return await connection.send(_unknown("File", str(order.get("input_file_id"))))
        script, turn = settings.batch_creations, self._creations
        fault = script[turn] if turn < len(script) else None
        self._creations += 1
        if fault is not None and fault not in CREATIONS:
            return await connection.send(failure(fault, vendor, settings.retry_after))
        ends = settings.batch_ends
        end = ends[self._ended] if self._ended < len(ends) else "completed"
        self._ended += 1
        batch = Batch(f"batch_{next(self._numbers):06d}", order, end or "completed", vendor, time.time())
        self._batches[batch.id] = batch
        self._server.counts.batches += 1
        task = asyncio.get_running_loop().create_task(self._answer(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if fault == "accept_and_hang":
            return await wire.hang(connection, settings.hold_seconds)
        if fault == "accept_and_reset":
            return connection.reset()
        if fault == "accept_and_500":
            return await connection.send(failure("500", vendor))
        return await connection.send(json_response(self._status_of(batch)))

    def _status_of(self, batch: Batch) -> dict[str, Any]:
        return batch.as_json(NOTHING[self._server.settings.batch_nothing])

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        hidden = time.time() - self._server.settings.batch_listed_after
        batches = [each for each in reversed(self._batches.values()) if each.created <= hidden]
        if "after" in query:
            ids = [each.id for each in batches]
            batches = batches[ids.index(query["after"]) + 1 :]
        limit = min(int(query.get("limit", 20)), self._server.settings.batch_page)
        page = batches[:limit]
        return {
            "object": "list",
            "data": [self._status_of(each) for each in page],
            "has_more": len(batches) > len(page),
            "last_id": page[-1].id if page else None,
        }

    async def _answer(self, batch: Batch) -> None:
        """Answer a batch's calls; those of one that ends early in part."""
        settings = self._server.settings
        rows = self._files[batch.request["input_file_id"]].splitlines()
        wrong = self._wrong(batch, rows)
        await _pause(batch, settings.batch_seconds * 0.1)
        if wrong is not None:
            batch.errors = [wrong]
            self._end(batch, "failed")
            return
        batch.total = len(rows)
        if batch.status == "validating":
            batch.status = "in_progress"
        batch.moments["in_progress"] = time.time()
        output: list[bytes] = []
        errors: list[bytes] = []
        pause = settings.batch_seconds * 0.9 * min(_AT_ONCE, len(rows)) / len(rows)
        position = 0
        # Looked at anew each time: it may be cancelled meanwhile.
        while position < (most := len(rows) // 2 if batch.end in _EARLY else len(rows)):
            for line in rows[position : min(position + _AT_ONCE, most)]:
                row = answered_row(self._server, line, batch.vendor)
                batch.completed += row.good
                batch.failed += not row.good
                (output if row.good else errors).extend(written_row(row, settings))
                position += 1
            await _pause(batch, pause)
        errors += [_untouched(row, batch.end) for row in rows[position:]]
        for kind, written in (("output", output), ("error", errors)):
            if written:
                batch.files[kind] = f"file-{next(self._numbers):06d}"
                self._files[batch.files[kind]] = b"".join(written)
        self._end(batch, batch.end)

    @staticmethod
    def _wrong(batch: Batch, rows: list[bytes]) -> dict[str, Any] | None:
        if batch.end == "queue_full":
            words = "Enqueued token limit reached for m in organization org-made-up. Limit: 90,000 enqueued tokens."
            return {"code": "token_limit_exceeded", "message": words, "param": None, "line": None}
        if batch.end == "failed":
            return {"code": "model_not_found", "message": "The provided model is not supported by the Batch API.",
                    "param": "body.model", "line": 1}  # fmt: skip
        ids = [json.loads(row)["custom_id"] for row in rows]
        if len(set(ids)) < len(ids):
            return {"code": "duplicate_custom_id", "message": "The custom_id of this line is a duplicate."}
        return None

    @staticmethod
    def _end(batch: Batch, status: str) -> None:
        batch.status = status
        batch.moments[status] = time.time()


async def _pause(batch: Batch, seconds: float) -> None:
    """Wait, but no longer once the batch is cancelled."""
    end = time.monotonic() + seconds
    while batch.status != "cancelling" and (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(_GLANCE_SECONDS, left))
    await asyncio.sleep(0)


def _untouched(line: bytes, end: str) -> bytes:
    words = {
        "expired": "This request could not be executed before the completion window expired.",
        "cancelled": "This request was cancelled.",
    }
    error = {"code": f"batch_{end}", "message": words[end]}
    content = {"id": "batch_req_0", "custom_id": json.loads(line)["custom_id"], "response": None, "error": error}
    return json.dumps(content).encode() + b"\n"


def _unknown(what: str, name: str) -> Response:
    error = {
        "message": f"No such {what} object: {name}",
        "type": "invalid_request_error",
        "param": "id",
        "code": None,
    }
    return Response(404, json.dumps({"error": error}).encode())


def _uploaded(request: Request) -> bytes:
    """Take the file out of a form."""
    match = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    assert match is not None
    for head, content in _parts(request.body, match[1].encode()):
        if b'name="file"' in head:
            return content
    raise ValueError("no file in the form")


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, bytes]]:
    for part in body.split(b"--" + boundary):
        head, separator, content = part.partition(b"\r\n\r\n")
        if separator:
            yield head, content.removesuffix(b"\r\n")
