"""grade: say of each open verdict whether it is right, by the graders in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ragtally.api import ABSTENTION, Grade, Grader, OpenAnswer, PluginError
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import load_ballots, load_questions, load_verdicts

# Who decided where no grader had to.
ENGINE = "abstention"


_SCHEMA = {"question": pl.Int32, "right": pl.Boolean, "grader": pl.String, "ballots": pl.List(pl.Boolean)}


def run(work: Work) -> None:
    """Write `grades.parquet`: `question`, `right` (None where not graded), `grader`, and whether `ballots` are."""
    verdicts = load_verdicts(work.input("vote"))
    questions = load_questions(work.input("sample"))[verdicts["question"].to_list()]
    graders = {choice.name: work.registry.build(choice) for choice in work.task.choices.values()}
    language = work.task.settings["language"]
    votes = [load_ballots(entry.folder)["ballot"].to_list() for entry in work.entries["parse"]]
    columns: dict[str, list[Any]] = {name: [] for name in _SCHEMA}
    texts = (verdicts["question"].to_list(), questions["text"].to_list(), questions["references"].to_list())
    for verdict, *cast, row, text, references in zip(verdicts["verdict"].to_list(), *votes, *texts, strict=True):
        # Equal answers of one question are graded once.
        grades = {None: (None, None)} | {
            each: _grade(graders, each, text, references, language) for each in {verdict, *cast} if each is not None
        }
        right, grader = grades[verdict]
        values = {"question": row, "right": right, "grader": grader, "ballots": [grades[each][0] for each in cast]}
        for name, column in columns.items():
            column.append(values[name])
    write_table(work.folder / "grades.parquet", columns, _SCHEMA)


def _grade(
    graders: dict[str, Grader], verdict: str, question: str, references: Sequence[str], language: str
) -> tuple[bool | None, str | None]:
    """Whether a verdict is right, and who says so; the first grader that says right or wrong decides."""
    # To abstain is right exactly where there is nothing to answer: no grader is asked.
    if verdict == ABSTENTION or not references:
        return verdict == ABSTENTION and not references, ENGINE
    answer, unmatched_by = OpenAnswer(question, verdict, tuple(references), language), None
    for name, grader in graders.items():
        grade = grader.grade(answer)
        if not isinstance(grade, Grade):
            raise PluginError(f"the grader {name} says {grade!r}", hint="return a ragtally.Grade")
        if grade in (Grade.RIGHT, Grade.WRONG):
            return grade is Grade.RIGHT, name
        if grade is Grade.NO_MATCH:
            unmatched_by = name
    return (None, None) if unmatched_by is None else (False, unmatched_by)


GRADE = Step("grade", 1, run, inputs=("sample", "vote", "parse"))
