"""Rows and records: workbooks, CSV and JSON, with a line of text for each row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ragtally import Conversion, ConversionError
from ragtally.support.sheets import ERROR, FORMULA, Row, cell_text, read_sheets
from ragtally.support.text_files import read_text
from ragtally.support.unique_keys import unique_keys
from ragtally_converters.builder import DocumentBuilder, without_words

HIDDEN_SHEETS = "hidden sheets"
OPEN_FORMULAS = "cells with a formula whose value is not stored"
ERROR_CELLS = "cells with an error value"


def table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write each row as a line. Where the first looks like names of columns, its line is empty, and they stand in the
    others before each cell: so every row says what it is about, wherever a text is cut.
    """
    names = _names(rows[0]) if len(rows) > 1 else None
    if names is None:
        yield from (" | ".join(filter(None, map(one_line, row))) for row in rows)
        return
    yield ""
    yield from (record_line(names, row) for row in rows[1:])


class Sheets:
    """Reads every visible sheet; parts are the sheets and the rows in them."""

    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions

    def convert(self, path: Path) -> Conversion:
        """Read the sheets (see `ragtally.api.Converter`)."""
        builder = DocumentBuilder()
        left_out = dict.fromkeys((HIDDEN_SHEETS, OPEN_FORMULAS, ERROR_CELLS), 0)
        for sheet in read_sheets(path):
            if not sheet.visible:
                left_out[HIDDEN_SHEETS] += bool(sheet.rows)
                continue
            faults = list(sheet.faults.values())
            left_out[OPEN_FORMULAS] += faults.count(FORMULA)
            left_out[ERROR_CELLS] += faults.count(ERROR)
            if sheet.name:
                with builder.part("sheet", sheet.name):
                    _add_rows(builder, sheet.rows)
            else:
                _add_rows(builder, sheet.rows)
        return builder.conversion(path, left_out)


class Json:
    """Reads records; a part for each of a list, or of a file of lines."""

    def __init__(self, extensions: tuple[str, ...]) -> None:
        self.extensions = extensions

    def convert(self, path: Path) -> Conversion:
        """Read the records (see `ragtally.api.Converter`)."""
        text = read_text(path)
        builder = DocumentBuilder()
        if path.suffix.lower() == ".json":
            value = _parse(path, text, None)
            records = list(enumerate(value, start=1)) if isinstance(value, list) else []
            if not records:
                for line in _lines(value, ""):
                    builder.add(line)
        else:
            lines = enumerate(text.split("\n"), start=1)
            records = [(number, _parse(path, line, number)) for number, line in lines if line.strip()]
        for number, record in records:
            with builder.part("row", number):
                for line in _lines(record, ""):
                    builder.add(line)
        return builder.conversion(path)


def _add_rows(builder: DocumentBuilder, rows: Sequence[Row]) -> None:
    lines = table_lines([row.cells for row in rows])
    for row, line in zip(rows, lines, strict=True):
        with builder.part("row", row.number, gap="\n"):
            builder.add(line)


def _names(cells: Sequence[str]) -> list[str] | None:
    """A row as the names of columns: several different texts, none of them a number."""
    names = [one_line(cell) for cell in cells]
    words = [name for name in names if name]
    if len(words) < 2 or len(set(words)) < len(words) or any(_is_number(word) for word in words):
        return None
    return names


def record_line(names: Sequence[str], cells: Sequence[str]) -> str:
    """Write the cells of a row that hold something, each after its column's name."""
    pairs = zip([*names, *[""] * len(cells)], map(one_line, cells), strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def one_line(cell: str) -> str:
    """A cell without line ends and further white space."""
    return " ".join(cell.split())


def _is_number(word: str) -> bool:
    return not any(map(str.isalpha, word))


def _parse(path: Path, text: str, line: int | None) -> Any:
    if not text.strip():
        raise without_words(path)
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        place = line or getattr(error, "lineno", None)
        message = f"this is no JSON: {error}"
        raise ConversionError("damaged", path, message, hint="fix the file, or remove it", line=place) from error


def _lines(value: Any, name: str) -> Iterator[str]:
    """Every field of a record as a line with its name; names within others with dots."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _lines(inner, name)
    elif (text := cell_text(value)).strip():
        yield f"{name}: {text}" if name else text
