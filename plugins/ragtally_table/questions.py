"""The rows of the table of questions: ids, labels, splits, and where their answers are said to stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragtally import DataError, Location
from ragtally_table.rows import Table, TableRow, raise_first, read_table

KEYS = ("id", "question", "answer", "references", "evidence", "document", "page", "split", "person")
"""What a column can be."""
ONE_SPLIT = "all"
UNUSED_COLUMNS = "columns of the table of questions that are not used"


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """One question."""

    row: TableRow
    id: str
    text: str
    label: str | None
    split: str
    quotes: Sequence[str] = ()
    documents: Sequence[str] = ()  # The names of documents as written
    pages: Sequence[str] = ()
    references: Sequence[str] = ()  # Right answers as texts


@dataclass(frozen=True, slots=True)
class QuestionTable:
    """All questions, and the table that they are from."""

    table: Table
    places: Mapping[str, int]  # Of the columns that are used
    questions: Sequence[TableQuestion]
    reference_places: Sequence[int] = ()
    answers: tuple[str, ...] = ()  # The different labels, the most frequent first
    splits: tuple[str, ...] = (ONE_SPLIT,)
    left_out: Mapping[str, int] = field(default_factory=dict)
    people: Sequence[str] = ()

    def answer_location(self, answer: str) -> Location | None:
        """The first cell with an answer."""
        for question in self.questions:
            if question.label == answer:
                return self.table.location(question.row.number, self.places["answer"])
        return None


def read_questions(
    path: Path,
    columns: Mapping[str, str | None],
    references: Sequence[str],
    sheet: str | None,
    header: int | None,
    encoding: str,
) -> QuestionTable:
    """Read the table; of the columns, those with references are named apart, since they may be several."""
    table = read_table(path, sheet=sheet, header=header, encoding=encoding)
    places = {key: table.column(name, f"columns.{key}") for key, name in columns.items() if name}
    reference_places = [table.column(name, "columns.references") for name in references]
    labels = _labels(table, places["answer"]) if "answer" in places else {}
    questions: list[TableQuestion] = []
    rows: dict[str, int] = {}
    errors: list[DataError] = []
    for row in table.rows:
        try:
            question = _question(table, places, reference_places, row, labels)
        except DataError as error:
            errors.append(error)
            continue
        if rows.setdefault(question.id, row.number) != row.number:
            message = f"says {question.id!r}, which is the id of row {rows[question.id]} too"
            errors.append(table.wrong(row.number, places.get("id"), message, "give each question an id of its own"))
        questions.append(question)
    raise_first(errors)
    counts = Counter(question.label for question in questions if question.label is not None)
    answers = tuple(sorted(counts, key=lambda answer: (-counts[answer], answer)))
    if "answer" in places and len(answers) < 2:
        content = f"holds {answers[0]!r} alone" if answers else "holds no answer"
        message = f"the column {columns['answer']!r} {content}: there must be two different answers"
        raise table.wrong(None, None, message, "name another column as `columns.answer`, or leave it out")
    splits = tuple(dict.fromkeys(question.split for question in questions))
    in_use = {*places.values(), *reference_places}
    spare = sum(1 for place, name in enumerate(table.names) if name and place not in in_use)
    left_out = {UNUSED_COLUMNS: spare} if spare else {}
    people = [name for row in table.rows for name in table.texts(row, places["person"])] if "person" in places else ()
    return QuestionTable(table, places, questions, reference_places, answers, splits, left_out, people)


def _question(
    table: Table,
    places: Mapping[str, int],
    reference_places: Sequence[int],
    row: TableRow,
    labels: Mapping[str, str],
) -> TableQuestion:
    def text(key: str) -> str:
        return table.text(row, places[key]) if key in places else ""

    def require(key: str, missing: str) -> str:
        value = text(key)
        if not value:
            raise table.wrong(row.number, places[key], f"is empty: {missing}", "fill it, or delete the row")
        return value

    answer = text("answer")
    return TableQuestion(
        row,
        require("id", "the question has no id") if "id" in places else str(row.number),
        require("question", "there is no question"),
        labels[_same_label(answer)] if answer else None,
        require("split", "the question is in no split") if "split" in places else ONE_SPLIT,
        table.texts(row, places["evidence"]) if "evidence" in places else (),
        table.texts(row, places["document"]) if "document" in places else (),
        [page for one in table.texts(row, places["page"]) for page in _pages(one)] if "page" in places else (),
        list(dict.fromkeys(text for place in reference_places for text in table.texts(row, place))),
    )


def _labels(table: Table, place: int) -> dict[str, str]:
    """How each label is written: those that differ in case or white space alone are one, as most rows write it."""
    spellings = Counter(text for row in table.rows if (text := table.text(row, place)))
    labels: dict[str, str] = {}
    for spelling in sorted(spellings, key=lambda spelling: (-spellings[spelling], spelling)):
        labels.setdefault(_same_label(spelling), spelling)
    return labels


def _same_label(label: str) -> str:
    return " ".join(label.casefold().split())


def _pages(text: str) -> list[str]:
    """`12`, `S. 12`, `pp. 12-14`, `3; 5`: numbers of pages. Anything else is the name of a part."""
    pages: list[str] = []
    for piece in re.split(r"[;,]", text):
        numbers = re.fullmatch(r"\s*(?:[^\W\d]+\.?\s*)?(\d{1,6})(?:\s*[-–]\s*(\d{1,6}))?\s*", piece)
        if numbers is None:
            return [text]
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        pages += map(str, range(first, min(max(first, last), first + 1_000) + 1))
    return pages
