"""What went wrong in a Haystack component: from any library's exception to a `CallError`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ragtally import CallError, CallFailure, PluginError, RagtallyError
from ragtally.support.http_failures import failure_reason, retry_after
from ragtally_haystack.construct import display

_SEED = re.compile(r"\bseed\b", re.IGNORECASE)
# What Haystack's `Secret` raises where none of its variables is set.
_NO_KEY = "authentication environment variables"
_MOST_CAUSES = 10


def call_error(who: str, error: BaseException) -> CallError:
    """Say what a failed call came to."""
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
    """Say what an exception of a component's `run` means, be it about a call or about the component itself."""
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
        return "put fewer or smaller chunks before the reader"
    if reason == "bad request" and _SEED.search(text):
        return "send_seed: false, where the model takes no seed"
    return None
