"""What people say of open answers: which are drawn for them, with which probability, and the sheet of their grades.

The sheet is a CSV file of the user's, which the spec names; beside it stands a record of the draw. Neither is a
result: DVC deletes those before it makes them again.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ragtally.api import DataError, Location, derive_seed, raise_all
from ragtally.store import read_json, write_json, write_text
from ragtally.support.sheets import read_sheets

DOUBTFUL, RIGHT, WRONG = "doubtful", "right", "wrong"
STRATA = (DOUBTFUL, RIGHT, WRONG)
"""Answers whose ballots differ or could not all be read, and those of which every ballot says the same."""
GRADES: Mapping[str, float] = {"right": 1.0, "wrong": 0.0, "unsure": 0.5}
_COLUMNS = ("item", "person", "grade", "question", "answer", "remark")
# Of answers that no judge doubts, at least so many of each kind are drawn, where there are as many.
_LEAST = 10


@dataclass(frozen=True, slots=True)
class Draw:
    """Which answers are put before people."""

    study: str
    frames: Mapping[str, tuple[str, ...]]  # By stratum the items that could be drawn, sorted
    sample: tuple[str, ...]  # Those that were, in the order in which people see them


@dataclass(frozen=True, slots=True)
class PersonGrade:
    """One row of the sheet: what one person says of one answer."""

    item: str
    person: str
    grade: str  # One of `GRADES`
    question: str = ""
    answer: str = ""
    remark: str = ""


def stratum_of(ballots: Sequence[bool | None]) -> str:
    """Whether judges doubt an answer, and what they say if they do not."""
    if set(ballots) == {True}:
        return RIGHT
    return WRONG if set(ballots) == {False} else DOUBTFUL


def draw(study: str, strata: Mapping[str, Iterable[str]], size: int, seed: int) -> Draw:
    """Draw answers for people: half of them doubtful ones, which come first, the rest of the others as they come."""
    # By the hash of each item, so that a larger draw holds a smaller one, and grades that are there still count.
    frames = {name: tuple(sorted(strata.get(name, ()))) for name in STRATA}
    sizes = _sizes({name: len(frame) for name, frame in frames.items()}, size)

    def shuffle(items: Iterable[str]) -> list[str]:
        return sorted(items, key=lambda item: derive_seed(seed, "people", item))

    sample = {name: shuffle(frame)[: sizes[name]] for name, frame in frames.items()}
    # What judges say must not show in the order of the others.
    others = shuffle(item for name in (RIGHT, WRONG) for item in sample[name])
    return Draw(study, frames, (*sample[DOUBTFUL], *others))


def _sizes(frames: Mapping[str, int], size: int) -> dict[str, int]:
    size = min(size, sum(frames.values()))
    doubtful = min(frames[DOUBTFUL], math.ceil(size / 2))
    rest, others = size - doubtful, frames[RIGHT] + frames[WRONG]
    right = round(rest * frames[RIGHT] / others) if others else 0
    least = min(_LEAST, rest // 2)
    right = min(max(right, least, rest - frames[WRONG]), frames[RIGHT], max(rest - least, rest - frames[WRONG]))
    wrong = min(rest - right, frames[WRONG])
    return {DOUBTFUL: size - right - wrong, RIGHT: right, WRONG: wrong}


def record_path(sheet: Path) -> Path:
    """Where the record of the draw stands."""
    return sheet.with_name(f"{sheet.stem}.drawn.json")


def write_draw(record: Draw, sheet: Path) -> None:
    """Write the record of a draw beside the sheet."""
    write_json(record_path(sheet), asdict(record))


def load_draw(sheet: Path) -> Draw | None:
    """Read the record of a draw; None where nothing was drawn yet."""
    path = record_path(sheet)
    if not path.is_file():
        return None
    content = read_json(path)
    frames = {name: tuple(frame) for name, frame in content["frames"].items()}
    return Draw(content["study"], frames, tuple(content["sample"]))


def load_grades(sheet: Path) -> list[PersonGrade]:
    """Read the sheet; every row that is not as it should be is told at once."""
    if not sheet.is_file():
        return []
    (table,) = read_sheets(sheet)
    rows = table.rows[1:]
    names = [cell.strip() for cell in table.rows[0].cells] if table.rows else []
    if missing := [name for name in _COLUMNS[:3] if name not in names]:
        raise DataError(
            f"the sheet has no column {', '.join(missing)}",
            location=Location(str(sheet), 1),
            hint="take grades in with: ragtally grade STUDY --read FILE",
        )
    grades, errors = [], []
    for row in rows:
        cells = dict(zip(names, [*row.cells, *[""] * len(names)], strict=False))
        grade = PersonGrade(**{name: cells.get(name, "").strip() for name in _COLUMNS})
        if grade.grade not in GRADES or not grade.item or not grade.person:
            message = f"{grade.grade!r} of {grade.person or 'nobody'} is no grade of an answer"
            hint = f"item and person are given, and the grade is one of {', '.join(GRADES)}"
            errors.append(DataError(message, location=Location(str(sheet), row.number), hint=hint))
        grades.append(grade)
    twice = Counter((grade.item, grade.person) for grade in grades)
    for (item, person), count in twice.items():
        if count > 1:
            message = f"{person} grades the answer {item} {count} times"
            errors.append(DataError(message, location=Location(str(sheet)), hint="remove all of these rows but one"))
    raise_all(errors)
    return grades


def write_grades(grades: Iterable[PersonGrade], sheet: Path) -> None:
    """Write the sheet, in an order of its own: the same grades are the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for grade in sorted(grades, key=lambda grade: (grade.item, grade.person)):
        writer.writerow([getattr(grade, name) for name in _COLUMNS])
    write_text(sheet, text.getvalue())


def grades_by_item(grades: Iterable[PersonGrade]) -> dict[str, dict[str, float]]:
    """What each person says of each item, from 0 to 1."""
    by_item: dict[str, dict[str, float]] = {}
    for grade in sorted(grades, key=lambda grade: grade.person):
        by_item.setdefault(grade.item, {})[grade.person] = GRADES[grade.grade]
    return by_item


def probabilities(record: Draw | None, items: Iterable[str]) -> dict[str, tuple[str, float]]:
    """By item of the frame its stratum, and the probability with which somebody graded it."""
    # Who stops half-way through the sheet has graded the first of a stratum's random order: as good as fewer drawn.
    if record is None:
        return {}
    grades = set(items).intersection(record.sample)
    return {
        item: (name, len(grades.intersection(frame)) / len(frame))
        for name, frame in record.frames.items()
        for item in frame
    }
