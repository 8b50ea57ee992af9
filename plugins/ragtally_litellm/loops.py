"""Where work that needs an event loop runs, for callers that have none."""

from __future__ import annotations

import asyncio
import atexit
import functools
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ragtally_litellm.quiet import close_litellm

T = TypeVar("T")
# Seconds that LiteLLM's connections may take to close when the process ends.
_LONGEST_CLOSE = 5.0


def run_here(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work in an event loop of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def run_with_litellm(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work of LiteLLM's, in the one event loop of this process that its connections belong to."""
    # LiteLLM keeps its connections for good, and some of them cannot be opened again once they are closed.
    waiting = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return waiting.result()
    except BaseException:
        waiting.cancel()
        raise


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
