"""Fine-tuning jobs as OpenAI has them: a file of chats makes a model that answers better, after a while."""

from __future__ import annotations

import itertools
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_server import wire
from model_server.asks import count_tokens
from model_server.connection import Request, Response, json_response
from model_server.failures import failure

if TYPE_CHECKING:
    from model_server.server import ModelServer

PATHS = re.compile(r"^/v1/fine_tuning/jobs(?:/([^/]+))?(?:/(events|cancel))?$")
CREATIONS = ("accept_and_hang", "accept_and_500", "accept_and_reset")
"""What may happen to a job that is accepted all the same: its caller does not hear of it."""
_FEWEST_EXAMPLES = 10
_STEPS = 6


@dataclass
class TuningJob:
    """A job that was accepted.

    Attributes:
        id: Its id.
        request: What it was asked for with.
        end: How it will end.
        created: When it came, in seconds of the epoch.
        tokens: Of its file, all epochs together.
        seconds: How long it takes.
        error: What is wrong with its file.
        cancelled: Whether it was cancelled.
    """

    id: str
    request: Mapping[str, Any]
    end: str
    created: float
    tokens: int
    seconds: float
    error: dict[str, Any] | None = None
    cancelled: bool = False

    @property
    def share(self) -> float:
        """How much of it is done."""
        return 1.0 if not self.seconds else min(1.0, (time.time() - self.created) / self.seconds)

    @property
    def status(self) -> str:
        if self.cancelled:
            return "cancelled"
        if self.error is not None:
            return "failed"
        if self.share < 1:
            return "running" if self.share > 0.1 else "validating_files"
        return self.end

    @property
    def model(self) -> str:
        """The new model's name, which nobody can tell beforehand."""
        return f"ft:{self.request['model']}:made-up:{self.request.get('suffix') or ''}:{self.id[-6:]}"

    def as_json(self) -> dict[str, Any]:
        done, failed = self.status == "succeeded", self.status == "failed"
        wrong = {"code": "server_error", "message": "The job failed due to an internal error.", "param": None}
        return {
            "id": self.id,
            "object": "fine_tuning.job",
            "created_at": int(self.created),
            "error": (self.error or wrong) if failed else {},
            "fine_tuned_model": self.model if done else None,
            "finished_at": int(self.created + self.seconds) if done else None,
            "estimated_finish": None if done or failed else int(self.created + self.seconds),
            "model": self.request["model"],
            "status": self.status,
            "trained_tokens": self.tokens if done else None,
            "training_file": self.request["training_file"],
            "result_files": [],
            "metadata": self.request.get("metadata"),
        }

    def events(self) -> list[dict[str, Any]]:
        """What it tells of itself, the latest first."""
        steps = 0 if self.error else int(_STEPS * self.share)
        rows = [
            {
                "object": "fine_tuning.job.event",
                "id": f"ftevent-{self.id[-6:]}-{step}",
                "created_at": int(self.created),
                "level": "info",
                "type": "metrics",
                "message": f"Step {step}/{_STEPS}: training loss={math.exp(-step):.2f}",
                "data": {"step": step, "train_loss": round(math.exp(-step), 4), "total_steps": _STEPS},
            }
            for step in range(steps, 0, -1)
        ]
        first = {"object": "fine_tuning.job.event", "id": f"ftevent-{self.id[-6:]}-0", "type": "message",
                 "message": f"Created fine-tuning job: {self.id}", "data": {}}  # fmt: skip
        return [*rows, first]


class TuningDesk:
    """Takes fine-tuning jobs, and knows the models that they made."""

    def __init__(self, server: ModelServer, files: Mapping[str, bytes]) -> None:
        self._server, self._files = server, files
        self._jobs: dict[str, TuningJob] = {}
        self._numbers = itertools.count(1)
        self._creations = 0

    @property
    def models(self) -> set[str]:
        """The models that were made here."""
        return {job.model for job in self._jobs.values() if job.status == "succeeded"}

    @property
    def requests(self) -> list[Mapping[str, Any]]:
        """What was asked for, with the file's content."""
        return [
            {**job.request, "content": self._files[job.request["training_file"]].decode(), "id": job.id}
            for job in self._jobs.values()
        ]

    async def handle(self, request: Request) -> None:
        """Answer one request."""
        match, settings, connection = PATHS.match(request.path), self._server.settings, request.connection
        assert match is not None
        name, action = match.groups()
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if settings.api_key is not None and key != settings.api_key:
            return await connection.send(failure("401", "openai", key=f"{key[:3]}****"))
        if not settings.fine_tuning:
            return await connection.send(Response(404, b'{"detail":"Not Found"}'))
        if name is None:
            if request.method == "POST":
                return await self._create(request)
            listed = [job for job in self._jobs.values() if job.created <= time.time() - settings.batch_listed_after]
            rows = [job.as_json() for job in reversed(listed)]
            return await connection.send(json_response(_page(rows, request.query, settings.batch_page)))
        job = self._jobs.get(name)
        if job is None:
            message = f"Could not find fine tune: {name}"
            return await connection.send(_refusal(404, message, "fine_tune_not_found"))
        if action == "events":
            return await connection.send(json_response(_page(job.events(), request.query, settings.batch_page)))
        if action == "cancel" and job.status in ("validating_files", "running"):
            job.cancelled = True
        return await connection.send(json_response(job.as_json()))

    async def _create(self, request: Request) -> None:
        settings, connection = self._server.settings, request.connection
        order = json.loads(request.body)
        script, turn = settings.tuning_creations, self._creations
        fault = script[turn] if turn < len(script) else None
        self._creations += 1
        if fault is not None and fault not in CREATIONS:
            return await connection.send(failure(fault, "openai", settings.retry_after))
        content = self._files.get(str(order.get("training_file")))
        if content is None:
            return await connection.send(_refusal(400, "invalid training_file: no such file", "invalid_file"))
        if order["model"] in settings.not_tunable:
            message = f"Model {order['model']} is not available for fine-tuning or does not exist."
            return await connection.send(_refusal(400, message, "model_not_available"))
        method = (order.get("method") or {}).get("supervised") or order
        epochs = (method.get("hyperparameters") or {}).get("n_epochs", 3)
        ends = settings.tuning_ends
        end = (ends[len(self._jobs)] if len(self._jobs) < len(ends) else None) or "succeeded"
        job = TuningJob(
            f"ftjob-{next(self._numbers):06d}", order, end, time.time(), epochs * count_tokens(content.decode()),
            settings.tuning_seconds, _wrong(content),
        )  # fmt: skip
        self._jobs[job.id] = job
        if fault == "accept_and_hang":
            return await wire.hang(connection, settings.hold_seconds)
        if fault == "accept_and_reset":
            return connection.reset()
        if fault == "accept_and_500":
            return await connection.send(failure("500", "openai"))
        return await connection.send(json_response(job.as_json()))


def _wrong(content: bytes) -> dict[str, Any] | None:
    """What is wrong with a file of examples, as the provider says it."""
    rows = content.splitlines()
    if len(rows) < _FEWEST_EXAMPLES:
        message = f"Training file has {len(rows)} example(s), but must have at least {_FEWEST_EXAMPLES} examples"
        return {"code": "invalid_n_examples", "message": message, "param": "training_file"}
    for number, row in enumerate(rows, 1):
        line = json.loads(row)
        if set(line) != {"messages"} or line["messages"][-1]["role"] != "assistant":
            message = f"Invalid file format. Line {number} is no chat that ends with an answer."
            return {"code": "invalid_training_file", "message": message, "param": "training_file"}
    return None


def _page(rows: list[dict[str, Any]], query: Mapping[str, str], most: int) -> dict[str, Any]:
    if "after" in query:
        ids = [row["id"] for row in rows]
        rows = rows[ids.index(query["after"]) + 1 :]
    limit = min(int(query.get("limit", 20)), most)
    return {"object": "list", "data": rows[:limit], "has_more": len(rows) > limit}


def _refusal(status: int, message: str, code: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Response(status, json.dumps({"error": error}).encode())
