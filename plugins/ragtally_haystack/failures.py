"""What went wrong in a Haystack component: from any library's exception to a `CallError`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragtally import CallError, CallFailure, PluginError, RagtallyError
from ragtally_haystack.construct import display

_DAILY = re.compile(
    r"insufficient[_ ]quota|exceeded your current quota|per[- ]day|\b(?:TPD|RPD)\b|daily|weekly|credit balance"
    r"|insufficient (?:credits|balance)|billing[_ ]hard[_ ]limit",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|window)|maximum context|(?:prompt|input|request|message)s? (?:is |are )?too (?:long|large)"
    r"|reduce (?:the|your) (?:length|message)|too many tokens",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"content[_ ](?:filter|policy|management)|flagged|moderation|safety system", re.IGNORECASE)
_NO_KEY = re.compile(r"authentication environment variables|api[_ ]key|unauthori[sz]ed", re.IGNORECASE)
_UNKNOWN_MODEL = re.compile(r"model[_ ]not[_ ]found|model .{0,100}(?:not found|does not exist)", re.IGNORECASE)
_SEED = re.compile(r"\bseed\b", re.IGNORECASE)
_MOST_CAUSES = 10


def call_error(who: str, error: BaseException) -> CallError:
    """Say what a failed call came to."""
    if isinstance(error, CallError):
        return error
    culprit = next((each for each in _chain(error) if _status(each) is not None), error)
    status, text = _status(culprit), str(culprit)
    reason = _of_chain(error) if status is None else reason_of(status, text)
    wait = _retry_after(culprit) if reason in ("rate limit", "server", "daily quota") else None
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


def reason_of(status: int, text: str) -> CallFailure:
    """Tell the kind of a failure from status and message."""
    by_status: Mapping[int, CallFailure] = {402: "daily quota", 408: "timeout", 413: "too long", 504: "timeout"}
    if status in by_status:
        return by_status[status]
    if status == 429:
        return "daily quota" if _DAILY.search(text) else "rate limit"
    if status >= 500 or status in (409, 425):
        return "server"
    if status in (401, 403):
        return "refused" if status == 403 and _REFUSAL.search(text) else "authentication"
    if status in (404, 405):
        return "not found"
    return _of_bad_request(text)


def _of_bad_request(text: str) -> CallFailure:
    if _TOO_LONG.search(text):
        return "too long"
    if _REFUSAL.search(text):
        return "refused"
    if _UNKNOWN_MODEL.search(text):
        return "not found"
    return "authentication" if _NO_KEY.search(text) else "bad request"


def _of_chain(error: BaseException) -> CallFailure:
    for each in _chain(error):
        names = [kind.__name__ for kind in type(each).__mro__]
        if isinstance(each, TimeoutError) or any("Timeout" in name for name in names):
            return "timeout"
        if isinstance(each, ConnectionError) or any("Connect" in name for name in names):
            return "connection"
        if isinstance(each, ValueError) and "authentication environment variables" in str(each):
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


def _retry_after(error: BaseException) -> float | None:
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        seconds = float(headers.get("retry-after"))
    except (AttributeError, TypeError, ValueError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _hint(reason: CallFailure, text: str) -> str | None:
    if reason == "authentication":
        return "put the key into the environment variable that the component's secret names"
    if reason == "too long":
        return "put fewer or smaller chunks before the reader"
    if reason == "bad request" and _SEED.search(text):
        return "send_seed: false, where the model takes no seed"
    return None
