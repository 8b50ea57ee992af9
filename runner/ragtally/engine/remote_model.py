"""A language model whose weights the workers of an executor hold: each call is a job."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ragtally import pipelines
from ragtally.api import CallError, ChatModel, Choice, Executor, Job, Message, Needs, RagtallyError, RoomyChatModel
from ragtally.api.choice import plain, read_plain
from ragtally.registry import load_registry


class RemoteModel:
    """Asks the model that a choice picks on a worker (see `ragtally.api.ChatModel`)."""

    def __init__(self, choice: Choice, executor: Executor, needs: Needs) -> None:
        self._choice, self._executor, self._needs = choice, executor, needs
        self._room = 0

    async def run_async(self, messages: list[Any], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once; a call that is cancelled is left to its worker."""
        order = {
            "model": plain(self._choice),
            "messages": [[message.role.value, message.text or ""] for message in messages],
            "parameters": generation_kwargs or {},
            "room": self._room,
            "folder": str(Path.cwd()),
        }
        answer = json.loads(await self._reply(Job(f"a call of {self._choice.name}", json.dumps(order), self._needs)))
        if "error" in answer:
            raise CallError(**answer["error"])
        return {"replies": [pipelines.assistant_message(answer["text"], answer["meta"])]}

    def make_room(self, tokens: int) -> None:
        """Say how many tokens the longest prompt and its answer have."""
        self._room = tokens

    async def close(self) -> None:
        """Leave the weights where they are: the executor ends its workers."""

    async def _reply(self, job: Job) -> str:
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[str] = loop.create_future()

        def settle(text: str, error: BaseException | None) -> None:
            if reply.done():
                return
            if error is None:
                reply.set_result(text)
            else:
                reply.set_exception(error)

        def work() -> None:
            text, error = "", None
            try:
                ((_, text),) = self._executor.run(ask_model, [job])
            except BaseException as failure:
                error = failure
            # Whoever was stopped does not wait for the rest.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, text, error)

        # Not one of the loop's own threads, which Ctrl-C would wait for.
        threading.Thread(target=work, name="ragtally-call", daemon=True).start()
        return await reply


def ask_model(text: str) -> str:
    """Ask once on a worker; what fails is told in the answer."""
    try:
        order = json.loads(text)
        os.chdir(order["folder"])
        answer = _ask(order)
    except CallError as error:
        answer = {"error": _as_data(error)}
    except RagtallyError as error:
        # Every other call would meet it too.
        answer = {"error": {"message": error.message, "reason": "bad request", "hint": error.hint}}
    except Exception as error:
        answer = {"error": {"message": f"{type(error).__name__}: {error}", "reason": "unexpected"}}
    return json.dumps(answer)


def _ask(order: Mapping[str, Any]) -> dict[str, Any]:
    model = _model(json.dumps(order["model"]))
    if order["room"] and isinstance(model, RoomyChatModel):
        model.make_room(order["room"])
    messages = pipelines.chat_messages(tuple(Message(role, content) for role, content in order["messages"]))
    replies = asyncio.run(model.run_async(messages, order["parameters"])).get("replies") or []
    if not replies:
        raise CallError("the model answered without a reply", reason="bad reply")
    return {"text": replies[0].text or "", "meta": replies[0].meta}


@functools.lru_cache(1)
def _model(choice: str) -> ChatModel:
    # It outlives a call: its weights are loaded once per worker.
    model: ChatModel = load_registry().build(read_plain(json.loads(choice)))
    return model


def _as_data(error: CallError) -> dict[str, Any]:
    return {
        "message": error.message,
        "reason": error.reason,
        "status": error.status,
        "retry_after": error.retry_after,
        "tokens": error.tokens,
        "hint": error.hint,
    }
