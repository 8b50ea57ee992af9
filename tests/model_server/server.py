"""The server: which endpoint a request is for, and the control endpoints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial

from model_server import library
from model_server.batches import PATHS, BatchDesk
from model_server.chat import Chat
from model_server.connection import Connection, Handler, Request, Response, json_response
from model_server.counts import Counts
from model_server.settings import Model, Settings
from model_server.tuning import PATHS as TUNING_PATHS
from model_server.tuning import TuningDesk


class ModelServer:
    """Everything the server knows; `handle` answers one request.

    Attributes:
        settings: How to answer, from now on.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._first = settings
        self._chat = Chat(self)
        self._desk = BatchDesk(self)
        self._tuning = TuningDesk(self, self._desk.files)
        self._halved: set[str] = set()
        ask = self._chat.answer
        self._routes: dict[tuple[str, str], Handler] = {
            ("POST", "/v1/chat/completions"): ask,
            ("POST", "/openai/v1/chat/completions"): partial(ask, vendor="groq"),
            ("POST", "/api/chat"): partial(ask, vendor="ollama_api"),
            ("POST", "/api/generate"): partial(ask, vendor="ollama_api"),
            ("POST", "/v1/embeddings"): partial(ask, embed=True),
            ("POST", "/api/embed"): partial(ask, vendor="ollama_api", embed=True),
            ("GET", "/v1/models"): self._models,
            ("GET", "/openai/v1/models"): self._models,
            ("GET", "/props"): self._properties,
            ("GET", "/api/tags"): partial(library.tags, self),
            ("GET", "/api/version"): partial(library.version, self),
            ("POST", "/api/show"): partial(library.show, self),
            ("POST", "/api/pull"): partial(library.pull, self),
            ("GET", "/control/counts"): self._tell_counts,
            ("GET", "/control/requests"): self._tell_requests,
            ("GET", "/control/tunings"): self._tell_tunings,
            ("POST", "/control/settings"): self._change,
            ("POST", "/control/reset"): self._reset,
            ("POST", "/control/restore"): self._restore,
        }

    async def handle(self, request: Request) -> None:
        """Answer one request."""
        handler = self._routes.get((request.method, request.path))
        if handler is None and PATHS.match(request.path):
            await self._desk.handle(request)
        elif handler is None and TUNING_PATHS.match(request.path):
            await self._tuning.handle(request)
        elif handler is None:
            await request.connection.send(Response(404, b"404 page not found", content_type="text/plain"))
        else:
            await handler(request)

    @property
    def counts(self) -> Counts:
        """What came and what was answered."""
        return self._chat.counts

    def pick_fault(self, key: str) -> str | None:
        """Decide the fault of a call, however it came."""
        return self._chat.pick_fault(key)

    def model_named(self, name: str, *, pulled: bool = False) -> Model | None:
        """Find a model, one that was fine-tuned here included."""
        if name.startswith("ft:"):
            return Model() if name in self._tuning.models else None
        return self.settings.model_named(name, pulled=pulled)

    def halved(self, file: str) -> bool:
        """Say once for each file that its download is to break off."""
        first = file not in self._halved
        self._halved.add(file)
        return first

    async def _models(self, request: Request) -> None:
        settings = self.settings
        names = settings.listed if settings.listed is not None else () if settings.any_model else settings.models
        models = [
            {"id": name, "object": "model", "created": 1_746_000_000, "owned_by": settings.owner} for name in names
        ]
        await request.connection.send(json_response({"object": "list", "data": models}))

    async def _properties(self, request: Request) -> None:
        slots = self.settings.slots
        content = json_response({"total_slots": slots}) if slots else Response(404, b"404 page not found")
        await request.connection.send(content)

    async def _tell_counts(self, request: Request) -> None:
        counts = self._chat.counts.as_json(keys=request.query.get("keys") != "false") | {
            "files": len(self._desk.files)
        }
        await request.connection.send(json_response(counts))

    async def _tell_requests(self, request: Request) -> None:
        await request.connection.send(json_response(list(self._chat.latest)))

    async def _tell_tunings(self, request: Request) -> None:
        await request.connection.send(json_response(list(self._tuning.requests)))

    async def _change(self, request: Request) -> None:
        try:
            self.settings = self.settings.changed(json.loads(request.body))
        except ValueError as error:
            return await request.connection.send(Response(400, json.dumps({"error": str(error)}).encode()))
        self._chat.settings_changed()
        return await request.connection.send(json_response({}))

    async def _reset(self, request: Request) -> None:
        self._chat.forget()
        await request.connection.send(json_response({}))

    async def _restore(self, request: Request) -> None:
        self.settings = self._first
        self._chat.settings_changed()
        await self._reset(request)


async def serve(settings: Settings, port: int, say: Callable[[int], None], until: Awaitable[object]) -> None:
    """Serve on the loopback interface; `say` is told the port once the server listens."""
    loop = asyncio.get_running_loop()
    model_server = ModelServer(settings)
    connections: set[Connection] = set()
    listening = await loop.create_server(
        lambda: Connection(model_server.handle, connections), "127.0.0.1", port, backlog=1024
    )
    say(listening.sockets[0].getsockname()[1])
    try:
        await until
    finally:
        listening.close()
        for connection in list(connections):
            connection.end()
