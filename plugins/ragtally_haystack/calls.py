"""Calls of Haystack components: one instance for each thread, tries again, and failures in words."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep
from typing import Any, TypeVar

from ragtally import CallError, CallFailure, PluginError, RagtallyError
from ragtally.support.http_failures import failure_reason, retry_after
from ragtally.support.secrets import known_secrets, redact_line

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_SEED = re.compile(r"\bseed\b", re.IGNORECASE)
# What Haystack's `Secret` raises where none of its variables is set.
_NO_KEY = "authentication environment variables"
# What reading a body raises that is no JSON, too deep, or full of endless numbers, or not what was promised.
_UNREADABLE = ("JSONDecodeError", "RecursionError", "ContentTypeError", "APIResponseValidationError", "DecodingError")
_ENDLESS_NUMBER = "integer string conversion"
_MOST_CAUSES = 10
_LONGEST_WAIT = 60.0
_LOOKS = 6


class Instances:
    """Instances of one component; a thread borrows one, and a further one is made where all are lent."""

    # Components are not made to be shared by threads.

    def __init__(self, first: Any, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._free: list[Any] = [first]

    @contextmanager
    def borrow(self) -> Iterator[Any]:
        """Borrow an instance."""
        with self._lock:
            instance = self._free.pop() if self._free else self._make()
        try:
            yield instance
        finally:
            with self._lock:
                self._free.append(instance)

    def dismiss(self) -> list[Any]:
        """Take back all that are not lent, to close them."""
        with self._lock:
            free, self._free = self._free, []
        return free


def in_threads(
    work: Callable[[Any, Item], Outcome], items: Sequence[Item], instances: Instances, threads: int
) -> list[Outcome]:
    """Do work on items, several at once."""

    def one(item: Item) -> Outcome:
        with instances.borrow() as instance:
            return work(instance, item)

    if threads == 1 or len(items) < 2:
        return [one(item) for item in items]
    executor = ThreadPoolExecutor(max_workers=min(threads, len(items)))
    try:
        return [future.result() for future in [executor.submit(one, item) for item in items]]
    finally:
        executor.shutdown(cancel_futures=True)


def settle(look: Callable[[], int], count: int) -> int:
    """Look at a number until it has grown to what it should be: servers count some time after they wrote."""
    seen_count = look()
    for attempt in range(_LOOKS - 1):
        if seen_count >= count:
            break
        sleep(2.0**attempt)
        seen_count = look()
    return seen_count


def with_tries(call: Callable[[], Outcome], failure: Callable[[Exception], RagtallyError], retries: int) -> Outcome:
    """Call, and call again where the failure passes: after as long as the provider asks for, else 1, 2, 4 s ..."""
    for attempt in range(retries + 1):
        try:
            return call()
        except Exception as error:
            meaning = failure(error)
            if attempt == retries or not (isinstance(meaning, CallError) and meaning.retryable):
                raise meaning from error
            wait = meaning.retry_after
            sleep(min(2.0**attempt if wait is None else wait, _LONGEST_WAIT))
    raise AssertionError("the last try returned or raised")


def call_error(who: str, error: BaseException) -> CallError:
    """Turn the exception of a failed call into a `CallError`."""
    if isinstance(error, CallError):
        return error
    culprit = next((each for each in _chain(error) if _status(each) is not None), error)
    status, text = _status(culprit), str(culprit)
    reason = _of_chain(error) if status is None else failure_reason(status, text)
    wait = retry_after(_headers(culprit), text) if reason in ("rate limit", "server", "daily quota") else None
    return CallError(
        f"{who}: {display(culprit)}", reason=reason, status=status, retry_after=wait, hint=_hint(reason, text)
    )


def component_error(who: str, error: BaseException, what: str = "") -> RagtallyError:
    """Turn an exception of a component's `run` into an error about the call or about the component itself."""
    if isinstance(error, RagtallyError):
        return error
    error_of_call = call_error(who, error)
    return (
        PluginError(f"{who} fails{what}: {display(error)}") if error_of_call.reason == "unexpected" else error_of_call
    )


def _of_chain(error: BaseException) -> CallFailure:
    for each in _chain(error):
        names = [kind.__name__ for kind in type(each).__mro__]
        if isinstance(each, TimeoutError) or any("Timeout" in name for name in names):
            return "timeout"
        if isinstance(each, ConnectionError) or any("Connect" in name for name in names):
            return "connection"
        if isinstance(each, ValueError) and _NO_KEY in str(each):
            return "authentication"
        if any(name in _UNREADABLE for name in names) or (
            isinstance(each, ValueError) and _ENDLESS_NUMBER in str(each)
        ):
            return "bad reply"
    return "unexpected"


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__


def _status(error: BaseException) -> int | None:
    """Find the HTTP status where the libraries of providers keep it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "http_status", "code"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and 300 <= value < 600:
                return value
    return None


def _headers(error: BaseException) -> dict[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None)
    # Of any library's response: not all of them ignore case, or hold nothing but text.
    return {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, Mapping) else {}


def _hint(reason: CallFailure, text: str) -> str | None:
    if reason == "authentication":
        return "put the key into the environment variable that the component's secret names"
    if reason == "too long":
        return "a smaller top_k or context_words, or a larger context"
    if reason == "bad request" and _SEED.search(text):
        return "send_seed: false, where the model takes no seed"
    return None


def display(error: BaseException) -> str:
    """Write what an exception says in one short line that holds no key."""
    return redact_line(f"{type(error).__name__}: {error}", known_secrets(os.environ))
