"""train: fit the model that casts one vote of a reader that learns."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import (
    DataError,
    Examples,
    Location,
    LossPoint,
    Reading,
    ReportingReader,
    ResumableReader,
    StoreError,
    TrainableReader,
    TrainingSession,
    Vote,
)
from ragtally.steps.step import Step, Work
from ragtally.store import read_json, write_json
from ragtally.store.locks import FileLock
from ragtally.tables import (
    load_answer_options,
    load_base,
    load_base_rows,
    load_example_answers,
    load_reading,
    write_losses,
    write_training_report,
)

_LOSSES = "losses.json"
_CHECKPOINTS = "checkpoints"


def run(work: Work) -> None:
    """Write what the reader saves of its model, and its losses and its report of the training where it has some."""
    reader: TrainableReader = work.build("reader")
    folders = (work.input("prepare"), work.input("sample"), work.input("context"))
    reading, labels = load_training_set(*folders, work.optional("base"))
    require_labels(labels, work.task.location)
    examples, vote = Examples(reading, labels.to_list()), Vote(**work.task.settings["vote"])
    if isinstance(reader, ResumableReader):
        _train_in_session(reader, examples, vote, work)
    else:
        reader.train(examples, vote)
    reader.save(work.folder)
    if isinstance(reader, ReportingReader):
        write_training_report(work.folder, reader.report())


def load_training_set(dataset: Path, sample: Path, context: Path, base: Path | None) -> tuple[Reading, pl.Series]:
    """Read what is learnt: questions with their gold contexts, and their labels."""
    rows = None if base is None else load_base_rows(base)
    return load_reading(context, dataset, sample, rows), load_training_labels(sample, base)


def load_training_labels(sample: Path, base: Path | None) -> pl.Series:
    """Read the labels that are learnt, silver ones of a base among them; of open answers the first references."""
    if base is None:
        return load_example_answers(sample)
    is_open = not load_answer_options(sample)
    return load_example_answers(sample).gather(load_base_rows(base)) if is_open else load_base(base)["label"]


def require_labels(labels: pl.Series, location: Location | None) -> None:
    """Refuse to learn from questions without a label."""
    if labels.null_count():
        raise DataError(
            f"{labels.null_count()} of {len(labels)} questions to learn from have no label",
            location=location,
            hint="name a labelled split under train: {split: ...}, or let voters label it: train: {from: base, ...}",
        )


def _train_in_session(reader: ResumableReader, examples: Examples, vote: Vote, work: Work) -> None:
    lock = FileLock(work.scratch / "lock")
    if not lock.take():
        raise StoreError(
            f"another process trains {work.task.label} already",
            location=work.task.location,
            hint="wait until it is done, then run this again: it takes the model from the store",
        )
    try:
        losses = _Losses(work)
        folder = work.scratch / _CHECKPOINTS
        folder.mkdir(exist_ok=True)
        reader.train_in(TrainingSession(folder, losses.record), examples, vote)
        write_losses(work.folder, losses.points)
    finally:
        lock.release()


class _Losses:
    """The losses so far, on disk with each of them, so that the curve of a training that went on is whole."""

    def __init__(self, work: Work) -> None:
        self._work, self._path = work, work.scratch / _LOSSES
        self.points: list[LossPoint] = []
        with suppress(OSError, ValueError, KeyError, TypeError):
            self.points = [LossPoint(**point) for point in read_json(self._path)["points"]]

    def record(self, point: LossPoint, steps: int) -> None:
        self.points = [*(earlier for earlier in self.points if earlier.step < point.step), point]
        content: dict[str, Any] = {"points": [asdict(each) for each in self.points]}
        write_json(self._path, content)
        self._work.watch_losses(self._work.task, self.points, steps)


TRAIN = Step("train", 1, run, inputs=("prepare", "sample", "context", "base"), can_leave=True)
