"""Blind sheets: answers for people to grade, who see neither cell nor judge; and what is read of them afterwards.

A sheet is a workbook (XLSX), a CSV file, or the tasks of a Label Studio project (JSON), by its suffix.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import DataError, Location, RagtallyError, raise_all
from ragtally.results.load import Results
from ragtally.results.people import GRADES, Draw, PersonGrade, draw
from ragtally.store import write_bytes, write_text
from ragtally.support.sheets import TEXT_TABLES, WORKBOOKS, read_sheets, workbook_bytes

SUFFIXES = (".xlsx", ".csv", ".json")
COLUMNS = ("item", "question", "right answers", "answer", "grade", "remark", "person")
_WIDTHS = (18, 50, 40, 60, 10, 30, 12)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# What people may write, without their case.
_WORDS: Mapping[str, str] = {
    word: grade
    for grade, words in {
        "right": "right r yes y 1 true correct sim certo certa correto correta sí si correcto verdadero verdadeiro",
        "wrong": "wrong w no n 0 false incorrect não nao errado errada incorreto incorreta incorrecto falso",
        "unsure": "unsure u ? maybe 0.5 talvez quizás quizas",
    }.items()
    for word in words.split()
}
LABEL_STUDIO = """\
<View>
  <Header value="Question"/><Text name="question" value="$question"/>
  <Header value="Right answers"/><Text name="references" value="$references"/>
  <Header value="Answer to grade"/><Text name="answer" value="$answer"/>
  <Choices name="grade" toName="answer" required="true" choice="single">
    <Choice value="right"/><Choice value="wrong"/><Choice value="unsure"/>
  </Choices>
</View>
"""
"""The labelling interface of a Label Studio project for these tasks."""


@dataclass(frozen=True, slots=True)
class BlindRow:
    """An answer as people see it."""

    item: str
    question: str
    references: Sequence[str]
    answer: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that came back."""

    location: Location
    item: str
    person: str
    word: str  # What stands for the grade; empty where nothing does
    answer: str | None = None  # As the sheet shows it; None where it does not
    remark: str = ""


def judged_answers(results: Results) -> dict[str, BlindRow]:
    """The answers of a study whose being right judges were asked about, by item."""
    questions = results.questions.select("id", "question", "references")
    rows = results.judgments.filter(pl.col("criterion") == "right").select("item", "question", "answer")
    table = rows.join(
        questions.rename({"question": "text"}), left_on="question", right_on="id", maintain_order="left"
    )
    return {item: BlindRow(item, text, references, answer) for item, _, answer, text, references in table.iter_rows()}


def draw_answers(results: Results, size: int) -> Draw:
    """Draw answers for people by the study's seed."""
    rows = results.judgments.filter(pl.col("criterion") == "right")
    strata = {str(name): table["item"].to_list() for (name,), table in rows.group_by("doubt")}
    return draw(results.study, strata, size, results.comparisons["seed"])


def write_sheet(path: Path, rows: Sequence[BlindRow], person: str) -> None:
    """Write a blind sheet, whole or not at all."""
    if path.suffix == ".json":
        tasks = [
            {"data": {"item": row.item, "question": row.question, "references": _lines(row), "answer": row.answer}}
            for row in rows
        ]
        write_text(path, json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
        write_text(path.with_suffix(".xml"), LABEL_STUDIO)
        return
    cells = [[row.item, row.question, _lines(row), row.answer, "", "", person] for row in rows]
    if path.suffix == ".xlsx":
        choices = {COLUMNS.index("grade"): list(GRADES)}
        write_bytes(path, workbook_bytes([list(COLUMNS), *cells], _WIDTHS, choices))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    # A spreadsheet would run these texts as formulas.
    writer.writerows([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in [COLUMNS, *cells])
    # Excel takes a CSV file for UTF-8 by its mark alone.
    write_bytes(path, text.getvalue().encode("utf-8-sig"))


def _lines(row: BlindRow) -> str:
    return "\n".join(row.references)


def read_grades(
    paths: Sequence[Path], record: Draw, answers: Mapping[str, BlindRow], person: str | None
) -> tuple[list[PersonGrade], int]:
    """Read sheets that came back; also say how many rows have no grade. All that is wrong is told at once."""
    grades: dict[tuple[str, str], tuple[PersonGrade, Location]] = {}
    errors: list[RagtallyError] = []
    empty = 0
    for path in paths:
        rows = list(_rows(path, person))
        sample = set(record.sample)
        if rows and not any(row.item in sample for row in rows):
            message = f"none of its {len(rows):,} items was drawn for {record.study}"
            hint = "this is the sheet of another study, or of an earlier draw; ragtally grade STUDY writes a new one"
            errors.append(DataError(message, location=Location(str(path)), hint=hint))
            continue
        for row in rows:
            problem = _problem(row, sample, answers)
            key = (row.item, row.person)
            if problem is not None:
                errors.append(DataError(problem[0], location=row.location, hint=problem[1]))
            elif not row.word:
                empty += 1
            elif key in grades:
                message = f"{row.person} grades the answer {row.item} twice, here and in {grades[key][1]}"
                errors.append(DataError(message, location=row.location, hint="remove one of the two rows"))
            else:
                own = answers.get(row.item)
                texts = (own.question, own.answer) if own else ("", "")
                grade = PersonGrade(row.item, row.person, _WORDS[row.word.casefold()], *texts, row.remark)
                grades[key] = grade, row.location
    if not grades and not errors:
        hint = f"write one of {', '.join(GRADES)} into the column grade"
        errors.append(DataError("nothing is graded", location=Location(str(paths[0])), hint=hint))
    raise_all(errors)
    return [grade for grade, _ in grades.values()], empty


def _problem(row: SheetRow, sample: set[str], answers: Mapping[str, BlindRow]) -> tuple[str, str] | None:
    if row.item not in sample:
        return f"no answer {row.item!r} was drawn", "leave the column item as it was written, or remove the row"
    own = answers.get(row.item)
    if own is not None and row.answer and _bare(row.answer) != _bare(own.answer):
        hint = "cells have moved, as when some columns alone are sorted; write the sheet again: ragtally grade STUDY"
        return f"this is not the answer of the item {row.item}", hint
    if row.word and row.word.casefold() not in _WORDS:
        return f"{row.word!r} is no grade", f"write one of {', '.join(GRADES)}, or leave the cell empty"
    if row.word and not row.person:
        return "nobody is named for this grade", "fill in the column person, or give --person NAME"
    return None


def _bare(text: str) -> str:
    # What spreadsheets do to texts: apostrophes before formulas, other line ends, non-breaking spaces.
    return " ".join(text.removeprefix("'").split())


def _rows(path: Path, person: str | None) -> Iterator[SheetRow]:
    if path.suffix.lower() == ".json":
        yield from _tasks(path, person)
        return
    if path.suffix.lower() not in (*TEXT_TABLES, *WORKBOOKS):
        hint = "take in a table (CSV, XLSX, ODS), or the JSON that Label Studio exports"
        raise DataError("this is no sheet", location=Location(str(path)), hint=hint)
    sheets = [sheet for sheet in read_sheets(path) if sheet.rows]
    sheet = next((one for one in sheets if {"item", "grade"} <= {cell.strip() for cell in one.rows[0].cells}), None)
    if sheet is None:
        hint = "take in a file that ragtally grade STUDY wrote, with its first row"
        raise DataError("there are no columns item and grade", location=Location(str(path)), hint=hint)
    names = [cell.strip() for cell in sheet.rows[0].cells]
    for row in sheet.rows[1:]:
        cells = {name: cell.strip() for name, cell in zip(names, row.cells, strict=False)}
        yield SheetRow(
            Location(str(path), row.number),
            cells.get("item", ""),
            person or cells.get("person", ""),
            cells.get("grade", ""),
            cells.get("answer"),
            cells.get("remark", ""),
        )


def _tasks(path: Path, person: str | None) -> Iterator[SheetRow]:
    """The annotations of Label Studio's export (JSON)."""
    location = Location(str(path))
    try:
        tasks = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"it cannot be read: {error.strerror}", location=location) from error
    except ValueError as error:
        hint = "export the project from Label Studio as JSON"
        raise DataError(f"this is no JSON: {error}", location=location, hint=hint) from error
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        hint = "export the project from Label Studio as JSON, not as JSON-MIN"
        raise DataError("this is no list of Label Studio's tasks", location=location, hint=hint)
    for number, task in enumerate(tasks, start=1):
        data: dict[str, Any] = task["data"]
        about = str(data.get("item", "")), data.get("answer")
        for annotation in task.get("annotations", ()):
            words = [
                choice
                for result in annotation.get("result", ())
                for choice in result.get("value", {}).get("choices", ())
            ]
            who = person or _annotator(annotation.get("completed_by"))
            yield SheetRow(Location(str(path), number), about[0], who, " ".join(map(str, words)), about[1])
        if not task.get("annotations"):
            yield SheetRow(Location(str(path), number), about[0], person or "", "", about[1])


def _annotator(who: Any) -> str:
    name = who.get("email", who.get("id", "")) if isinstance(who, dict) else who
    return "" if name in (None, "") else f"{name}"
