"""What a cell's answers cost: tokens, dollars and seconds of the calls, whenever they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ragtally.results.metrics import rounded
from ragtally.steps import ASK, Task
from ragtally.tables import load_answers, load_base_rows
from ragtally.workspace import Workspace

_COUNTED = ("input_tokens", "output_tokens", "seconds")


@dataclass(frozen=True, slots=True)
class Cost:
    """The sums over some questions' answers; None where not every answer tells."""

    input_tokens: int | None = None  # Tokens put in
    output_tokens: int | None = None  # Tokens that came out
    dollars: float | None = None  # US dollars at today's price; what a recorded answer says it cost
    answer_seconds: float | None = None  # Seconds that the answers took when they were made


def cost_of(votes: Sequence[Task], question_set: str, kept: Task | None, workspace: Workspace) -> Cost:
    """Sum up what the votes on a set of questions cost."""
    rows = None
    if question_set == "base" and kept is not None:
        rows = pl.DataFrame({"question": load_base_rows(workspace.entry(kept))}).cast(pl.Int32)
    answers = [_answers(task.inputs["read"][0], workspace) for task in dict.fromkeys(votes)]
    table = pl.concat(answers) if rows is None else pl.concat(answers).join(rows, on="question", how="semi")
    return Cost(*(_total(table[name]) for name in ("input_tokens", "output_tokens", "dollars", "seconds")))


def costs_by_question(votes: Sequence[Task], workspace: Workspace) -> dict[str, pl.Series]:
    """Sum up what the votes on each question cost."""
    answers = [_answers(task.inputs["read"][0], workspace) for task in dict.fromkeys(votes)]
    named = {"input_tokens": "input_tokens", "output_tokens": "output_tokens", "dollars": "dollars"}
    sums = {
        name: pl.select(pl.sum_horizontal([table[column] for table in answers], ignore_nulls=False)).to_series()
        for name, column in {**named, "answer_seconds": "seconds"}.items()
    }
    return {name: column.round(10) if column.dtype == pl.Float64 else column for name, column in sums.items()}


def cost_columns(costs: Sequence[Cost]) -> dict[str, list[Any]]:
    """Write costs as columns of a result table."""
    return {
        "input_tokens": [cost.input_tokens for cost in costs],
        "output_tokens": [cost.output_tokens for cost in costs],
        "dollars": [rounded(cost.dollars) for cost in costs],
        "answer_seconds": [rounded(cost.answer_seconds) for cost in costs],
    }


def _answers(task: Task, workspace: Workspace) -> pl.DataFrame:
    table = load_answers(workspace.entry(task))
    if task.step is not ASK:
        return table
    # A call that failed costs nothing; one that was answered tells its seconds.
    failed = pl.col("seconds").is_null()
    table = table.with_columns(pl.when(failed).then(0).otherwise(pl.col(name)).alias(name) for name in _COUNTED)
    price = workspace.registry.traits(task.choices["model"]).charged
    if price is None:
        return table
    rows = table.select("input_tokens", "output_tokens", "seconds").iter_rows()
    dollars = [price.dollars(put_in, came_out, seconds) for put_in, came_out, seconds in rows]
    return table.with_columns(dollars=pl.Series(dollars, dtype=pl.Float64))


def _total(column: pl.Series) -> Any:
    return None if column.null_count() else column.sum()
