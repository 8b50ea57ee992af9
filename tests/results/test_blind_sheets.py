"""Blind sheets: what people see, in every form, and what is refused of what comes back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from ragtally.api import RagtallyError
from ragtally.results.blind_sheets import COLUMNS, BlindRow, read_grades, write_sheet
from ragtally.results.people import Draw
from ragtally.support.sheets import read_sheets

ROWS = [
    BlindRow("a1", "Which river?", ("Tarn", "the Tarn"), "=It is the Tarn"),
    BlindRow("b2", "How many?", ("1,000",), "Ação:\nmany"),
    BlindRow("c3", "Who?", ("Ada",), "-"),
]
ANSWERS = {row.item: row for row in ROWS}
RECORD = Draw("towns", {"doubtful": ("a1",), "right": ("b2", "c3"), "wrong": ()}, ("a1", "b2", "c3"))
Grades = dict[str, str]


def fill_csv(path: Path, grades: Grades) -> None:
    header, *rows = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True))
    for row in rows:
        row[header.index("grade")] = grades.get(row[0], "")
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, delimiter=";").writerows([header, *rows])


def fill_xlsx(path: Path, grades: Grades) -> None:
    (sheet,) = read_sheets(path)
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        for number, row in enumerate(sheet.rows):
            cells = list(row.cells)
            if number:
                cells[COLUMNS.index("grade")] = grades.get(cells[0], "")
            for column, cell in enumerate(cells):
                page.write_string(number, column, cell)


def fill_json(path: Path, grades: Grades) -> None:
    tasks = json.loads(path.read_text(encoding="utf-8"))
    for task in tasks:
        word = grades.get(task["data"]["item"])
        result = [{"from_name": "grade", "type": "choices", "value": {"choices": [word]}}]
        task["annotations"] = [{"completed_by": {"email": "ada@example.org"}, "result": result}] if word else []
    path.write_text(json.dumps(tasks), encoding="utf-8")


@pytest.mark.parametrize(("suffix", "fill"), [(".csv", fill_csv), (".xlsx", fill_xlsx), (".json", fill_json)])
def test_what_people_write_is_read_in_every_form(
    tmp_path: Path, suffix: str, fill: Callable[[Path, Grades], None]
) -> None:
    path = tmp_path / f"sheet{suffix}"
    write_sheet(path, ROWS, "person 1")
    first = path.read_bytes()
    write_sheet(path, ROWS, "person 1")
    assert path.read_bytes() == first
    words = {"a1": "right", "b2": "wrong"} if suffix == ".json" else {"a1": "Certo", "b2": "0"}
    fill(path, words)
    grades, empty = read_grades([path], RECORD, ANSWERS, None)
    assert {grade.item: grade.grade for grade in grades} == {"a1": "right", "b2": "wrong"} and empty == 1
    assert {grade.person for grade in grades} == {"ada@example.org" if suffix == ".json" else "person 1"}
    assert {grade.answer for grade in grades} == {"=It is the Tarn", "Ação:\nmany"}
    assert {grade.person for grade in read_grades([path], RECORD, ANSWERS, "Eva")[0]} == {"Eva"}


def test_a_sheet_is_blind_and_runs_no_formula(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.csv", ROWS, "person 1")
    text = (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "item,question,right answers,answer,grade,remark,person"
    assert ",'=It is the Tarn," in text and ",'-," in text
    write_sheet(tmp_path / "sheet.json", ROWS, "")
    assert set(json.loads((tmp_path / "sheet.json").read_text())[0]["data"]) == {
        "item", "question", "references", "answer",
    }  # fmt: skip
    assert 'name="grade"' in (tmp_path / "sheet.xml").read_text()


HEADER = "item,question,answer,grade,person\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.csv", f"{HEADER}a1,,,good,Ada\nb2,,,right,\nzz,,,right,Ada\n",
         ["s.csv:2: 'good' is no grade", "s.csv:3: nobody is named", "s.csv:4: no answer 'zz' was drawn"]),
        ("s.csv", f"{HEADER}a1,,,right,Ada\na1,,,wrong,Ada\n", ["s.csv:3: Ada grades the answer a1 twice"]),
        ("s.csv", f"{HEADER}a1,,Another answer,right,Ada\n", ["not the answer of the item a1", "cells have moved"]),
        ("s.csv", f"{HEADER}x1,,,right,Ada\nx2,,,wrong,Ada\n", ["none of its 2 items was drawn for towns"]),
        ("s.csv", f"{HEADER}a1,,,,Ada\n", ["nothing is graded"]),
        ("s.csv", "name,grade\na1,right\n", ["no columns item and grade"]),
        ("s.csv", f'{HEADER}a1,,"open,right,Ada\n', ["a quotation mark is opened"]),
        ("s.xlsx", "no workbook", ["s.xlsx"]),
        ("s.txt", "item grade", ["this is no sheet", "CSV, XLSX, ODS"]),
        ("s.json", "{", ["this is no JSON"]),
        ("s.json", '[{"item": "a1"}]', ["no list of Label Studio's tasks", "JSON-MIN"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sheet_is_told_at_once_with_place_and_remedy(
    tmp_path: Path, name: str, text: str, words: list[str]
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RagtallyError) as caught:
        read_grades([path], RECORD, ANSWERS, None)
    errors: list[Any] = getattr(caught.value, "errors", [caught.value])
    message = "\n".join(map(str, errors))
    assert all(word in message for word in words), message
    assert caught.value.exit_code == 2 and all(error.hint or error.location for error in errors)
