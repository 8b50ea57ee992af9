"""The examples that a reader learns from: what is left out and why, in whose words, and with which passage."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ragtally.api import DataError, Reading
from ragtally.curation.curated import CURATED
from ragtally.examples.example import Example, Source, Turn, row_of
from ragtally.examples.wording import Kind
from ragtally.steps import CURATE, PREPARE, SPLIT, TRAINING_SET, Step, Task, Work
from ragtally.steps.training_set import (
    NOT_INCLUDED,
    OTHER_ANSWER,
    OTHER_KIND,
    OTHER_SET,
    TEST_DOCUMENT,
    TEST_QUESTION,
)
from ragtally.store import write_table
from ragtally.tables import load_example_answers, load_reading
from workbench import Bench

DOCUMENTS = {
    "own": "The pump heals. It is quiet.",
    "tested": "The pump is what the test question is about, whatever anybody says.",
    "copy": "The pump is what the test question is about, whatever anybody says!",
    "dev": "The valve stands apart.",
}
QUESTION = "Does the pump heal by night?"


def label(text: str, answer: str, document: str | None = "own") -> Example:
    turns = (Turn("user", text), Turn("assistant", answer))
    source = Source(document, 0, 15, None) if document else Source()
    return Example(Kind.LABEL, turns, label=answer, source=source)


# Example, whether it is included, its set, what became of it before people, its round.
ROWS: list[tuple[Example, bool, str | None, str, int]] = [
    (label("It heals quickly.", "yes"), True, "train", "accepted_by_validators", 0),
    (label("It never worked.", "no", None), True, "train", "accepted_by_validators", 1),
    (label("Wrong but written.", "no"), False, None, "rejected", 0),
    (label("Accepted, then rejected by a person.", "yes"), False, None, "accepted_by_validators", 0),
    (label("Does the pump heal by NIGHT", "yes"), True, "train", "accepted_by_validators", 0),
    (label("From a document of the test.", "yes", "tested"), True, "train", "accepted_by_validators", 0),
    (label("From a copy of that document.", "yes", "copy"), True, "train", "accepted_by_validators", 0),
    (label("Of the set dev.", "no", "dev"), True, "dev", "accepted_by_validators", 0),
    (label("Rejected, from a document of dev.", "no", "dev"), False, None, "rejected", 0),
    (replace(label("What is it?", "A pump."), kind=Kind.CHAT, label=None), True, "train", "not_validated", 0),
]


def table() -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for example, is_included, _, status, number in ROWS:
        row = row_of(example, generator=0, origin="generate", round=number)
        row |= dict.fromkeys(name for name in CURATED if name not in row)
        rows.append(row | {"status": status, "reasons": [], "included": is_included, "one_by_one": None})
    # A person edited the first one.
    edit = {"edited_turns": [{"role": "user", "text": "It heals, slowly."}, {"role": "assistant", "text": "yes"}]}
    rows[0] |= edit | {"edited_label": "yes"}
    return pl.DataFrame(rows, schema=CURATED)


@dataclass
class Training:
    """Does the step with some settings, and reads what comes of it."""

    bench: Bench
    inputs: dict[str, Task]

    def do(self, **settings: Any) -> Path:
        usual = {"answers": ["yes", "no"], "kinds": ["label"], "curation": "full", "test_documents": False}
        own = {**usual, "near_duplicates": 0.8, "splits": ["test"], **settings}
        return self.bench.do(self.bench.factory.task(TRAINING_SET, settings=own, inputs=self.inputs))

    def reading(self, folder: Path) -> Reading:
        return load_reading(folder, self.bench.do(self.inputs["prepare"]), folder)


@pytest.fixture
def training(bench: Bench) -> Training:
    def task(step: Step, run: Callable[[Work], None]) -> Task:
        return bench.factory.task(Step(step.name, 99, run, step.inputs))

    def prepare(work: Work) -> None:
        write_table(work.folder / "documents.parquet", {"id": list(DOCUMENTS), "text": list(DOCUMENTS.values())})
        questions = {"id": ["q", "other"], "text": [QUESTION, "Another one?"], "split": ["test", "train"]}
        write_table(work.folder / "questions.parquet", questions)
        spans = {"question": [0, 1], "document": [1, 0], "start": [0, 0], "end": [4, 4], "grade": [1, 1]}
        write_table(work.folder / "evidence.parquet", pl.DataFrame(spans, schema=dict.fromkeys(spans, pl.Int32)))

    def split(work: Work) -> None:
        rows = [(example.id, name, 0) for example, _, name, _, _ in ROWS if name]
        columns = pl.DataFrame(rows, schema=["example", "split", "group"], orient="row")
        write_table(work.folder / "splits.parquet", columns)

    dataset = task(PREPARE, prepare)
    curated = task(CURATE, lambda work: write_table(work.folder / "examples.parquet", table()))
    inputs = {"prepare": dataset, "curate": curated, "split": task(SPLIT, split), "questions": dataset}
    return Training(bench, inputs)


def left_out(folder: Path) -> dict[str, int]:
    funnel = json.loads((folder / "funnel.json").read_text(encoding="utf-8"))
    assert funnel["written"] == len(ROWS) == funnel["sampled"] + sum(funnel["left_out"].values())
    return dict(funnel["left_out"])


def test_what_people_accepted_is_learnt_in_their_words(training: Training) -> None:
    folder = training.do()
    reading = training.reading(folder)
    assert reading.question == ["It heals, slowly.", "It never worked."]
    assert reading.passages == [["The pump heals."], []] and reading.answers == ("yes", "no")
    assert load_example_answers(folder).to_list() == ["yes", "no"]
    assert np.load(folder / "words.npy").tolist() == [3, 0]
    assert left_out(folder) == {
        NOT_INCLUDED: 3, OTHER_SET: 1, OTHER_KIND: 1, TEST_QUESTION: 1, TEST_DOCUMENT: 2,
    }  # fmt: skip


def test_without_people_it_is_what_validators_accepted_as_it_was_written(training: Training) -> None:
    folder = training.do(curation="validators")
    questions = training.reading(folder).question
    assert questions == ["It heals quickly.", "It never worked.", "Accepted, then rejected by a person."]


def test_without_curation_it_is_what_was_written_first_and_nothing_leaks(training: Training) -> None:
    folder = training.do(curation="none", test_documents=True)
    assert training.reading(folder).question == [
        "It heals quickly.", "Wrong but written.", "Accepted, then rejected by a person.",
        "From a document of the test.", "From a copy of that document.",
    ]  # fmt: skip
    # One of the set dev itself, and one from its document.
    assert left_out(folder)[OTHER_SET] == 2


def test_labels_that_are_no_answers_are_left_out(training: Training) -> None:
    folder = training.do(answers=["yes"])
    assert training.reading(folder).question == ["It heals, slowly."]
    assert left_out(folder)[OTHER_ANSWER] == 1


def test_open_answers_are_the_last_turns(training: Training) -> None:
    folder = training.do(answers=[], kinds=["chat"])
    assert load_example_answers(folder).to_list() == ["A pump."]
    assert training.reading(folder).answers == ()


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"kinds": ["instruction"]}, "none of 10 examples is left to learn from: 6 of a kind", "kinds: [label]"),
        (
            {"answers": ["yes", "no", "maybe"]},
            "has the answer 'maybe'; 2 of 10 have another",
            "`answers`",
        ),
    ],
)
def test_too_few_are_an_error_with_a_remedy(training: Training, settings: Any, message: str, hint: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        training.do(**settings)
    assert hint in str(raised.value.hint)
