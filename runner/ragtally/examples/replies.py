"""Reading what models reply: examples, or grades of one. What cannot be read is counted under its name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragtally.examples.example import Example, Source
from ragtally.examples.fields import FIELDS, MAY_BE_EMPTY, example_from
from ragtally.examples.language import languages_differ
from ragtally.examples.wording import Kind
from ragtally.parsing.reasoning import drop_reasoning

# Why fewer examples came than were asked for; each counts the examples that are missing.
CALL_FAILED = "the call failed"
EMPTY = "an empty reply"
PROSE = "prose without JSON"
NO_EXAMPLE = "JSON without an example"
CUT_OFF = "JSON that is cut off or broken"
FEWER = "fewer than asked for"
# Why an example that came is none.
ANOTHER_LANGUAGE = "another language"
REPETITION = "the same as another example"
# What came on top of what was asked for.
SURPLUS = "more than asked for"

# Where it has found so many places at which no JSON begins, a reply is given up: each costs a look at all the rest.
_MOST_ATTEMPTS = 2_000
_MOST_WORDS = 80  # Characters of an error that stand in the funnel


@dataclass(frozen=True)
class ReadReply:
    """What one reply came to."""

    items: int  # How many examples came, at most as many as were asked for
    examples: list[Example] = field(default_factory=list)  # Those that are well-formed
    losses: Counter[str] = field(default_factory=Counter)  # By why: examples that did not come, or are none
    surplus: int = 0  # How many came on top of what was asked for


def read_examples(
    text: str | None,
    kind: Kind,
    count: int,
    *,
    labels: Sequence[str] = (),
    source: Source,
    language: str | None = None,
    is_cut_off: bool = False,
    error: str | None = None,
) -> ReadReply:
    """Read a reply that was to hold so many examples of a kind; without a text the call failed, for an error."""
    if text is None:
        why = f"{CALL_FAILED}: {error[:_MOST_WORDS]}" if error else CALL_FAILED
        return ReadReply(0, losses=Counter({why: count}))
    answer = drop_reasoning(text, cut_off=is_cut_off)
    if answer is None or not answer.strip():
        return ReadReply(0, losses=Counter({EMPTY: count}))
    values, is_whole = _json_values(answer)
    items = [item for value in values for item in _items(value, kind)]
    losses: Counter[str] = Counter()
    if missing := max(0, count - len(items)):
        losses[_why_missing(answer, values, items, is_whole)] = missing
    examples = []
    for item in items[:count]:
        example = example_from(kind, item, labels, source)
        if isinstance(example, str):
            losses[example] += 1
        elif languages_differ(example.text, language):
            losses[ANOTHER_LANGUAGE] += 1
        else:
            examples.append(example)
    return ReadReply(min(len(items), count), examples, losses, max(0, len(items) - count))


def _why_missing(answer: str, values: Sequence[Any], items: Sequence[Any], is_whole: bool) -> str:
    if not is_whole:
        return CUT_OFF
    if not values:
        return PROSE
    return FEWER if items else NO_EXAMPLE


def _json_values(text: str) -> tuple[list[Any], bool]:
    """All JSON objects and lists in a text, and whether none of them is broken."""
    # Of a list that is cut off, the objects that are whole count.
    decoder, values, is_whole, at = json.JSONDecoder(), [], True, 0
    for _ in range(_MOST_ATTEMPTS):
        begins = [where for where in (text.find("{", at), text.find("[", at)) if where >= 0]
        if not begins:
            break
        at = min(begins)
        try:
            value, at = decoder.raw_decode(text, at)
            values.append(value)
        except (ValueError, RecursionError):
            # A bracket in prose begins nothing; `{"` and `[{` do.
            is_whole = is_whole and text[at + 1 : at + 20].lstrip()[:1] not in ('"', "{")
            at += 1
    return values, is_whole


def _items(value: Any, kind: Kind) -> Iterator[Mapping[str, Any]]:
    """The objects in a value that are meant as examples of a kind, wherever they stand."""
    if isinstance(value, list):
        for item in value:
            yield from _items(item, kind)
    elif isinstance(value, dict):
        fields = {str(name).strip().casefold(): item for name, item in value.items()}
        if any(name in fields for name in FIELDS[kind] if name not in MAY_BE_EMPTY):
            yield fields
        elif isinstance(fields.get("examples"), list | dict):
            yield from _items(fields["examples"], kind)


@dataclass(frozen=True, slots=True)
class Grade:
    """What one vote of a validator says of one criterion."""

    passed: bool | None  # None where it cannot be read
    reason: str | None
    error: str | None = None  # Why it cannot be read


def read_grades(text: str | None, error: str | None, criteria: Sequence[str]) -> list[Grade]:
    """Read a validator's reply: a grade per criterion, in order."""
    if text is None:
        return [Grade(None, None, error or CALL_FAILED)] * len(criteria)
    answer = drop_reasoning(text)
    if answer is None or not answer.strip():
        return [Grade(None, None, EMPTY)] * len(criteria)
    values, is_whole = _json_values(answer)
    fields: dict[str, Any] = {}
    for value in values:
        if isinstance(value, dict):
            fields |= {str(name).strip().casefold(): item for name, item in value.items()}
    unread = PROSE if not values and is_whole else NO_GRADE if is_whole else CUT_OFF
    return [_grade(fields, name, unread) for name in criteria]


NO_GRADE = "no yes or no"
_GRADES = {"yes": True, "no": False, "true": True, "false": False}


def _grade(fields: Mapping[str, Any], criterion: str, unread: str) -> Grade:
    value, reason = fields.get(criterion), fields.get(f"{criterion}_reason")
    passed = value if isinstance(value, bool) else _GRADES.get(str(value).strip().strip(".").casefold())
    words = " ".join(reason.split()) if isinstance(reason, str) else ""
    return Grade(passed, words or None, None if passed is not None else NO_GRADE if criterion in fields else unread)
