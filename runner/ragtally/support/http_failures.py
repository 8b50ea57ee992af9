"""What a provider's error means: its reason, its message, and how long it asks us to wait."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from ragtally.api import CallFailure
from ragtally.support.json_bodies import read_json

MEANINGS: Mapping[CallFailure, str] = {
    "rate limit": "too many requests",
    "timeout": "a timeout",
    "connection": "no connection",
    "server": "a server error",
    "bad reply": "an unreadable answer",
    "daily quota": "a quota that a short wait does not renew",
    "authentication": "no access",
    "not found": "not found",
    "bad request": "a request that it does not take",
    "too long": "a prompt that is too long",
    "refused": "a prompt that it refuses",
    "cancelled": "a cancelled call",
}
"""Each reason in words, to follow `... answered 429, `."""

# The wordings of OpenAI, Groq, OpenRouter, vLLM, Ollama and llama.cpp.
_DAILY = re.compile(
    r"insufficient[_ ]quota|exceeded your current quota|per[- ]day|\b(?:TPD|RPD)\b|daily|weekly|credit balance"
    r"|insufficient (?:credits|balance)|billing[_ ]hard[_ ]limit",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|window)|exceed_context_size|available context size|maximum context"
    r"|(?:prompt|input|request|message)s? (?:is |are )?too (?:long|large)|reduce (?:the|your) (?:length|message)"
    r"|input length|string_above_max_length|too many tokens|tokens per request",
    re.IGNORECASE,
)
# OpenAI and Groq answer 429 to one request that is larger than what a minute or a day allows: no waiting helps.
_TOO_LARGE = re.compile(
    r"(?:request|prompt|input|message)s? (?:is |are |was )?too (?:long|large)|must be reduced|tokens per request"
    r"|reduce (?:the|your) (?:length|message|prompt|input)",
    re.IGNORECASE,
)
_TOKENS = re.compile(r"tokens?\b|\bTP[MDH]\b", re.IGNORECASE)
_LIMIT = re.compile(r"\blimit(?:ed to| of| is)?\W{0,3}(\d[\d,_]*)", re.IGNORECASE)
_REQUESTED = re.compile(r"\brequest(?:ed|ing)\W{0,3}(?:about )?(\d[\d,_]*)", re.IGNORECASE)
_REFUSAL = re.compile(
    r"content[_ ](?:filter|policy|management)|flagged|moderation|safety system|was refused", re.IGNORECASE
)
_KEY = re.compile(r"api[_ ]key|unauthori[sz]ed|authentication", re.IGNORECASE)
# Ollama answers 500 to what no second try can change, and llama-cpp-python to parameters that it does not know.
_PERMANENT = re.compile(
    r"validation error|requires more system memory|model .{0,80}does not support|unable to load model", re.IGNORECASE
)
# Groq answers 400 where a model's draw did not keep to the JSON that was asked for: another one may.
_BROKEN_JSON = re.compile(r"json_validate_failed|failed to (?:generate|validate) json", re.IGNORECASE)
_OVERLONG_FOR_LLAMA_CPP = re.compile(r"exceed_context_size|available context size")
_UNKNOWN_MODEL = re.compile(
    r"model[_ ]not[_ ]found|model .{0,100}(?:not found|does not exist|decommissioned)|try pulling", re.IGNORECASE
)

_MOST_DIGITS = 18
_DEEPEST_MESSAGE = 20

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)(?![a-z])")
_IN_WORDS = re.compile(
    r"(?:try again|retry)(?: again)? (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|[smhd]) ?)+)", re.IGNORECASE
)
_IN_SECONDS = re.compile(r"(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?) ?sec", re.IGNORECASE)
# Larger numbers are points in time: seconds since 1970 or, a thousand times as large, milliseconds.
_EPOCH = 1e9


def failure_reason(status: int, message: str) -> CallFailure:
    """Classify an error by status and message.

    Args:
        status: The HTTP status, from 300.
        message: What the provider says, see `error_message`.

    Returns:
        The reason for a `CallError`.
    """
    if status in (429, 498):
        if _exceeds_limit(message):
            return "too long"
        return "daily quota" if _DAILY.search(message) else "rate limit"
    by_status: Mapping[int, CallFailure] = {
        402: "daily quota", 404: "not found", 405: "not found", 408: "timeout", 409: "server", 413: "too long",
        425: "server", 501: "bad request", 504: "timeout",
    }  # fmt: skip
    if status in by_status:
        return by_status[status]
    if status >= 500:
        if _PERMANENT.search(message):
            return "bad request"
        return "too long" if _OVERLONG_FOR_LLAMA_CPP.search(message) else "server"
    if status in (401, 403):
        return "refused" if status == 403 and _REFUSAL.search(message) else "authentication"
    return "not found" if status < 400 else _bad_request_reason(message)


def _exceeds_limit(message: str) -> bool:
    """Whether a single request asks for more tokens than the limit that it met."""
    if _TOO_LARGE.search(message):
        return True
    limit, requested = _LIMIT.search(message), _REQUESTED.search(message)
    if limit is None or requested is None or not _TOKENS.search(message):
        return False
    most, wanted = (int(re.sub(r"\D", "", match[1])[:_MOST_DIGITS]) for match in (limit, requested))
    # A limit of 0 is no access at all, which smaller requests do not change.
    return 0 < most < wanted


def _bad_request_reason(message: str) -> CallFailure:
    if _BROKEN_JSON.search(message):
        return "bad reply"
    if _TOO_LONG.search(message):
        return "too long"
    if _REFUSAL.search(message):
        return "refused"
    if _UNKNOWN_MODEL.search(message):
        return "not found"
    return "authentication" if _KEY.search(message) else "bad request"


def error_message(body: str) -> str:
    """Find the message in the body of an error.

    Args:
        body: JSON of any provider, HTML of a proxy, or plain text.

    Returns:
        The message with its code and type in brackets; the body itself where there is none.
    """
    return _message_of(body, 0)


def _message_of(body: str, depth: int) -> str:
    try:
        content = read_json(body)
    except ValueError:
        return re.sub(r"<[^>]*>", " ", body).strip()
    return _message_in(content, depth) or body.strip()


def _message_in(content: Any, depth: int) -> str:
    if depth > _DEEPEST_MESSAGE:
        return ""
    if isinstance(content, str):
        # Ollama passes on the JSON of the engine below it as text.
        return _message_of(content, depth + 1) if content.lstrip().startswith("{") else content
    if isinstance(content, list):
        return "; ".join(filter(None, (_message_in(part, depth + 1) for part in content)))
    if not isinstance(content, dict):
        return ""
    inner = content.get("error") or content.get("detail")
    if isinstance(inner, dict | list) or (isinstance(inner, str) and "message" not in content):
        return _message_in(inner, depth + 1)
    # OpenRouter hides what the provider behind it says in `metadata.raw`.
    metadata = content.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    texts = [content.get("message") or content.get("msg"), raw, content.get("code"), content.get("type")]
    first, *rest = [*dict.fromkeys(text for text in texts if isinstance(text, str) and text), ""]
    return f"{first} ({', '.join(filter(None, rest))})" if any(rest) else first


def retry_after(headers: Mapping[str, str], message: str = "", now: float | None = None) -> float | None:
    """Find out how long the provider asks us to wait.

    Args:
        headers: Of the response, by lower-case name or case-insensitive: `retry-after`, the reset headers of
            OpenAI, Groq and OpenRouter, and `date`, by whose clock the others give points in time.
        message: Some providers say it in words alone: `Please try again in 9m38.016s`.
        now: Seconds since 1970 where the response has no date.

    Returns:
        Seconds, or None where it does not say.
    """
    # The server's clock and ours may be minutes apart, and both of its headers were written by its own.
    at = _moment(headers.get("date", ""))
    if at is None:
        at = time.time() if now is None else now
    # OpenAI sends both, and this one is exact.
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is not None and (wait := _number_or_date(value, at)) is not None:
        return wait
    if match := _IN_WORDS.search(message):
        return _duration(match[1])
    if match := _IN_SECONDS.search(message):
        return float(match[1])
    return _reset(headers, at)


def _number_or_date(value: str, now: float) -> float | None:
    number = _number(value)
    if number is not None:
        return number
    moment = _moment(value)
    return _duration(value) if moment is None else max(0.0, moment - now)


def _moment(date: str) -> float | None:
    """Seconds since 1970 of a date as HTTP writes it."""
    try:
        moment = email.utils.parsedate_to_datetime(date)
        # A date of the zone -0000 comes back without a zone, and means UTC (RFC 5322, section 3.3).
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    waits = []
    # Only a limit that is used up counts: the other one's reset has nothing to do with this call.
    for kind in ("requests", "tokens"):
        wait = _duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
        if wait is not None and _number(headers.get(f"x-ratelimit-remaining-{kind}")) == 0:
            waits.append(wait)
    moment = _number(headers.get("x-ratelimit-reset"))
    if moment is not None:
        seconds = moment / 1000 if moment > 1000 * _EPOCH else moment
        waits.append(max(0.0, seconds - now) if seconds > _EPOCH else seconds)
    return max(waits, default=None)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _duration(text: str) -> float | None:
    parts = _DURATION.findall(text.replace(" ", ""))
    return sum(float(count) * _UNITS[unit] for count, unit in parts) if parts else None
