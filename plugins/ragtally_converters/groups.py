"""Rows of tables that belong together: one document for each ticket, customer or whatever a column names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ragtally import Conversion, ConversionError, did_you_mean
from ragtally.support.sheets import Row, Sheet, read_sheets
from ragtally_converters.builder import DocumentBuilder, without_words
from ragtally_converters.tables import Sheets, one_line, record_line

UNGROUPED = "rows of tables with nothing in the column that groups them"
# A table may have a title, a date, a logo's row above the names of its columns.
_ROWS_ABOVE = 15


class GroupedRows:
    """Reads every visible sheet; a document for each group, a part for each of its rows."""

    def __init__(
        self,
        extensions: tuple[str, ...],
        by: str,
        columns: Sequence[str] | None,
        people: Sequence[str],
        others: str,
    ) -> None:
        self.extensions = extensions
        self._by, self._columns, self._people = by, columns, people
        self._sheets = Sheets(extensions) if others == "rows" else None

    def convert(self, path: Path) -> Conversion:
        """Read the rows (see `ragtally.api.Converter`)."""
        sheets = [sheet for sheet in read_sheets(path) if sheet.visible and sheet.rows]
        if not sheets:
            raise without_words(path)
        tables = [(sheet, header) for sheet in sheets if (header := _header(sheet, self._by)) is not None]
        if not tables and self._sheets is not None:
            return self._sheets.convert(path)
        if not tables:
            names = [one_line(cell) for sheet in sheets for cell in sheet.rows[0].cells if cell.strip()]
            hint = f"{did_you_mean(self._by, names)}; others: rows reads tables without it row by row"
            raise ConversionError("damaged", path, f"no column is named {self._by!r}", hint=hint)
        return self._conversion(path, tables)

    def _conversion(self, path: Path, tables: Sequence[tuple[Sheet, Row]]) -> Conversion:
        groups: dict[str, DocumentBuilder] = {}
        people: dict[str, None] = {}
        ungrouped = 0
        for sheet, header in tables:
            names = [one_line(cell) for cell in header.cells]
            by, places, of_people = self._places(path, names)
            for row in sheet.rows:
                if row.number <= header.number:
                    continue
                group = _cell(row, by)
                ungrouped += not group
                if not group:
                    continue
                line = record_line([names[place] for place in places], [_cell(row, place) for place in places])
                people |= dict.fromkeys(filter(None, (_cell(row, place) for place in of_people)))
                if group not in groups:
                    groups[group] = DocumentBuilder()
                    groups[group].add(f"{names[by]}: {group}")
                where = f"{sheet.name}!{row.number}" if len(tables) > 1 else row.number
                with groups[group].part("row", where, gap="\n"):
                    groups[group].add(line)
        if not groups:
            raise without_words(path)
        documents = [builder.document(group) for group, builder in groups.items()]
        return Conversion(documents, {UNGROUPED: ungrouped} if ungrouped else {}, tuple(people))

    def _places(self, path: Path, names: Sequence[str]) -> tuple[int, list[int], list[int]]:
        by = _place(names, self._by)
        assert by is not None
        every = [place for place, name in enumerate(names) if name and place != by]
        places = every if self._columns is None else list(self._find(path, names, self._columns, "columns"))
        return by, places, list(self._find(path, names, self._people, "people"))

    def _find(self, path: Path, names: Sequence[str], columns: Sequence[str], key: str) -> Iterator[int]:
        for name in columns:
            place = _place(names, name)
            if place is None:
                hint = did_you_mean(name, [other for other in names if other])
                raise ConversionError("damaged", path, f"there is no column {name!r} (`{key}`)", hint=hint)
            yield place


def _header(sheet: Sheet, name: str) -> Row | None:
    for row in sheet.rows[:_ROWS_ABOVE]:
        if _place([*map(one_line, row.cells)], name) is not None:
            return row
    return None


def _place(names: Sequence[str], name: str) -> int | None:
    """The place of a column, by its name in any case."""
    plain = one_line(name).casefold()
    places = [place for place, other in enumerate(names) if other.casefold() == plain]
    return places[0] if places else None


def _cell(row: Row, place: int) -> str:
    return one_line(row.cells[place]) if place < len(row.cells) else ""
