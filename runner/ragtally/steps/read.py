"""read: let a reader cast one vote on every question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import Answers, PluginError, Reader, ReaderTraits, Reading, Vote
from ragtally.steps.pieces import pieces_of
from ragtally.steps.step import Shard, Sharding, Step, Task, Work
from ragtally.store import write_table
from ragtally.tables import ANSWERS, load_answers, load_base_rows, load_questions, load_reading


def run(work: Work) -> None:
    """Write `answers.parquet`, one row per question."""
    _read(work, _rows(work))


def _count(work: Work) -> int:
    traits: ReaderTraits = work.registry.traits(work.task.choices["reader"])
    at_once = traits.questions_at_once
    return 1 if at_once is None else pieces_of(len(_rows(work)), at_once)


def _run_piece(work: Work, shard: Shard) -> None:
    """Read some of the questions."""
    rows = _rows(work)
    _read(work, rows[shard.rows(len(rows))])


def _merge(work: Work, pieces: Sequence[Path]) -> None:
    write_table(work.folder / "answers.parquet", pl.concat([load_answers(piece) for piece in pieces]), ANSWERS)


def _rows(work: Work) -> NDArray[np.int64]:
    """The rows of the sample's questions that are read."""
    base = work.optional("base")
    return np.arange(len(load_questions(work.input("sample")))) if base is None else load_base_rows(base)


def _read(work: Work, rows: NDArray[np.int64]) -> None:
    reader: Reader = work.build("reader")
    if (model := work.optional("train")) is not None:
        reader.load(model)  # type: ignore[attr-defined]
    reading = load_reading(work.optional("context"), work.input("prepare"), work.input("sample"), rows)
    answers = reader.read(reading, Vote(**work.task.settings["vote"]))
    _check(answers, reading, work.task)
    columns = {"question": rows.tolist()}
    for name in ANSWERS:
        if name != "question":
            column = getattr(answers, name)
            columns[name] = [None] * len(reading) if column is None else list(column)
    write_table(work.folder / "answers.parquet", columns, ANSWERS)


def _check(answers: Answers, reading: Reading, task: Task) -> None:
    name = task.choices["reader"].name
    columns = {column: getattr(answers, column) for column in ANSWERS if column != "question"}
    for column, values in columns.items():
        if values is not None and len(values) != len(reading):
            rows = f"{len(values)} rows of {column}"
            raise PluginError(f"the reader {name} returned {rows}, not one for each of {len(reading)} questions")
    for row, cells in enumerate(zip(answers.text, answers.choice, answers.error, strict=True)):
        if sum(cell is not None for cell in cells) != 1:
            raise PluginError(f"the reader {name} must set one of text, choice and error for {reading.id[row]!r}")
        if not all(cell is None or isinstance(cell, str) for cell in cells):
            raise PluginError(
                f"the reader {name} must give strings as text, choice and error for {reading.id[row]!r}"
            )
        if cells[1] is not None and reading.answers and cells[1] not in reading.answers:
            raise PluginError(
                f"the reader {name} chose {cells[1]!r} for {reading.id[row]!r}, outside of the answers",
                location=task.location,
                hint=f"the answers are {', '.join(reading.answers)}; return `text` for words that need parsing",
            )


READ = Step(
    "read",
    1,
    run,
    inputs=("prepare", "sample", "context", "train", "base"),
    sharding=Sharding(_count, _run_piece, _merge, fills_machine=True),
    can_leave=True,
)
