"""Files of examples that a person has: worked examples for the style, and small sets to expand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragtally.api import ConversionError, DataError, Location, RagtallyError, raise_all
from ragtally.examples.example import Example
from ragtally.examples.fields import FIELDS, example_from, fields_of, kind_of
from ragtally.support.sheets import TEXT_TABLES, WORKBOOKS, read_sheets
from ragtally.support.text_files import decode, read_bytes

_JSON_LINES = (".jsonl", ".ndjson")
_SUFFIXES = (*_JSON_LINES, *TEXT_TABLES, *WORKBOOKS)
_FORMS = "; or ".join(", ".join(names) for names in FIELDS.values())
# Roles and names that other tools' files have.
_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant"}

ExampleFields = tuple[str, Mapping[str, Any]]
"""An example as its kind and its fields, as a task's settings hold it."""


def read_example_file(path: str, labels: Sequence[str] = ()) -> list[ExampleFields]:
    """Read the examples of a file; every row that is none is an error, all told at once."""
    errors: list[RagtallyError] = []
    examples: list[ExampleFields] = []
    for line, fields in _rows(Path(path)):
        kind = kind_of(fields)
        example: Example | str = "its columns are of no kind of example, or of several"
        if kind is not None:
            example = example_from(kind, fields, labels)
        if isinstance(example, str):
            location = Location(path, line)
            errors.append(DataError(f"no example: {example}", location=location, hint=f"an example has {_FORMS}"))
        else:
            examples.append((str(example.kind), fields_of(example)))
    raise_all(errors)
    if not examples:
        raise DataError("the file has no example", location=Location(path), hint=f"an example has {_FORMS}")
    return examples


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows with their numbers, by column."""
    location, suffix = Location(str(path)), path.suffix.lower()
    if suffix not in _SUFFIXES:
        hint = f"save it as one of {', '.join(_SUFFIXES)}"
        raise DataError(
            f"examples are not read from files that end in {suffix or 'nothing'}", location=location, hint=hint
        )
    if not path.is_file():
        hint = f"paths are relative to the folder the command runs in, now {Path.cwd()}"
        raise DataError("there is no such file", location=location, hint=hint)
    try:
        yield from _json_lines(path) if suffix in _JSON_LINES else _sheet(path)
    except ConversionError as error:
        raise DataError(error.message, location=location, hint=error.hint) from error


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    text = decode(read_bytes(path), path)
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            hint = "each line is one example, as a JSON object"
            raise DataError(f"this is no JSON: {error}", location=Location(str(path), number), hint=hint) from error
        yield number, _as_turns(row) if isinstance(row, dict) else {}


def _sheet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = [row for sheet in read_sheets(path) if sheet.visible for row in sheet.rows]
    names = [cell.strip().casefold() for cell in rows[0].cells] if rows else []
    for row in rows[1:]:
        yield row.number, dict(zip(names, row.cells, strict=False))


def _as_turns(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Chats of OpenAI's form (`messages`) and of ShareGPT's (`conversations`) as turns."""
    turns = row.get("messages", row.get("conversations"))
    if "turns" in row or not isinstance(turns, list):
        return row
    pairs = [
        (turn.get("role", turn.get("from")), turn.get("content", turn.get("value")))
        for turn in turns
        if isinstance(turn, Mapping)
    ]
    return {"turns": [{"role": _ROLES.get(str(role), role), "text": text} for role, text in pairs]}
