"""grade: say of each open verdict whether it is right, by the graders in order; judges have spoken before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ragtally.api import ABSTENTION, Grade, Grader, OpenAnswer, PluginError
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import load_ballots, load_judgments, load_questions, load_verdicts

# Who decided where no grader had to.
ENGINE = "abstention"
# What judges say of an answer that they were asked about.
_WORDS = {True: "right", False: "wrong", None: "no verdict"}

_SCHEMA = {"question": pl.Int32, "right": pl.Boolean, "grader": pl.String, "ballots": pl.List(pl.Boolean)}


def run(work: Work) -> None:
    """Write `grades.parquet`: `question`, `right` (None where not graded), `grader`, and whether `ballots` are."""
    # Where there are judges, `by_judges` holds what they say; None where they were not asked.
    verdicts = load_verdicts(work.input("vote"))
    questions = load_questions(work.input("sample"))[verdicts["question"].to_list()]
    graders: dict[str, Grader | None] = {
        choice.name: None if work.registry.traits(choice).criteria else work.registry.build(choice)
        for choice in work.task.choices.values()
    }
    language, folder = work.task.settings["language"], work.optional("judge")
    judgment_of = {} if folder is None else dict(load_judgments(folder).select("question", "verdict").iter_rows())
    votes = [load_ballots(entry.folder)["ballot"].to_list() for entry in work.entries["parse"]]
    schema = _SCHEMA if folder is None else {**_SCHEMA, "by_judges": pl.String()}
    columns: dict[str, list[Any]] = {name: [] for name in schema}
    texts = (verdicts["question"].to_list(), questions["text"].to_list(), questions["references"].to_list())
    for verdict, *cast, row, text, references in zip(verdicts["verdict"].to_list(), *votes, *texts, strict=True):
        # Judges are asked about verdicts alone: where a ballot says something else, they said nothing of it.
        judgments = {verdict: judgment_of.get(row)}
        # Equal answers of one question are graded once.
        grades = {None: (None, None)} | {
            each: grade_answer(graders, OpenAnswer(text, each, tuple(references), language), judgments)
            for each in {verdict, *cast}
            if each is not None
        }
        right, grader = grades[verdict]
        values = {"question": row, "right": right, "grader": grader, "ballots": [grades[each][0] for each in cast]}
        values["by_judges"] = _WORDS[judgment_of[row]] if row in judgment_of else None
        for name, column in columns.items():
            column.append(values[name])
    write_table(work.folder / "grades.parquet", columns, schema)


def grade_answer(
    graders: Mapping[str, Grader | None], answer: OpenAnswer, judgments: Mapping[str | None, bool | None]
) -> tuple[bool | None, str | None]:
    """Whether an answer is right, and who says so; the first grader that says right or wrong decides."""
    # Judges are the grader that is None; what they say of texts is given.
    if answer.verdict == ABSTENTION or not answer.references:
        # To abstain is right exactly where there is nothing to answer: no grader is asked.
        return answer.verdict == ABSTENTION and not answer.references, ENGINE
    unmatched_by, is_open = None, False
    for name, grader in graders.items():
        if grader is None:
            right = judgments.get(answer.verdict)
            if right is not None:
                return right, name
            is_open = True
            continue
        grade = grader.grade(answer)
        if not isinstance(grade, Grade):
            raise PluginError(f"the grader {name} says {grade!r}", hint="return a ragtally.Grade")
        if grade in (Grade.RIGHT, Grade.WRONG):
            return grade is Grade.RIGHT, name
        if grade is Grade.NO_MATCH:
            unmatched_by = name
    # What judges leave open is not wrong because its words are others than the references'.
    return (None, None) if is_open or unmatched_by is None else (False, unmatched_by)


GRADE = Step("grade", 1, run, inputs=("sample", "vote", "parse", "judge"), can_leave=True)
