"""train: fit the model that casts one vote of a reader that learns."""

from __future__ import annotations

from collections.abc import Sequence
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
    PiecewiseReader,
    ReaderTraits,
    Reading,
    ReportingReader,
    ResumableReader,
    StoreError,
    TrainableReader,
    TrainingPiece,
    TrainingSession,
    Vote,
)
from ragtally.steps.step import Shard, Sharding, Step, Work
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
    reader, examples, vote = work.build("reader"), _examples(work), _vote(work)
    if isinstance(reader, ResumableReader):
        _train_in_session(reader, examples, vote, work)
    else:
        reader.train(examples, vote)
    _write(reader, work)


def _count(work: Work) -> int:
    # A reader that has no pieces is not built to learn that: it may load a model for it.
    traits: ReaderTraits = work.registry.traits(work.task.choices["reader"])
    return _piecewise(work).count_pieces(_examples(work)) if traits.in_pieces else 1


def _prepare_pieces(work: Work) -> None:
    _piecewise(work).prepare_pieces(work.folder, _examples(work))


def _run_piece(work: Work, shard: Shard) -> None:
    piece = TrainingPiece(shard.number, shard.count, work.shared, work.folder)
    _piecewise(work).do_piece(piece, _examples(work))


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    reader = _piecewise(work)
    reader.train_from_pieces(work.shared, pieces, _examples(work), _vote(work))
    _write(reader, work)


def _piecewise(work: Work) -> PiecewiseReader:
    reader: PiecewiseReader = work.build("reader")
    return reader


def _examples(work: Work) -> Examples:
    folders = (work.input("prepare"), work.input("sample"), work.input("context"))
    reading, labels = load_training_set(*folders, work.optional("base"))
    require_labels(labels, work.task.location)
    return Examples(reading, labels.to_list())


def _vote(work: Work) -> Vote:
    return Vote(**work.task.settings["vote"])


def _write(reader: TrainableReader, work: Work) -> None:
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


TRAIN = Step(
    "train",
    1,
    run,
    inputs=("prepare", "sample", "context", "base"),
    sharding=Sharding(_count, _run_piece, _merge, first=_prepare_pieces),
    can_leave=True,
)
