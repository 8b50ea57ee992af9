"""Tables of questions or documents: CSV, TSV, workbooks, JSON Lines, Parquet, with the place of every cell."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragtally import ConversionError, DataError, Location, did_you_mean, raise_all
from ragtally.support.sheets import TEXT_TABLES, WORKBOOKS, Sheet, cell_text, column_letters, read_sheets
from ragtally.support.text_files import read_bytes, read_text
from ragtally.support.unique_keys import unique_keys

MOST_ERRORS = 20
"""How many errors of one kind are shown."""
_ONE_OBJECT = "write each row as a JSON object, one per line (.jsonl) or all of them in a list (.json)"
RECORDS = (".jsonl", ".ndjson", ".json", ".parquet")
TABLES = (*TEXT_TABLES, *WORKBOOKS, *RECORDS)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row below the header."""

    number: int  # As the program that shows the table counts; the line of a text file
    cells: Sequence[Any]  # Text; in JSON and Parquet also numbers and lists


@dataclass(frozen=True, slots=True)
class Table:
    """A table with names of columns."""

    path: Path
    sheet: str  # Of a workbook
    names: Sequence[str]
    rows: Sequence[TableRow]
    header: int | None = None  # The row of the names, where they are in one
    faults: Mapping[tuple[int, int], str] = field(default_factory=dict)  # Of cells that only look empty

    def column(self, name: str, key: str) -> int:
        """The place of a column; `key` is what of the spec names it."""
        for same in (str, _caseless):
            places = [place for place, other in enumerate(self.names) if other and same(other) == same(name)]
            if len(places) > 1:
                letters = " and ".join(column_letters(place + 1) for place in places)
                raise self.wrong(None, None, f"two columns are named {name!r}: {letters}", "rename one of them")
            if places:
                return places[0]
        hint = did_you_mean(name, [other for other in self.names if other])
        if self.header is not None:
            hint += "; where the names are in another row, `header` says in which"
        raise self.wrong(self.header, None, f"there is no column {name!r} (`{key}`)", hint)

    def texts(self, row: TableRow, place: int) -> list[str]:
        """What stands in a cell, without outer white space: several texts where it is a list, none where empty."""
        value = row.cells[place] if place < len(row.cells) else ""
        if isinstance(value, dict):
            raise self.wrong(row.number, place, "holds an object, and must hold text", "write it as text")
        if (row.number, place + 1) in self.faults:
            what = self.faults[row.number, place + 1]
            raise self.wrong(
                row.number,
                place,
                f"holds {what}",
                "open the file in Excel or LibreOffice and save it, or type the value in",
            )
        values = value if isinstance(value, list | tuple) else [value]
        return [unicodedata.normalize("NFC", text) for one in values if (text := cell_text(one).strip())]

    def text(self, row: TableRow, place: int) -> str:
        """The one text of a cell; empty where there is none."""
        texts = self.texts(row, place)
        if len(texts) > 1:
            raise self.wrong(row.number, place, f"holds {len(texts)} values, and must hold one", "keep one of them")
        return texts[0] if texts else ""

    def column_texts(self, name: str, most: int | None = None) -> list[str]:
        """The texts of a column, without empty cells; of a long one those of its first rows."""
        place = self.column(name, name)
        return [text for row in self.rows[:most] for text in self.texts(row, place)]

    def wrong(self, row: int | None, place: int | None, message: str, hint: str) -> DataError:
        """An error about a cell, a row or the whole table."""
        if place is not None:
            message = f"the cell of {self.names[place]!r} {message}"
        return DataError(message, location=self.location(row, place), hint=hint)

    def location(self, row: int | None, place: int | None = None) -> Location:
        """Where a cell or a row is: `faq.xlsx[Sheet1!C7]`, `faq.csv:7`."""
        if self.path.suffix.lower() in WORKBOOKS:
            cell = "" if row is None else f"row {row}" if place is None else f"{column_letters(place + 1)}{row}"
            return Location(f"{self.path}[{self.sheet}{'!' if cell else ''}{cell}]")
        if row is not None and self.path.suffix.lower() in (".parquet", ".json"):
            return Location(f"{self.path}[row {row}]")
        return Location(str(self.path), row)


def read_table(path: Path, *, sheet: str | None = None, header: int | None = None, encoding: str = "auto") -> Table:
    """Read a table of any kind."""
    suffix = path.suffix.lower()
    if suffix not in TABLES:
        hint = f"save it as one of {', '.join(TABLES)}"
        message = f"no table can be read from a file named {suffix or 'without an ending'}"
        raise DataError(message, location=Location(str(path)), hint=hint)
    if suffix in RECORDS:
        names, rows = _parquet(path) if suffix == ".parquet" else _json_rows(path, encoding)
        table = Table(path, "", names, rows)
    else:
        table = _with_header(_choose(path, read_sheets(path, encoding), sheet), header)
    if not table.rows:
        raise table.wrong(None, None, "the table has no row below its header", "fill it, or name another `sheet`")
    return table


def raise_first(errors: Sequence[DataError], remedy: str | None = None) -> None:
    """Raise errors of one kind, as many as anybody reads; the last says what to do about all of them."""
    first = list(errors[:MOST_ERRORS])
    if len(errors) > len(first):
        first.append(DataError(f"and {len(errors) - len(first):,} more of these errors"))
    if first and remedy:
        first[-1].hint = f"{first[-1].hint}; {remedy}" if first[-1].hint else remedy
    raise_all(first)


def _choose(path: Path, sheets: Sequence[Sheet], name: str | None) -> Sheet:
    location = Location(str(path))
    if name is not None:
        for sheet in sheets:
            if sheet.name == name:
                return sheet
        hint = did_you_mean(name, [sheet.name for sheet in sheets if sheet.name])
        raise DataError(f"there is no sheet {name!r}", location=location, hint=hint)
    candidates = [sheet for sheet in sheets if sheet.rows and sheet.visible]
    if not candidates:
        raise DataError("the file holds no row", location=location, hint="fill it, or get it again")
    if len(candidates) > 1:
        message = f"{len(candidates)} sheets hold rows: {', '.join(repr(sheet.name) for sheet in candidates)}"
        raise DataError(message, location=location, hint=f"name one of them: sheet: {candidates[0].name}")
    return candidates[0]


def _with_header(sheet: Sheet, header: int | None) -> Table:
    rows = list(sheet.rows)
    if header is not None:
        rows = [row for row in rows if row.number >= header]
        if not rows or rows[0].number != header:
            here = Table(sheet.path, sheet.name, [], [])
            hint = "`header` is the number of the row with the names of the columns"
            raise here.wrong(header, None, "the row of the header is empty", hint)
    if not rows:
        return Table(sheet.path, sheet.name, [], [])
    names = [" ".join(unicodedata.normalize("NFC", cell).split()) for cell in rows[0].cells]
    below = [TableRow(row.number, row.cells) for row in rows[1:]]
    table = Table(sheet.path, sheet.name, names, below, rows[0].number, sheet.faults)
    hint = "a cell that holds the sign between cells, or a line end, must be in quotation marks"
    raise_first(
        [
            table.wrong(row.number, None, f"the row has {len(row.cells)} cells, the header {len(names)}", hint)
            for row in below
            if any(cell.strip() for cell in row.cells[len(names) :])
        ]
    )
    return table


def _json_rows(path: Path, encoding: str) -> tuple[list[str], list[TableRow]]:
    text = read_text(path, encoding)
    if path.suffix.lower() == ".json":
        records = list(enumerate(_list(path, text), start=1))
    else:
        lines = enumerate(text.split("\n"), start=1)
        records = [(number, _parse(path, line, number)) for number, line in lines if line.strip()]
    names: dict[str, None] = {}
    for number, record in records:
        if not isinstance(record, dict):
            raise DataError("a row must be a JSON object", location=Location(str(path), number), hint=_ONE_OBJECT)
        names |= dict.fromkeys(record)
    return list(names), [TableRow(number, [record.get(name) for name in names]) for number, record in records]


def _list(path: Path, text: str) -> list[Any]:
    value = _parse(path, text, None)
    if not isinstance(value, list):
        raise DataError("the file must hold a list of objects", location=Location(str(path)), hint=_ONE_OBJECT)
    return value


def _parse(path: Path, text: str, line: int | None) -> Any:
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        location = Location(str(path), line or getattr(error, "lineno", None))
        raise DataError(f"this is no JSON: {error}", location=location, hint="fix the line") from error


def _parquet(path: Path) -> tuple[list[str], list[TableRow]]:
    import polars as pl

    read_bytes(path)
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"the file cannot be read: {error}"
        raise ConversionError("damaged", path, message, hint="write it again") from error
    return frame.columns, [TableRow(number, row) for number, row in enumerate(frame.iter_rows(), start=1)]


def _caseless(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
