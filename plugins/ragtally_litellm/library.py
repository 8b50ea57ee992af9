"""LiteLLM itself: imported quietly, run in an event loop of its own, and asked which parameters a model takes."""

from __future__ import annotations

import asyncio
import atexit
import functools
import importlib
import itertools
import json
import logging
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from ragtally import ParameterFault
from ragtally.support.environment import environment, first_value
from ragtally.support.telemetry import telemetry_off
from ragtally_litellm.routes import Route, base_urls

T = TypeVar("T")
_LONGEST_CLOSE = 5.0  # seconds, when the process ends


def load_litellm() -> Any:
    """Import LiteLLM, which takes about two seconds, and keep it quiet."""
    with telemetry_off():
        litellm: Any = importlib.import_module("litellm")
        importlib.import_module("litellm.utils")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        # Its records repeat what providers say, keys and all.
        logging.getLogger(name).disabled = True
    quiet_clients()
    return litellm


def quiet_clients() -> None:
    """Keep the HTTP clients below LiteLLM and Ollama from logging headers, which they do at the level DEBUG."""
    for name in ("openai", "httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))


@functools.cache
def supported_parameters(route: Route) -> frozenset[str]:
    """Ask LiteLLM which parameters a model takes."""
    return frozenset(load_litellm().get_supported_openai_params(route.model, route.provider) or ())


def missing_variables(route: Route) -> list[str]:
    """Ask LiteLLM which variables of the environment a model's provider needs and lacks."""
    report = load_litellm().validate_environment(model=route.full_name)
    values = environment()
    return [name for name in report["missing_keys"] if not values.get(name)]


def parameter_refusals(route: Route, sampling: Mapping[str, Any], *, native: bool) -> list[ParameterFault]:
    """Ask LiteLLM which parameters a model refuses; `native` where LiteLLM will not translate the answers back."""
    # As JSON, so that one process asks once: whoever plans asks for every cell.
    return list(_verdict(route, json.dumps(sampling, sort_keys=True), native)) if sampling else []


@functools.cache
def dimension_refusals(route: Route, dimensions: int) -> list[ParameterFault]:
    """Ask LiteLLM whether one may choose how long a model's vectors are."""
    litellm = load_litellm()
    try:
        litellm.utils.get_optional_params_embeddings(
            model=route.model, custom_llm_provider=route.provider, dimensions=dimensions, drop_params=False
        )
    except (litellm.UnsupportedParamsError, litellm.BadRequestError):
        return [ParameterFault("dimensions", f"{route.full_name} takes no dimensions", "leave it out")]
    return []


@functools.cache
def _verdict(route: Route, content: str, native: bool) -> tuple[ParameterFault, ...]:
    sampling = json.loads(content)
    names = [name for name in sampling if name not in supported_parameters(route)]
    if names:
        return tuple(_fault(route, name, f"takes no {_spec_name(name)}") for name in names)
    litellm = load_litellm()
    try:
        translation = litellm.utils.get_optional_params(
            model=route.model, custom_llm_provider=route.provider, drop_params=False, **sampling
        )
    except (litellm.UnsupportedParamsError, litellm.BadRequestError) as error:
        message = " ".join(str(error).split()).removeprefix("litellm.UnsupportedParamsError: ")
        name = next((name for name in sampling if name in message), None)
        return (_fault(route, name, f"refuses: {message.partition('To drop')[0].strip()[:200]}"),)
    if native and "tools" in translation:
        # Groq's other models: LiteLLM asks them to call a tool, and reads the answer out of the call.
        message = f"{route.full_name} has no structured output by a schema"
        return (ParameterFault("structured", message, "structured: true, or another model"),)
    return ()


def _fault(route: Route, name: str | None, message: str) -> ParameterFault:
    hint = f"leave it out, or pass it on unchecked: extra: {{{name}: ...}}" if name else None
    return ParameterFault(_spec_name(name) if name else None, f"{route.full_name} {message}", hint)


def _spec_name(name: str) -> str:
    return "structured" if name == "response_format" else name


class RequestSettings:
    """What each request through LiteLLM says beside its content: where, with which key, and never twice."""

    def __init__(self, route: Route, api_base: str | list[str] | None, timeout: float) -> None:
        bases = [api_base] if isinstance(api_base, str) else api_base
        if route.is_ollama:
            # LiteLLM does not look at OLLAMA_HOST.
            bases = list(base_urls(route, api_base))
        self._bases = itertools.cycle(bases or [None])
        self._timeout = timeout
        # LiteLLM reads the process' environment itself, but not `.env`.
        self.key = first_value(route.key_variables, environment())

    def next(self) -> dict[str, Any]:
        """Write the settings of the next request; several hosts are asked in turn."""
        settings: dict[str, Any] = {"timeout": self._timeout, "max_retries": 0, "num_retries": 0}
        if base := next(self._bases):
            settings["api_base"] = base
        if self.key:
            settings["api_key"] = self.key
        return settings


def run_with_litellm(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work of LiteLLM's, in the one event loop of this process that its connections belong to."""
    # LiteLLM keeps its connections for the whole process, and some of them cannot be opened again once closed.
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def close_litellm() -> None:
    """Close the connections that LiteLLM opened in this event loop, and end its postponed logging."""
    await _logging_worker().clear_queue()
    litellm = load_litellm()
    await litellm.close_litellm_async_clients()
    # LiteLLM would go on with the clients that it has just closed; without them it makes new ones.
    cache = litellm.in_memory_llm_clients_cache.cache_dict
    for key in [key for key, handler in cache.items() if _is_closed(handler)]:
        del cache[key]
    if _is_closed(vars(litellm).get("module_level_aclient")):
        del litellm.module_level_aclient


async def end_logging() -> None:
    """End LiteLLM's postponed logging, and its worker, which another event loop may need."""
    # A worker that is still bound to an event loop that has ended, has ended with it.
    with suppress(RuntimeError):
        await _logging_worker().clear_queue()
        await _logging_worker().stop()


def _is_closed(handler: Any) -> bool:
    return bool(getattr(getattr(handler, "client", None), "is_closed", False))


def _logging_worker() -> Any:
    return importlib.import_module("litellm.litellm_core_utils.logging_worker").GLOBAL_LOGGING_WORKER


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="litellm", daemon=True).start()
    atexit.register(_end, loop)
    return loop


def _end(loop: asyncio.AbstractEventLoop) -> None:
    try:
        asyncio.run_coroutine_threadsafe(close_litellm(), loop).result(_LONGEST_CLOSE)
    except Exception:
        # The process ends: whatever is still open ends with it.
        return
    finally:
        loop.call_soon_threadsafe(loop.stop)
