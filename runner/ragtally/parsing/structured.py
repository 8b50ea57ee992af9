"""JSON objects within a text, bare, fenced or in a sentence, and what they say the answer is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

# What an answer may be called. Left out are words that may name something else in the text that is read, such as the
# result or the conclusion of a study.
ANSWER_WORDS = ("answer", "label", "decision", "choice", "verdict", "prediction")

_TOKEN = re.compile(r"\\.|[\"{}]", re.DOTALL)


class Statement(NamedTuple):
    """One key of a JSON object whose name says that its value is the answer."""

    value: str | None  # The value as text; None where it is no text, number or truth value
    final: bool  # Whether the key calls it final


class Extraction(NamedTuple):
    """A text taken apart."""

    statements: list[Statement]  # What its JSON objects state, in order
    rest: str  # The text without the objects


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of an object, repeated keys kept."""


def extract_objects(text: str) -> Extraction:
    """Take the JSON objects out of a text."""
    statements: list[Statement] = []
    rest: list[str] = []
    start = 0
    for piece in _pieces_in_braces(text):
        pairs = _load(text[piece])
        if pairs is None:
            continue
        rest.append(text[start : piece.start])
        start = piece.stop
        for key, value in pairs:
            word = re.sub(r"[\s_-]", "", key[:40]).casefold()
            final = word.startswith("final")
            if word.removeprefix("final") in ANSWER_WORDS:
                statements.append(Statement(_as_text(value), final))
    rest.append(text[start:])
    return Extraction(statements, "\n".join(rest))


def _pieces_in_braces(text: str) -> Iterator[slice]:
    if "}" not in text:
        return
    depth = start = 0
    in_quotes = False
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if depth == 0:
            if sign == "{":
                depth, start, in_quotes = 1, token.start(), False
        elif sign == '"':
            in_quotes = not in_quotes
        elif not in_quotes and sign in "{}":
            depth += 1 if sign == "{" else -1
            if depth == 0:
                yield slice(start, token.end())


def _load(piece: str) -> _Pairs | None:
    # A Python dict's text differs from JSON in its quotes alone, where it holds plain words.
    text = piece if '"' in piece else piece.replace("'", '"')
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, _Pairs) else None


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None
