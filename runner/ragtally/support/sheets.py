"""Tables of rows and cells as people keep them: CSV, TSV, Excel's and OpenDocument's workbooks.

Every cell is text: `3` for a whole number, `2.5`, `true`, `2024-01-31`; numbers as Excel's General format shows them.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ragtally.api import ConversionError
from ragtally.support.archives import require_archive
from ragtally.support.text_files import decode, read_bytes

TEXT_TABLES = (".csv", ".tsv")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_ARCHIVES = (".xlsx", ".xlsm", ".xlsb", ".ods")
_DELIMITERS = ";,\t|"
_MOST_COLUMNS = 2_000
_LONGEST_CELL = 32_767
# What makes a spreadsheet compute; behind apostrophes too, so that those that a text begins with can be told apart.
_FORMULA_START = re.compile(r"'*[=+\-@\t\r]")

FORMULA, ERROR = "a formula whose value is not stored", "an error value"
"""What may be in a cell that shows no value."""
_SAVE_AGAIN = "open the workbook in Excel or LibreOffice, and save it"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet.

    Attributes:
        number: Its number from 1, as the program that shows the sheet counts; the line of a text file.
        cells: Its cells.
    """

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook, or a whole text file.

    Attributes:
        path: The file.
        name: The sheet's name; empty for a text file.
        rows: Its rows that are not empty, in order.
        visible: Whether the program that shows it does.
        faults: What is wrong with cells that look empty, by row and column number from 1 (`FORMULA`, `ERROR`).
    """

    path: Path
    name: str
    rows: Sequence[Row]
    visible: bool = True
    faults: Mapping[tuple[int, int], str] = field(default_factory=dict)


def column_letters(column: int) -> str:
    """Write a column's letters as spreadsheets do.

    Args:
        column: Its number from 1.

    Returns:
        `A` for 1, `AB` for 28.
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def read_sheets(path: Path, encoding: str = "auto") -> list[Sheet]:
    """Read every sheet of a file.

    Args:
        path: The file; what it is, its extension says.
        encoding: Of a text file, one of `ENCODINGS`.

    Returns:
        The sheets in their order, empty ones included.

    Raises:
        ConversionError: If the file cannot be read.
    """
    if path.suffix.lower() in TEXT_TABLES:
        return [_read_text_table(path, encoding)]
    return _read_workbook(path)


def cell_text(value: Any) -> str:
    """Write a cell's value as text.

    Args:
        value: What a workbook or a column of a table holds.

    Returns:
        The text; empty for nothing.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # 15 digits, as Excel keeps them: 0.1 + 0.2 is 0.3.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ") if value.time() != datetime.time() else value.date().isoformat()
    return str(value)


def safe_cell(text: str) -> str:
    """Write text so that no spreadsheet takes it for a formula (CSV injection).

    Args:
        text: Anything, also from people or models that are not trusted.

    Returns:
        The text, behind an apostrophe where a spreadsheet would compute something; `plain_cell` gives it back.
    """
    return f"'{text}" if _FORMULA_START.match(text) else text


def plain_cell(text: str) -> str:
    """Read text that `safe_cell` wrote.

    Args:
        text: A cell.

    Returns:
        The text without the apostrophe that kept it from being a formula.
    """
    return text[1:] if text.startswith("'") and _FORMULA_START.match(text) else text


def write_sheet(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    """Make a sheet of text for people: CSV, TSV or XLSX, as the extension says; no cell of it is a formula.

    Args:
        path: Where it will lie; nothing is written there.
        header: The names of the columns; the first row stays in sight.
        rows: The cells.
        widths: How wide each column is shown in a workbook, in characters.

    Returns:
        The file's content.

    Raises:
        ConversionError: If a cell is longer than a workbook's can be, or the extension is another one.
    """
    if path.suffix.lower() in TEXT_TABLES:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", lineterminator="\r\n")
        writer.writerows([[safe_cell(cell) for cell in cells] for cells in [header, *rows]])
        # Without the mark Excel takes UTF-8 for an older encoding.
        return b"\xef\xbb\xbf" + buffer.getvalue().encode()
    if path.suffix.lower() != ".xlsx":
        hint = f"name a file that ends in .xlsx, {' or '.join(TEXT_TABLES)}"
        raise ConversionError("unknown kind of file", path, "a sheet cannot be written in this format", hint=hint)
    rows = [[safe_cell(cell) for cell in cells] for cells in rows]
    for number, cells in enumerate(rows, start=2):
        for column, cell in enumerate(cells, start=1):
            if len(cell) > _LONGEST_CELL:
                cell_name = f"{column_letters(column)}{number}"
                message = f"{cell_name} would have {len(cell):,} characters, more than a workbook holds"
                raise ConversionError("too large", path, message, hint="write a CSV file instead")
    # Imported here, since few write workbooks.
    import xlsxwriter

    content = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(content, options) as workbook:
        sheet = workbook.add_worksheet()
        bold = workbook.add_format({"bold": True, "valign": "top"})
        body = workbook.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        for column, (name, width) in enumerate(zip(header, widths, strict=True)):
            sheet.set_column(column, column, width, body)
            sheet.write_string(0, column, name, bold)
        for number, cells in enumerate(rows, start=1):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell, body)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(header) - 1)
    return content.getvalue()


def _read_text_table(path: Path, encoding: str) -> Sheet:
    text = decode(read_bytes(path), path, encoding)
    first, _, rest = text.partition("\n")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ""
    offset = 0
    if separator := re.fullmatch(r"\"?sep=(.)\"?\r?", first):
        # Excel's own way to say what stands between the cells.
        delimiter, text, offset = separator[1], rest, 1
    rows = list(_text_rows(path, text, delimiter or _delimiter(text), offset))
    return Sheet(path, "", rows)


def _delimiter(text: str) -> str:
    """What stands most often between the cells of the first line, quoted text apart."""
    line = next((line for line in io.StringIO(text) if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_DELIMITERS, key=bare.count) if any(sign in bare for sign in _DELIMITERS) else ","


def _text_rows(path: Path, text: str, delimiter: str, offset: int) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = offset + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(line, cells)
            line = offset + reader.line_num + 1
    except csv.Error as error:
        at_end = "end of data" in str(error)
        message = (
            "a quotation mark is opened here and not closed" if at_end else f"this is no row of a table: {error}"
        )
        hint = 'write quotation marks within a cell twice, as "", and the cell in quotation marks'
        raise ConversionError("cut off" if at_end else "damaged", path, message, hint=hint, line=line) from error


def _read_workbook(path: Path) -> list[Sheet]:
    # Imported here, since whoever reads text files does not need it. Reads 100,000 rows in a second or two; openpyxl,
    # read-only, takes 15 times as long.
    import python_calamine as calamine

    faults: Mapping[str, Mapping[tuple[int, int], str]] = {}
    if path.suffix.lower() in _ARCHIVES:
        with require_archive(path) as archive:
            if path.suffix.lower() in (".xlsx", ".xlsm"):
                faults = _faults(archive)
    else:
        read_bytes(path)
    try:
        with calamine.CalamineWorkbook.from_path(path) as workbook:
            return [
                _sheet(path, workbook.get_sheet_by_name(about.name), about, faults.get(about.name, {}), calamine)
                for about in workbook.sheets_metadata
                if about.typ == calamine.SheetTypeEnum.WorkSheet
            ]
    except calamine.PasswordError as error:
        message = "the workbook is encrypted"
        raise ConversionError("encrypted", path, message, hint="save a copy without a password") from error
    except (calamine.CalamineError, calamine.XmlError, calamine.ZipError, OSError, ValueError) as error:
        message = f"the workbook cannot be read: {error}"
        raise ConversionError("damaged", path, message, hint=_SAVE_AGAIN) from error


def _sheet(path: Path, sheet: Any, about: Any, faults: Mapping[tuple[int, int], str], calamine: Any) -> Sheet:
    visible = about.visible == calamine.SheetVisibleEnum.Visible
    start, end = sheet.start, sheet.end
    if start is None or end is None:
        return Sheet(path, about.name, [], visible, faults)
    if end[1] >= _MOST_COLUMNS:
        message = f"the sheet {about.name!r} has {end[1] + 1:,} columns, more than {_MOST_COLUMNS:,}"
        raise ConversionError("too large", path, message, hint="delete the columns that hold nothing")
    left = [""] * start[1]
    columns_of_row = _merged_columns(sheet.merged_cell_ranges or ())
    rows: list[Row] = []
    values: dict[int, str] = {}
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        # Rows come from the first of the sheet, cells from the first column that is used.
        texts = left + [cell if cell.__class__ is str else cell_text(cell) for cell in cells]
        for column, first in columns_of_row.get(number, ()):
            # A merged cell holds for each of its rows.
            values[column] = texts[column] if first else values.get(column, "")
            texts[column] = texts[column] or values[column]
        if any(texts):
            rows.append(Row(number, texts))
    return Sheet(path, about.name, rows, visible, faults)


def _merged_columns(ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> dict[int, list[tuple[int, bool]]]:
    """The columns of merged cells of several rows, by row number; and whether the row is the first of the cell."""
    columns: dict[int, list[tuple[int, bool]]] = {}
    for (top, left), (bottom, _) in ranges:
        if bottom > top:
            for row in range(top, bottom + 1):
                columns.setdefault(row + 1, []).append((left, row == top))
    return columns


_CELL = re.compile(rb"<c\b([^>]*?)(?:/>|>(.*?)</c>)", re.DOTALL)
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def _faults(archive: zipfile.ZipFile) -> dict[str, dict[tuple[int, int], str]]:
    """Cells that calamine takes for empty ones, by sheet: formulas without a value, and error values."""
    try:
        names = {one.get("Id"): one.get("Target", "") for one in _xml(archive, "xl/_rels/workbook.xml.rels")}
        sheets = [one for one in _xml(archive, "xl/workbook.xml").iter() if one.tag.endswith("}sheet")]
    except (KeyError, ElementTree.ParseError, zipfile.BadZipFile):
        return {}  # calamine will say what is wrong
    faults: dict[str, dict[tuple[int, int], str]] = {}
    for sheet in sheets:
        target = names.get(sheet.get(_RELATION, ""), "")
        name = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if name in archive.namelist():
            faults[sheet.get("name", "")] = _cell_faults(archive.read(name))
    return faults


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))


def _cell_faults(xml: bytes) -> dict[tuple[int, int], str]:
    if b' t="e"' not in xml and b"<f" not in xml:
        return {}
    faults: dict[tuple[int, int], str] = {}
    for cell in _CELL.finditer(xml):
        about, content = cell[1], cell[2] or b""
        has_no_value = b"<f" in content and re.search(rb"<v>[^<]|<is>", content) is None
        reference = _REFERENCE.search(about)
        if reference and (b' t="e"' in about or (has_no_value and b't="str"' not in about)):
            column = 0
            for letter in reference[1]:
                column = column * 26 + letter - ord("A") + 1
            faults[int(reference[2]), column] = ERROR if b' t="e"' in about else FORMULA
    return faults


def workbook_bytes(
    rows: Sequence[Sequence[str]], widths: Sequence[float], allowed: Mapping[int, Sequence[str]]
) -> bytes:
    """Write a workbook of one sheet, whose first row is its heading; every cell is text, whatever it looks like.

    Args:
        rows: The cells by row.
        widths: How wide each column is, in characters.
        allowed: By column the texts that its cells below the heading are picked from.

    Returns:
        The content of an XLSX file: the same for the same arguments.
    """
    # Imported here, since few commands write workbooks.
    import xlsxwriter

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as book:
        # Otherwise the time of writing stands in the file.
        book.set_properties({"created": datetime.datetime(2000, 1, 1)})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        wrapped, bold = book.add_format({"text_wrap": True, "valign": "top"}), book.add_format({"bold": True})
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width, wrapped)
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                sheet.write_string(number, column, text, wrapped if number else bold)
        for column, words in allowed.items():
            sheet.data_validation(
                1, column, max(1, len(rows) - 1), column, {"validate": "list", "source": list(words)}
            )
    return content.getvalue()
