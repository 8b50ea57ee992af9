"""read: let a reader cast one vote on every question."""

from __future__ import annotations

from ragtally.api import Answers, PluginError, Reader, Reading, Vote
from ragtally.steps.step import Step, Task, Work
from ragtally.store import write_table
from ragtally.tables import ANSWERS, load_base_rows, load_reading


def run(work: Work) -> None:
    """Write `answers.parquet`, one row per question."""
    reader: Reader = work.build("reader")
    model, base = work.optional("train"), work.optional("base")
    if model is not None:
        reader.load(model)  # type: ignore[attr-defined]
    rows = None if base is None else load_base_rows(base)
    reading = load_reading(work.optional("context"), work.input("prepare"), work.input("sample"), rows)
    answers = reader.read(reading, Vote(**work.task.settings["vote"]))
    _check(answers, reading, work.task)
    columns = {"question": list(range(len(reading))) if rows is None else rows.tolist()}
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


READ = Step("read", 1, run, inputs=("prepare", "sample", "context", "train", "base"), can_leave=True)
