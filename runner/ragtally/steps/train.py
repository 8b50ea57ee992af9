"""train: fit the model that casts one vote of a reader that learns."""

from __future__ import annotations

from typing import Any

from ragtally.api import Choice, DataError, Examples, TrainableReader, Vote
from ragtally.steps import context, sample
from ragtally.steps.task import Task, TaskFactory, Work

STEP = "train"
VERSION = 1


def task(
    factory: TaskFactory, prepared: Task, examples: Task, gold: Task, reader: Choice, vote: Vote, **about: Any
) -> Task:
    """Describe the work."""
    inputs = {"prepare": prepared, "sample": examples, "context": gold}
    return factory.task(
        STEP, VERSION, choices={"reader": reader}, settings={"vote": vote_settings(vote)}, inputs=inputs, **about
    )


def vote_settings(vote: Vote) -> dict[str, Any]:
    """Write a vote as settings of a task."""
    return {"purpose": vote.purpose, "index": vote.index, "seed": vote.seed}


def run(work: Work) -> None:
    """Write what the reader saves of its model."""
    reader: TrainableReader = work.build("reader")
    reading = context.load_reading(work.input("context"), work.input("prepare"), work.input("sample"))
    labels = sample.load_questions(work.input("sample"))["label"]
    if labels.null_count():
        raise DataError(
            f"{labels.null_count()} of {len(labels)} questions to learn from have no label",
            location=work.task.location,
            hint="name a labelled split under train: {split: ...}",
        )
    reader.train(Examples(reading, labels.to_list()), Vote(**work.task.settings["vote"]))
    reader.save(work.folder)
