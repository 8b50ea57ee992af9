"""How long a provider asks to wait: Retry-After, the reset headers of OpenAI, Groq and OpenRouter, or plain words."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from datetime import UTC

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)(?![a-z])")
_IN_WORDS = re.compile(
    r"(?:try again|retry)(?: again)? (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|[smhd]) ?)+)", re.IGNORECASE
)
_IN_SECONDS = re.compile(r"(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?) ?sec", re.IGNORECASE)
# Numbers beyond are points in time, in seconds of the epoch or, a thousand times as large, milliseconds.
_EPOCH = 1e9


def retry_after(headers: Mapping[str, str], said: str, now: float | None = None) -> float | None:
    """Find out how long to wait before the next try."""
    at = time.time() if now is None else now
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    if (stated := headers.get("retry-after")) is not None and (wait := _stated(stated, at)) is not None:
        return wait
    if match := _IN_WORDS.search(said):
        return _duration(match[1])
    if match := _IN_SECONDS.search(said):
        return float(match[1])
    return _resets(headers, at)


def _stated(value: str, now: float) -> float | None:
    number = _number(value)
    if number is not None:
        return number
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return _duration(value)
    # A date of the zone -0000 comes back without a zone, and means UTC (RFC 5322, section 3.3).
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)


def _resets(headers: Mapping[str, str], now: float) -> float | None:
    """Read when the limits that are used up are renewed; the others' times say nothing about this call."""
    waits = []
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
    found = _DURATION.findall(text.replace(" ", ""))
    return sum(float(count) * _UNITS[unit] for count, unit in found) if found else None
