"""Haystack and LiteLLM, imported without telemetry, price fetch, debug printing or a look into `.env`.

Both read their switches once, when they are imported; the switches are set for the import alone, so that the process'
environment stays as it was.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

SWITCHES: Mapping[str, str] = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    # LiteLLM would fetch its price table from the network.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # In its other mode LiteLLM loads `.env` into the process' environment.
    "LITELLM_MODE": "PRODUCTION",
}


@contextmanager
def switched_off() -> Iterator[None]:
    """Import libraries inside this; the environment is put back afterwards."""
    before = {name: os.environ.get(name) for name in SWITCHES}
    os.environ.update(SWITCHES)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def load_litellm() -> Any:
    """Import LiteLLM, which takes about two seconds, and keep it quiet."""
    with switched_off():
        litellm: Any = importlib.import_module("litellm")
        importlib.import_module("litellm.utils")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        # Its records repeat what providers say, keys and all.
        logging.getLogger(name).disabled = True
    hush_clients()
    return litellm


async def close_litellm() -> None:
    """Close the connections that LiteLLM opened in this event loop, and end the work that it put off for logging."""
    await _logging_worker().clear_queue()
    litellm = load_litellm()
    await litellm.close_litellm_async_clients()
    # LiteLLM would go on with the clients that it has just closed; without them it makes new ones.
    kept = litellm.in_memory_llm_clients_cache.cache_dict
    for key in [key for key, each in kept.items() if _is_closed(each)]:
        del kept[key]
    if _is_closed(vars(litellm).get("module_level_aclient")):
        del litellm.module_level_aclient


def _is_closed(handler: Any) -> bool:
    return bool(getattr(getattr(handler, "client", None), "is_closed", False))


async def end_logging() -> None:
    """End the work that LiteLLM put off for logging, and its worker, which may be wanted in another event loop."""
    # A worker that is still bound to another event loop, one that has ended, has ended with it.
    with suppress(RuntimeError):
        await _logging_worker().clear_queue()
        await _logging_worker().stop()


def _logging_worker() -> Any:
    return importlib.import_module("litellm.litellm_core_utils.logging_worker").GLOBAL_LOGGING_WORKER


def hush_clients() -> None:
    """Keep the HTTP clients below LiteLLM and Ollama from logging headers, which they do at the level DEBUG."""
    for name in ("openai", "httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
