"""A saved call as a line of an export; equal calls give equal bytes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, get_args

from ragtally.api import CallPurpose, canonical_json
from ragtally.store.calls import CALL_COLUMNS, Row

_PURPOSES = get_args(CallPurpose)
_KEY = re.compile(r"r\d+:[0-9a-f]{40}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_INTEGERS = range(-(2**63), 2**63)
_dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def line_of(row: Row) -> bytes:
    """Write a call as a line; equal calls give equal bytes."""
    values = dict(zip(CALL_COLUMNS, row, strict=True))
    values["tokens_estimated"] = bool(values["tokens_estimated"])
    if values["cached_tokens"] is None:
        # Lines of earlier versions have no such field.
        del values["cached_tokens"]
    for name in ("parameters", "messages"):
        values[name] = _loads(values[name])
    _check(values)
    return f"{_dumps(values)}\n".encode()


def row_of(line: bytes) -> Row:
    """Read a line that `line_of` wrote."""
    try:
        values = _loads(line.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"this is not UTF-8: {error.reason} at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error.msg} at character {error.colno}") from error
    except RecursionError as error:
        raise ValueError("this JSON is nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("this is no JSON object")
    _check(values)
    values.setdefault("cached_tokens", None)
    values["tokens_estimated"] = int(values["tokens_estimated"])
    values["parameters"] = canonical_json(values["parameters"])
    values["messages"] = _dumps(
        [{"role": message["role"], "content": message["content"]} for message in values["messages"]]
    )
    row = tuple(values[name] for name in CALL_COLUMNS)
    try:
        _dumps(row).encode()
    except UnicodeEncodeError as error:
        raise ValueError("a text holds half of a surrogate pair, which is no character") from error
    return row


def _loads(text: Any) -> Any:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no text")
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _check(values: Mapping[str, Any]) -> None:
    missing = [name for name in CALL_COLUMNS if name not in values and name != "cached_tokens"]
    unknown = [name for name in values if name not in FORMS]
    if missing or unknown:
        raise ValueError(f"this is no saved call: {'no' if missing else 'unknown'} field {(missing or unknown)[0]!r}")
    for name, (expected_form, holds) in FORMS.items():
        if name in values and not holds(values[name]):
            raise ValueError(f"{name} must be {expected_form}")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in _INTEGERS


def _number(value: Any) -> bool:
    return _integer(value) or (isinstance(value, float) and math.isfinite(value))


def _optional(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


def _time(value: Any) -> bool:
    if not _text(value) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _messages(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(message, dict)
        and message.keys() == {"role", "content"}
        and message["role"] in ("system", "user", "assistant")
        and _text(message["content"])
        for message in value
    )


FORMS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "key": (
        "a call's key, r1: and 40 hexadecimal digits",
        lambda value: _text(value) and bool(_KEY.fullmatch(value)),
    ),
    "provider": ("text", _text),
    "model": ("text", _text),
    "purpose": (f"one of {', '.join(_PURPOSES)}", lambda value: value in _PURPOSES),
    "vote": ("an index from 0", lambda value: _integer(value) and value >= 0),
    "seed": ("an integer or null", _optional(_integer)),
    "text": ("text", _text),
    "finish_reason": ("text or null", _optional(_text)),
    "input_tokens": ("an integer or null", _optional(_integer)),
    "output_tokens": ("an integer or null", _optional(_integer)),
    "cached_tokens": ("an integer or null", _optional(_integer)),
    "tokens_estimated": ("true or false", lambda value: isinstance(value, bool)),
    "seconds": ("a number", _number),
    "served_by": ("text or null", _optional(_text)),
    "dollars": ("a number or null", _optional(_number)),
    "finished_at": ("a time as in 2026-01-31T12:00:00Z", _time),
    "parameters": ("an object", lambda value: isinstance(value, dict)),
    "messages": ("a list of messages with role and content", _messages),
}
