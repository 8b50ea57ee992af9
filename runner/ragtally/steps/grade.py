"""grade: say of each open verdict whether it is right, by the graders in order."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ragtally.api import ABSTENTION, Grade, Grader, OpenAnswer, PluginError
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import load_questions, load_verdicts

# Who decided where no grader had to.
ENGINE = "abstention"


def run(work: Work) -> None:
    """Write `grades.parquet`: `question`, `right` (None where not graded) and `grader`, which decided."""
    questions = load_questions(work.input("sample"))
    verdicts = load_verdicts(work.input("vote"))
    graders = {choice.name: work.registry.build(choice) for choice in work.task.choices.values()}
    language = work.task.settings["language"]
    rows = questions[verdicts["question"].to_list()]
    grades: list[tuple[bool | None, str | None]] = []
    texts_and_references = (rows["text"].to_list(), rows["references"].to_list())
    for verdict, text, references in zip(verdicts["verdict"].to_list(), *texts_and_references, strict=True):
        grades.append((None, None) if verdict is None else _grade(graders, verdict, text, references, language))
    columns = {
        "question": verdicts["question"],
        "right": [right for right, _ in grades],
        "grader": [grader for _, grader in grades],
    }
    write_table(
        work.folder / "grades.parquet", columns, {"question": pl.Int32, "right": pl.Boolean, "grader": pl.String}
    )


def _grade(
    graders: dict[str, Grader], verdict: str, question: str, references: Sequence[str], language: str
) -> tuple[bool | None, str | None]:
    """Whether a verdict is right, and who says so; the first grader that says right or wrong decides."""
    # To abstain is right exactly where there is nothing to answer: no grader is rows.
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


GRADE = Step("grade", 1, run, inputs=("sample", "vote"))
