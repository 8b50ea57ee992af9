"""train: fit the model that casts one vote of a reader that learns."""

from __future__ import annotations

from ragtally.api import DataError, Examples, TrainableReader, Vote
from ragtally.steps.step import Step, Work
from ragtally.tables import load_base, load_base_rows, load_questions, load_reading


def run(work: Work) -> None:
    """Write what the reader saves of its model."""
    reader: TrainableReader = work.build("reader")
    base = work.optional("base")
    rows = None if base is None else load_base_rows(base)
    reading = load_reading(work.input("context"), work.input("prepare"), work.input("sample"), rows)
    labels = (load_questions(work.input("sample")) if base is None else load_base(base))["label"]
    if labels.null_count():
        raise DataError(
            f"{labels.null_count()} of {len(labels)} questions to learn from have no label",
            location=work.task.location,
            hint="name a labelled split under train: {split: ...}, or let voters label it: train: {from: base, ...}",
        )
    reader.train(Examples(reading, labels.to_list()), Vote(**work.task.settings["vote"]))
    reader.save(work.folder)


TRAIN = Step("train", 1, run, inputs=("prepare", "sample", "context", "base"))
