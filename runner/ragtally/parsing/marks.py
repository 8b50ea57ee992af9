"""Answers that stand in markup of their own: a key of a JSON object, a tag, a box."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

# What an answer may be called; not result or conclusion, which may be those of a study in the text that is read.
ANSWER_WORDS = ("answer", "label", "decision", "choice", "verdict", "prediction")
# Stands in the text where a mark was. Folding has taken this character out of what the model wrote.
PLACE = "\ue000"

_WORDS = "|".join(ANSWER_WORDS)
_TEX = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mathit)\s*\{([^{}]*)\}|</?(?:b|strong|em|i|p|u)>")
# A key with its value, also where an unescaped quote elsewhere keeps the object from being JSON.
_MARK = re.compile(
    rf"""<(?P<tag>(?:final[ _-]?)?(?:{_WORDS}))>(?P<inside>[^<>]*)</(?P=tag)>|\\f?boxed\s*\{{(?P<box>[^{{}}]*)\}}
    |["'](?P<key>[\w\ .-]{{1,40}})["']\s*:\s*
    (?:"(?P<text>(?:[^"\\]|\\.)*)"|'(?P<plain>[^'\n]*)'|(?P<bare>[\w.+-]+)|\[[^\]]*\]|\{{[^{{}}]*\}})\s*(?=[,}}])""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_OPEN_TAG = re.compile(rf"<(?:final[ _-]?)?(?:{_WORDS})>", re.IGNORECASE)


class Mark(NamedTuple):
    """What a mark says the answer is."""

    value: str | None  # None where it is no text, number or truth value
    is_json: bool = False
    final: bool = False  # Whether it is called final


def extract_marks(text: str, answer_keys: Collection[str]) -> tuple[str, list[Mark]]:
    """Put a `PLACE` in the place of each mark of a text; of other keys only what they say in sentences stays."""
    keys = {*ANSWER_WORDS, *map(_plain_key, answer_keys)}
    marks: list[Mark] = []
    last_brace = text.rfind("}")

    def replace(match: re.Match[str]) -> str:
        if match["key"] is None:
            marks.append(Mark(match["box"] if match["inside"] is None else match["inside"]))
            return PLACE
        if match.end() > last_brace:
            return match[0]
        key, value = _plain_key(match["key"]), _value(match)
        if key in keys or key.removeprefix("final") in keys:
            marks.append(Mark(value, is_json=True, final=key.startswith("final")))
            return PLACE
        return f"\n{value}\n" if value and len(value.split()) > 3 else ""

    marked = _MARK.sub(replace, _TEX.sub(r"\1", text))
    return _OPEN_TAG.sub("\nAnswer: ", marked), marks


def _plain_key(key: str) -> str:
    return re.sub(r"[\s_-]", "", key).casefold()


def _value(match: re.Match[str]) -> str | None:
    value = match["text"] or match["plain"] or match["bare"]
    return value and _ESCAPE.sub(lambda code: chr(int(code[1], 16)), value)
