"""What repeats another example, or a question that tests models, is not kept; and it is said what it repeats."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ragtally.examples.example import VERDICTS, Example, Outcome, Turn, row_of
from ragtally.examples.wording import Kind
from ragtally.steps import DEDUPLICATE, PREPARE, SEED, Step, Task, Work
from ragtally.store import write_table
from ragtally.tables import load_examples, write_examples
from workbench import Bench

QUESTIONS = [
    "How long is the warranty of the pump?",
    "how long is THE WARRANTY of the pump",  # The same words
    "Who may open the pump?",  # Rejected
    "Who may open the pump?",  # The same, but accepted
    "What is said about the river at night?",  # Nearly a test question
    "Where is the shop?",
]
STATUS = ["accepted_by_validators"] * 2 + ["rejected"] + ["accepted_by_validators"] * 3
TESTS = {"id": ["q1", "q2"], "text": ["What is said about the river at night", "Other"], "split": ["test", "train"]}


@pytest.fixture
def outcomes(bench: Bench, tmp_path: Path) -> pl.DataFrame:
    examples = [
        Example(Kind.QUESTION_ANSWER, (Turn("user", text), Turn("assistant", f"Answer {number}.")))
        for number, text in enumerate(QUESTIONS)
    ]

    def write(work: Work) -> None:
        write_examples(work.folder, [row_of(each, generator=0, origin="generate") for each in examples])

    def grade(work: Work) -> None:
        rows = {
            "example": [each.id for each in examples], "status": STATUS, "failed": [[]] * 6, "undecided": [[]] * 6,
            "reasons": [["grounded: no"] if status == "rejected" else [] for status in STATUS],
        }  # fmt: skip
        write_table(work.folder / "example_verdicts.parquet", pl.DataFrame(rows, schema=VERDICTS))

    def prepare(work: Work) -> None:
        write_table(work.folder / "questions.parquet", pl.DataFrame(TESTS))

    def task(step: Step, run: object, **more: object) -> Task:
        return bench.factory.task(Step(step.name, 99, run, step.inputs), **more)  # type: ignore[arg-type]

    inputs = {
        "examples": task(SEED, write),
        "validate": task(SEED, grade, settings={"a": 1}),
        "questions": task(PREPARE, prepare),
    }
    settings = {"similarity": 0.8, "splits": ["test"]}
    return load_examples(bench.do(bench.factory.task(DEDUPLICATE, settings=settings, inputs=inputs)))


def test_each_example_has_one_outcome(outcomes: pl.DataFrame) -> None:
    first = outcomes["example"][0]
    assert list(outcomes.select("status", "duplicate_of").iter_rows()) == [
        (Outcome.ACCEPTED, None),
        (Outcome.DUPLICATE, first),
        (Outcome.REJECTED, None),
        # What was rejected stands in nobody's way.
        (Outcome.ACCEPTED, None),
        (Outcome.LEAKS_TEST_QUESTION, "q1"),
        (Outcome.ACCEPTED, None),
    ]


def test_reasons_stay(outcomes: pl.DataFrame) -> None:
    assert outcomes["reasons"].to_list() == [[], [], ["grounded: no"], [], [], []]
