"""The file of the reader `recorded`: read once, checked line by line, kept in columns."""

from __future__ import annotations

import difflib
import json
import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ragtally import Answers, DataError, Location, Reading, Vote
from ragtally.support.unique_keys import unique_keys

_EXAMPLE = '{"question": "q1", "vote": 0, "text": "Answer: yes"}'
_COUNTS = ("input_tokens", "output_tokens")
_AMOUNTS = ("seconds", "dollars")
# Counts and sums stay exact, and in 64 bits.
_MOST = 10**12
_MISSING = "no recorded answer"
_UNKNOWN = "leave it out where it is not known"


class _Rule(NamedTuple):
    """What the value of a key must be."""

    holds: Callable[[Any], bool]
    expected: str
    hint: str


def _is_vote(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def _is_count(value: Any) -> bool:
    return value is None or _is_vote(value)


def _is_amount(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value <= _MOST)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_RULES = {
    "question": _Rule(lambda value: isinstance(value, str) and value != "", "an id", 'write the id in quotes: "123"'),
    "vote": _Rule(
        lambda value: type(value) is int and 0 <= value <= _MOST,
        f"a whole number from 0 to {_MOST}",
        "the first vote is 0",
    ),
    "text": _Rule(_is_text, "text", "leave the line out where there was no answer"),
    "choice": _Rule(_is_text, "text", "leave the line out where there was no answer"),
    **dict.fromkeys(_COUNTS, _Rule(_is_count, f"a whole number from 0 to {_MOST}", _UNKNOWN)),
    **dict.fromkeys(_AMOUNTS, _Rule(_is_amount, f"a number from 0 to {_MOST}", _UNKNOWN)),
}


@dataclass(slots=True)
class _Columns:
    """The file's answers, one row an answer, and where to find them."""

    text: list[str] = field(default_factory=list)
    is_choice: bytearray = field(default_factory=bytearray)
    line: array[int] = field(default_factory=lambda: array("L"))
    amounts: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _COUNTS + _AMOUNTS})
    row_of: dict[int, dict[str, int]] = field(default_factory=dict)


def unreadable(path: str, error: OSError) -> DataError:
    """The error for a recorded file that cannot be read."""
    return DataError(
        f"the recorded answers cannot be read: {error.strerror}",
        location=Location(path),
        hint=f"paths are relative to the folder the command runs in, now {Path.cwd()}",
    )


class RecordedReader:
    """Answers every question with what the file says, whatever the passages."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._columns: _Columns | None = None

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """Look every question up."""
        if self._columns is None:
            self._columns = _load(self._path)
        columns = self._columns
        row_of = columns.row_of.get(vote.index, {})
        _require_match(self._path, columns, reading, vote.index)
        rows = [row_of.get(question, -1) for question in reading.id]
        choices = [row >= 0 and bool(columns.is_choice[row]) for row in rows]
        for row, is_choice in zip(rows, choices, strict=True):
            if is_choice and reading.answers and columns.text[row] not in reading.answers:
                _refuse_choice(self._path, columns.line[row], columns.text[row], reading.answers)
        return Answers(
            text=[
                columns.text[row] if row >= 0 and not is_choice else None
                for row, is_choice in zip(rows, choices, strict=True)
            ],
            choice=[columns.text[row] if is_choice else None for row, is_choice in zip(rows, choices, strict=True)],
            error=[None if row >= 0 else _MISSING for row in rows],
            **{name: _pick(values, rows) for name, values in columns.amounts.items()},
        )


def _require_match(path: str, columns: _Columns, reading: Reading, vote: int) -> None:
    """Refuse a file that has nothing for what is asked, or the dataset's ids in another writing."""
    row_of = columns.row_of.get(vote)
    if row_of is None:
        numbers = ", ".join(map(str, sorted(columns.row_of)))
        raise DataError(
            f"there is no answer of the vote {vote}: the votes of the file are {numbers}",
            location=Location(path),
            hint="votes count from 0: number them 0, 1, ... or ask for fewer votes",
        )
    asked = set(reading.id)
    missing = {question.strip().casefold(): question for question in reading.id if question not in row_of}
    for question, row in row_of.items():
        meant = missing.get(question.strip().casefold())
        if meant is not None and question not in asked:
            message, hint = f"the dataset has no question {question!r}", f"did you mean {meant!r}?"
            _line_at(path, columns.line[row]).fail(message, key="question", hint=hint)
    # One question may well be one that has no answer.
    if len(asked) > 1 and asked.isdisjoint(row_of):
        question = next(iter(row_of))
        _line_at(path, columns.line[row_of[question]]).fail(
            f"none of the {len(reading)} questions asked has an answer; the first here is for {question!r}",
            key="question",
            hint=f"the study asks about questions like {reading.id[0]!r}",
        )


def _line_at(path: str, number: int) -> _Line:
    with Path(path).open("rb") as handle:
        return _Line(path, number, next(line for index, line in enumerate(handle, 1) if index == number))


def _pick(values: list[Any], rows: Sequence[int]) -> list[Any] | None:
    column = [values[row] if row >= 0 else None for row in rows]
    return column if any(value is not None for value in column) else None


def _load(path: str) -> _Columns:
    columns = _Columns()
    decoder = json.JSONDecoder(object_pairs_hook=unique_keys, parse_constant=_refuse_constant)
    try:
        with Path(path).open("rb") as handle:
            for number, line in enumerate(handle, 1):
                if not line.isspace():
                    _add(columns, _Line(path, number, line), decoder)
    except OSError as error:
        raise unreadable(path, error) from error
    if not columns.text:
        raise DataError(
            "the file of recorded answers is empty", location=Location(path), hint=f"a line is {_EXAMPLE}"
        )
    return columns


class _Line:
    """One line of the file, and how to complain about it."""

    __slots__ = ("number", "path", "raw", "text")

    def __init__(self, path: str, number: int, raw: bytes) -> None:
        self.path, self.number, self.raw = path, number, raw
        try:
            self.text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
        except UnicodeDecodeError as error:
            self.text = ""
            self.fail("the line is not UTF-8", column=error.start + 1, hint="save the file as UTF-8")

    def fail(self, message: str, *, key: str | None = None, column: int | None = None, hint: str) -> NoReturn:
        """Raise the error, at a column or at a key's value (at the key itself where it is unknown)."""
        if key is not None:
            match = re.search(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:\s*", self.text)
            column = (match.end() if key in _RULES else match.start()) + 1 if match else None
        raise DataError(message, location=Location(self.path, self.number, column), hint=hint)


def _add(columns: _Columns, line: _Line, decoder: json.JSONDecoder) -> None:
    record = _decode(line, decoder)
    _check(line, record)
    question, vote = record["question"], record["vote"]
    rows = columns.row_of.setdefault(vote, {})
    row = len(columns.text)
    if (first := rows.setdefault(question, row)) != row:
        line.fail(
            f"the vote {vote} on the question {question!r} is already on line {columns.line[first]}",
            key="question",
            hint="give each vote of a question its own number, or delete one of the two lines",
        )
    # Half of a surrogate pair, where a reply was cut within an emoji, becomes U+FFFD, as in replies of models.
    text = record["choice"] if "choice" in record else record["text"]
    columns.text.append(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    columns.is_choice.append("choice" in record)
    columns.line.append(line.number)
    for name, values in columns.amounts.items():
        values.append(record.get(name))


def _decode(line: _Line, decoder: json.JSONDecoder) -> dict[str, Any]:
    try:
        record = decoder.decode(line.text)
    except json.JSONDecodeError as error:
        hint = f"a line is {_EXAMPLE}"
        if not line.raw.endswith(b"\n"):
            hint = "the file ends within this line, so it seems cut off: get it again"
        line.fail(f"the line is not JSON: {error.msg}", column=error.colno, hint=hint)
    except (ValueError, RecursionError) as error:
        line.fail(f"the line cannot be read: {error}", column=1, hint=f"a line is {_EXAMPLE}")
    if not isinstance(record, dict):
        line.fail("the line is no JSON object", column=1, hint=f"a line is {_EXAMPLE}")
    return record


def _check(line: _Line, record: dict[str, Any]) -> None:
    for key, value in record.items():
        rule = _RULES.get(key)
        if rule is None:
            line.fail(f"unknown key {key!r}", key=key, hint=_nearest(key, tuple(_RULES)))
        if not rule.holds(value):
            line.fail(f"{key!r} must be {rule.expected}", key=key, hint=rule.hint)
    for key in ("question", "vote"):
        if key not in record:
            line.fail(f"the key {key!r} is missing", column=1, hint=f"a line is {_EXAMPLE}")
    if ("text" in record) == ("choice" in record):
        both = "both" if "text" in record else "neither"
        line.fail(
            f"{both} of 'text' and 'choice' is given",
            column=1,
            hint="give 'text' for raw text to be parsed, or 'choice' for an answer to be taken as it is",
        )


def _refuse_choice(path: str, number: int, choice: str, answers: tuple[str, ...]) -> NoReturn:
    _line_at(path, number).fail(
        f"the choice {choice!r} is not among the declared answers",
        key="choice",
        hint=f"{_nearest(choice, answers)}; write 'text' instead of 'choice' for raw text to be parsed",
    )


def _nearest(word: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there is: {', '.join(names)}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
