"""How a call of a model goes, from its request to its answer or its fault."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model_server import wire
from model_server.answers import OLLAMA_CONTEXT, answer
from model_server.asks import Ask, BadRequest, read_ask, read_embedding
from model_server.connection import Request, Response
from model_server.counts import Counts
from model_server.embeddings import embeddings
from model_server.failures import Vendor, failure
from model_server.faults import STATUSES, VECTORS, FaultPicker
from model_server.replies import reply
from model_server.schemas import schema_refusal

if TYPE_CHECKING:
    from model_server.server import ModelServer

_LATEST = 100
_ONE_ONLY = ("temperature", "top_p")
"""Parameters of which a model that refuses them takes the value 1."""


class Chat:
    """Answers calls, and remembers what it did.

    Attributes:
        counts: What came and what was answered.
        latest: The latest calls.
    """

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self.latest: deque[dict[str, Any]] = deque(maxlen=_LATEST)
        self._prompts: set[str] = set()  # The prompts in the cache
        self.forget()
        self.settings_changed()

    def forget(self) -> None:
        """Begin all counts, attempts and the script anew."""
        self.counts = Counts()
        self._picker = FaultPicker(self._server.settings)
        self.latest.clear()

    def settings_changed(self) -> None:
        """Take over the server's settings."""
        self._picker.change(self._server.settings)

    def pick_fault(self, key: str) -> str | None:
        """Decide the fault of a call."""
        return self._picker.pick(key, self.counts.successful)

    async def answer(self, request: Request, vendor: Vendor = "openai", embed: bool = False) -> None:
        """Answer a call."""
        counts = self.counts
        counts.arrived()
        status = "none"
        try:
            status = await self._go_through(request, vendor, embed=embed)
        except (ConnectionError, asyncio.CancelledError):
            counts.abandoned += 1
        finally:
            counts.by_status[status] += 1
            counts.in_flight -= 1

    async def _go_through(self, request: Request, vendor: Vendor, *, embed: bool) -> str:
        """Answer a call; returns the status that was sent."""
        counts, settings, connection = self.counts, self._server.settings, request.connection
        try:
            ask = (read_embedding if embed else read_ask)(request.body, vendor)
        except BadRequest:
            return await _refuse(request, failure("400", vendor))
        counts.by_model[ask.model] += 1
        counts.requests_by_key[ask.key] += 1
        self.latest.append({"path": request.path, "headers": dict(request.headers), "body": ask.parameters})
        objection = self._objection(request, ask)
        if objection is not None:
            return await _refuse(request, objection)
        fault = self.pick_fault(ask.key)
        if fault in VECTORS and ask.inputs is None:
            fault = None  # nothing that can be wrong with a text
        if fault is not None:
            counts.by_fault[fault] += 1
            if fault in STATUSES:
                words = {"model": ask.model, "tokens": ask.prompt_tokens}
                return await _refuse(request, failure(fault, vendor, settings.retry_after, **words))
            if fault == "reset":
                connection.reset()
                return "none"
            if fault == "disconnect":
                connection.close()
                return "none"
            if fault == "hang":
                await wire.hang(connection, settings.hold_seconds)
                return "none"
        loop = asyncio.get_running_loop()
        await asyncio.sleep(request.arrived + settings.latency - loop.time())
        await self._deliver(request, ask, fault, loop.time() - request.arrived)
        return "200"

    async def _deliver(self, request: Request, ask: Ask, fault: str | None, seconds: float) -> None:
        settings, counts, connection = self._server.settings, self.counts, request.connection
        model = self._server.model_named(ask.model)
        assert model is not None
        usage = "wrong" if fault == "wrong_usage" else settings.usage
        if ask.inputs is not None:
            body, has_answer = embeddings(ask, model, fault, usage, shuffled=settings.shuffled), True
        else:
            result = answer(ask, model, settings)
            if settings.cache:
                prompt = json.dumps(ask.parameters.get("messages"))
                result = replace(result, cached_tokens=result.prompt_tokens if prompt in self._prompts else 0)
                self._prompts.add(prompt)
            body, has_answer = reply(ask, result, usage, seconds), bool(result.text)
        if fault == "half_body":
            return await wire.send_half(connection, body)
        if fault == "invalid_json":
            return await connection.send(Response(200, body[: len(body) * 2 // 3]))
        if fault == "empty_choices":
            return await connection.send(Response(200, _without_choices(body)))
        if fault == "drip":
            await wire.drip(connection, body, settings.hold_seconds)
        else:
            await connection.send(Response(200, body))
        counts.complete += 1
        if has_answer and fault not in VECTORS:
            counts.succeeded(ask.key, len(ask.inputs or ()))
        return None

    def _objection(self, request: Request, ask: Ask) -> Response | None:
        """Refuse what a real server refuses: a wrong key, an unknown model, a parameter, a long prompt, haste."""
        settings, vendor = self._server.settings, ask.vendor
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if settings.api_key is not None and key != settings.api_key:
            return failure("401", vendor, key=f"{key[:3]}****{key[-4:]}")
        model = self._server.model_named(ask.model, pulled=vendor == "ollama_api")
        if model is None:
            return failure("404", vendor, model=ask.model)
        for name in model.refuses:
            value = ask.parameters.get(name)
            if value is not None and (name not in _ONE_ONLY or value != 1):
                kind = "unsupported_value" if name in _ONE_ONLY else "unsupported_parameter"
                return failure(kind, vendor, param=name, value=value, model=ask.model)
        refusal = schema_refusal(ask, settings.schemas)
        if refusal is not None:
            return refusal
        if vendor == "ollama_api" and ask.inputs is None and ask.parameters.get("truncate") is False:
            # llama.cpp gives a little more than it is asked for, and of what the model was trained with no more.
            context = min(-(-(ask.context or OLLAMA_CONTEXT) // 256) * 256, model.context_length)
            if ask.prompt_tokens > context:
                return failure("exceeds", vendor, limit=context, tokens=ask.prompt_tokens)
        if vendor == "ollama_api" and ask.effort and ask.inputs is None and not model.reasoning_tokens:
            return failure("thinks_not", vendor, model=ask.model)
        tokens = ask.longest + (ask.most_tokens or 0)
        cuts = vendor == "ollama_api" and (ask.inputs is None or ask.parameters.get("truncate", True))
        if not cuts and tokens > model.context_length:
            return failure("too_long", vendor, limit=model.context_length, tokens=tokens, model=ask.model)
        if settings.max_in_flight is not None and self.counts.in_flight > settings.max_in_flight:
            self.counts.by_fault["too_fast"] += 1
            return failure("429_seconds", vendor, settings.retry_after, model=ask.model)
        return None


async def _refuse(request: Request, response: Response) -> str:
    await request.connection.send(response)
    return str(response.status)


def _without_choices(body: bytes) -> bytes:
    content = json.loads(body)
    for name in ("choices", "data", "embeddings"):
        if name in content:
            content[name] = []
            break
    else:
        content.pop("message", None)
        content.pop("response", None)
    return json.dumps(content).encode()
