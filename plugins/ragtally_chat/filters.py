"""Filters and tests of the user's own templates: small, total, and never making more than a prompt may hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import Undefined, pass_environment
from jinja2.environment import Environment
from jinja2.exceptions import TemplateRuntimeError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS

# How many characters may be made for one prompt.
MOST_CHARACTERS = 1_000_000
_MOST_INDENT = 40


def _text(value: Any) -> str:
    if isinstance(value, Undefined) or type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise TemplateRuntimeError("this filter is for text, not for a list")
    return value


def _bounded(length: int) -> None:
    if length > MOST_CHARACTERS:
        raise TemplateRuntimeError(f"this makes more than {MOST_CHARACTERS:,} characters")


def joined(value: Iterable[Any], separator: str = "") -> str:
    """Join texts."""
    if isinstance(value, str):
        raise TemplateRuntimeError("join is for a list, not for a text")
    parts = [_text(part) for part in value]
    _bounded(sum(map(len, parts)) + len(_text(separator)) * len(parts))
    return separator.join(parts)


def _replaced(value: Any, old: str, new: str) -> str:
    text = _text(value)
    _bounded(len(text) + text.count(_text(old)) * len(_text(new)))
    return text.replace(old, new)


def _indented(value: Any, width: int = 4) -> str:
    if not 0 <= width <= _MOST_INDENT:
        raise TemplateRuntimeError(f"indent is for 0 to {_MOST_INDENT} spaces")
    lines = _text(value).splitlines()
    _bounded(sum(map(len, lines)) + (width + 1) * len(lines))
    return f"\n{' ' * width}".join(lines)


def _truncated(value: Any, length: int = 255, end: str = "...") -> str:
    text = _text(value)
    if len(text) <= length:
        return text
    kept = text[: max(0, length - len(end))]
    return (kept.rsplit(None, 1)[0] if " " in kept else kept) + end


def _as_json(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


@pass_environment
def _attributes(environment: Environment, value: Iterable[Any], *_: Any, attribute: str | None = None) -> list[Any]:
    if attribute is None:
        raise TemplateRuntimeError('map is for attributes, as in examples | map(attribute="question")')
    return [environment.getattr(item, attribute) for item in value]


def _words(value: Any) -> int:
    return len(_text(value).split())


def _of_text(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: change(_text(value))


_JINJA: dict[str, Any] = {**JINJA_FILTERS}

# The filters, by name.
FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": _of_text(str.capitalize),
    "indent": _indented,
    "join": joined,
    "lower": _of_text(str.lower),
    "map": _attributes,
    "replace": _replaced,
    "title": _of_text(str.title),
    "tojson": _as_json,
    "trim": _of_text(str.strip),
    "truncate": _truncated,
    "upper": _of_text(str.upper),
    "wordcount": _words,
    **{
        name: _JINJA[name]
        for name in ("count", "first", "last", "length", "list", "reverse", "rejectattr", "selectattr", "unique")
    },
}

_TESTS = "== != < <= > >= eq ne lt le gt ge equalto greaterthan lessthan in even odd divisibleby"
# The tests, by name.
TESTS: Mapping[str, Any] = {name: JINJA_TESTS[name] for name in _TESTS.split()}
