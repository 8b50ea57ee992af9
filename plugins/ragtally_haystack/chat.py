"""A Haystack chat generator as a language model."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ragtally import CallError, RagtallyError
from ragtally_haystack.calls import Instances, call_error
from ragtally_haystack.construct import make
from ragtally_haystack.definition import Definition, definition_of
from ragtally_haystack.library import ChatMessage, component, default_from_dict, default_to_dict
from ragtally_haystack.roles import GENERATOR

_MOST_THREADS = 128


@component
class GuardedChatGenerator:
    """Asks a Haystack chat generator; failures are raised as `ragtally.CallError`, nothing is tried again."""

    def __init__(
        self,
        type: str,
        init_parameters: Mapping[str, Any],
        timeout: float = 120.0,
        concurrency: int | str = "auto",
    ) -> None:
        self._definition: Definition = definition_of({"type": type, "init_parameters": init_parameters})
        self.timeout, self.concurrency = timeout, concurrency
        self._inner = self._make()
        self._instances = Instances(self._inner, self._make_warm)
        self._threads: ThreadPoolExecutor | None = None
        self._warming = asyncio.Lock()
        self._warm = self._inputs = False

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask once."""
        inputs = self._inputs_of(messages, generation_kwargs)
        try:
            async with asyncio.timeout(self.timeout):
                await self._warm_up()
                output = await self._ask(inputs)
        except Exception as error:
            raise self._failure(error) from error
        return self._validate(output)

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], generation_kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask once and wait; see `run_async`."""
        inputs = self._inputs_of(messages, generation_kwargs)
        try:
            self._inputs = True
            if hasattr(self._inner, "warm_up"):
                self._inner.warm_up()
            return self._validate(self._inner.run(**inputs))
        except Exception as error:
            raise self._failure(error) from error

    async def close(self) -> None:
        """Close the generator's connections, where it has any, and end its threads."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
        if not self._inputs:
            return
        self._inputs = self._warm = False
        if hasattr(self._inner, "close_async"):
            await self._inner.close_async()
        for generator in self._instances.dismiss():
            if hasattr(generator, "close"):
                generator.close()

    def plain(self) -> Any:
        """Give the generator itself (see `ragtally.api.PlainChatModel`)."""
        type_, parameters = self._definition
        definition = definition_of({"type": type_, "init_parameters": parameters})
        return make(GENERATOR, definition, timeout=self.timeout)

    def to_dict(self) -> dict[str, Any]:
        """Describe the component for a serialised pipeline; it holds no key."""
        type_, parameters = self._definition
        return dict(
            default_to_dict(
                self,
                type=type_,
                init_parameters=dict(parameters),
                timeout=self.timeout,
                concurrency=self.concurrency,
            )
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> GuardedChatGenerator:
        """Make the component from what `to_dict` wrote."""
        generator: GuardedChatGenerator = default_from_dict(cls, data)
        return generator

    def _inputs_of(self, messages: list[ChatMessage], own: Mapping[str, Any] | None) -> dict[str, Any]:
        parameters = dict(own or {})
        if "response_format" in parameters:
            # As a part of the body: with a parameter of this name OpenAI's client checks answers itself, and raises
            # where one is cut off, instead of the answer that was paid for.
            shared = (self._definition.parameters.get("generation_kwargs") or {}).get("extra_body") or {}
            form = {"response_format": parameters.pop("response_format")}
            parameters["extra_body"] = {**shared, **form}
        return {"messages": list(messages), **({"generation_kwargs": parameters} if parameters else {})}

    async def _ask(self, inputs: dict[str, Any]) -> Any:
        if hasattr(self._inner, "run_async"):
            return await self._inner.run_async(**inputs)
        if self._threads is None:
            # They are started as they are needed; the engine bounds the calls in flight.
            most = _MOST_THREADS if self.concurrency == "auto" else self.concurrency
            self._threads = ThreadPoolExecutor(max_workers=int(most))
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask_in_thread, inputs)

    def _ask_in_thread(self, inputs: dict[str, Any]) -> Any:
        with self._instances.borrow() as generator:
            return generator.run(**inputs)

    async def _warm_up(self) -> None:
        async with self._warming:
            if self._warm:
                return
            self._inputs = True
            if hasattr(self._inner, "warm_up_async") and hasattr(self._inner, "run_async"):
                await self._inner.warm_up_async()
            elif hasattr(self._inner, "warm_up"):
                await asyncio.to_thread(self._inner.warm_up)
            self._warm = True

    def _make(self) -> Any:
        return make(GENERATOR, self._definition, timeout=self.timeout)

    def _make_warm(self) -> Any:
        generator = self._make()
        if hasattr(generator, "warm_up"):
            generator.warm_up()
        return generator

    def _validate(self, output: Any) -> dict[str, Any]:
        replies = output.get("replies") if isinstance(output, dict) else None
        if not replies or not isinstance(replies[0], ChatMessage):
            raise CallError(f"{self._definition.type}: the answer holds no reply", reason="bad reply")
        return {"replies": list(replies)}

    def _failure(self, error: Exception) -> RagtallyError:
        if isinstance(error, RagtallyError):
            return error
        if isinstance(error, TimeoutError) and not str(error):
            message = f"{self._definition.type}: no answer after {self.timeout:g} s"
            return CallError(message, reason="timeout")
        return call_error(self._definition.type, error)
