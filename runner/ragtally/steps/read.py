"""read: let a reader cast one vote on every question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Answers, Choice, PluginError, Reader, Reading, Vote
from ragtally.steps import base, context
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.steps.train import vote_settings
from ragtally.store import read_table, write_table

STEP = "read"
VERSION = 1

COLUMNS = {
    "question": pl.Int32(),
    "text": pl.String(),
    "choice": pl.String(),
    "error": pl.String(),
    "input_tokens": pl.Int64(),
    "output_tokens": pl.Int64(),
    "seconds": pl.Float64(),
    "dollars": pl.Float64(),
}


def task(
    factory: TaskFactory,
    prepared: Task,
    sampled: Task,
    reader: Choice,
    vote: Vote,
    *,
    contexts: Task | None,
    model: Task | None,
    kept: Task | None,
    **about: Any,
) -> Task:
    """Describe the work."""
    inputs = {"prepare": prepared, "sample": sampled, "context": contexts, "train": model, "base": kept}
    return factory.task(
        STEP, VERSION, choices={"reader": reader}, settings={"vote": vote_settings(vote)}, inputs=inputs, **about
    )


def run(work: Work) -> None:
    """Write `answers.parquet`, one row a question asked."""
    reader: Reader = work.build("reader")
    model, kept = work.optional("train"), work.optional("base")
    if model is not None:
        reader.load(model)  # type: ignore[attr-defined]
    rows = None if kept is None else base.load_rows(kept)
    reading = context.load_reading(work.optional("context"), work.input("prepare"), work.input("sample"), rows)
    answers = reader.read(reading, Vote(**work.task.settings["vote"]))
    _check(answers, reading, work.task)
    asked = list(range(len(reading))) if rows is None else rows.tolist()
    columns = {"question": asked}
    for name in COLUMNS:
        if name != "question":
            column = getattr(answers, name)
            columns[name] = [None] * len(reading) if column is None else list(column)
    write_table(work.folder / "answers.parquet", columns, COLUMNS)


def load_answers(folder: Path) -> pl.DataFrame:
    """Read the answers."""
    return read_table(folder / "answers.parquet")


def _check(answers: Answers, reading: Reading, task: Task) -> None:
    name = task.choices["reader"].name
    columns = {column: getattr(answers, column) for column in COLUMNS if column != "question"}
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
        if cells[1] is not None and cells[1] not in reading.answers:
            raise PluginError(
                f"the reader {name} chose {cells[1]!r} for {reading.id[row]!r}, outside of the answers",
                location=task.location,
                hint=f"the answers are {', '.join(reading.answers)}; return `text` for words that are to be parsed",
            )
