"""The chat generator behind `llama_cpp`: one prompt at a time, in a thread of its own."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ragtally import CallError, RagtallyError
from ragtally.support.telemetry import haystack_import
from ragtally_llama_cpp.inference import AbortedCall, Answer, LocalModel, Sampling
from ragtally_llama_cpp.model_file import name_of

with haystack_import():
    from haystack.dataclasses import ChatMessage


class LlamaCppChatGenerator:
    """Asks a model that this process holds; it is loaded with the first prompt."""

    def __init__(
        self,
        model: str,
        adapter: str | None,
        sampling: Sampling,
        *,
        num_ctx: int | None,
        threads: int | None,
        gpu_layers: int,
    ) -> None:
        self._model, self._adapter, self._sampling = model, adapter, sampling
        self._settings = (num_ctx, threads, gpu_layers)
        self._room = 0
        self._thread: ThreadPoolExecutor | None = None

    async def run_async(self, messages: list[Any], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once; a call that is cancelled ends within the block of tokens that is being read."""
        parameters = generation_kwargs or {}
        schema = parameters.get("response_format", {}).get("json_schema", {}).get("schema")
        plain = [{"role": message.role.value, "content": message.text or ""} for message in messages]
        abort = threading.Event()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llama_cpp")
        ask = functools.partial(self._ask, plain, parameters.get("seed"), schema, abort)
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._thread, ask)
        finally:
            abort.set()
        usage = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens}
        meta = {"model": name_of(self._model, self._adapter), "finish_reason": answer.finish_reason, "usage": usage}
        return {"replies": [ChatMessage.from_assistant(answer.text, meta=meta)]}

    def make_room(self, tokens: int) -> None:
        """Say how many tokens the longest prompt and its answer have."""
        self._room = tokens

    async def close(self) -> None:
        """Wait for the thread, which ends soon; the model stays in memory for who asks for it again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.shutdown, cancel_futures=True)

    def _ask(
        self,
        messages: list[dict[str, str]],
        seed: int | None,
        schema: Mapping[str, Any] | None,
        abort: threading.Event,
    ) -> Answer:
        try:
            if abort.is_set():
                raise AbortedCall
            model = _model_in_memory(self._model, self._adapter, *self._settings)
            model.make_room(self._room)
            return model.answer(messages, self._sampling, seed, schema, abort)
        except AbortedCall:
            raise CallError("the run was stopped", reason="cancelled") from None
        except CallError:
            raise
        except RagtallyError as error:
            # Every other call would meet it too.
            raise CallError(error.message, reason="bad request", hint=error.hint) from error


@functools.lru_cache(maxsize=1)
def _model_in_memory(
    model: str, adapter: str | None, num_ctx: int | None, threads: int | None, gpu_layers: int
) -> LocalModel:
    return LocalModel(model, adapter, num_ctx, threads, gpu_layers)
