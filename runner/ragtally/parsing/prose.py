"""Lines and sentences that state the answer: `Answer: no`, `Therefore, the final answer is B.`, a bare label."""

from __future__ import annotations

import re
from typing import NamedTuple

from ragtally.parsing.structured import ANSWER_WORDS

_WORDS = "|".join(ANSWER_WORDS)
_CUE = re.compile(
    rf"""[\s*_`~"'\#>|\-•\[(]*
    (?:\d{{1,3}}[.)]\s+[*_]*)?
    (?:(?:therefore|thus|so|hence|overall|finally|in\ conclusion|in\ summary|based\ on\ [^:.]{{1,60}}?),?\ )?
    (?:(?:the|my|our)\ )?
    (?P<final>final[\ _])?
    (?:(?:correct|best)\ )?
    (?:{_WORDS})
    (?:\ to\ (?:the|this|your)\ question)?
    [*_`~"')\]]*\s*
    (?P<sign>is\b\s*:?|:|=+>?|->?|→|\||$)
    [\s*_`~>]*
    (?P<value>.*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])[*_`\"')\]]*\s+|(?<=[。！？])")
_FENCE = re.compile(r"\s*(?:```|~~~)\s*\w*\s*")
_SPECIAL_TOKEN = re.compile(r"<\|[^|<>]{1,40}\|>|</?s>|<end_of_turn>|<eos>")


class Cue(NamedTuple):
    """A line or sentence that announces the answer."""

    value: str  # What stands after the announcement; empty where the next line is meant
    final: bool  # Whether it is called final
    # Whether it announces with a sign (`Answer:`) and not in a sentence that may go on to say something else ("the
    # answer is based on...").
    firm: bool


def lines_of(text: str) -> list[str]:
    """Cut a text into its lines, without empty ones, fences and the special tokens of models."""
    lines = (line.strip() for line in _SPECIAL_TOKEN.sub("", text).splitlines())
    return [line for line in lines if line and not _FENCE.fullmatch(line)]


def sentences_of(line: str) -> list[str]:
    """Cut a line into sentences."""
    return [sentence for sentence in _SENTENCE_END.split(line) if sentence.strip()]


def cue_of(text: str) -> Cue | None:
    """Find out whether a line or sentence announces the answer."""
    match = _CUE.match(text)
    if not match:
        return None
    sign, value = match["sign"], match["value"].strip()
    if value[:1] in ("'", '"') and value[0] not in value[1:]:
        value = f"unfinished {value}"
    return Cue(value, bool(match["final"]), firm=bool(sign) and not sign.lower().startswith("is"))
