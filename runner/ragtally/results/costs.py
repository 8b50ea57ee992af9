"""What answers cost: tokens, dollars and seconds of the calls, whenever they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ragtally.results.metrics import round_number
from ragtally.steps import ASK, Task
from ragtally.tables import load_answers, load_base_rows
from ragtally.workspace import Workspace

# Columns of the answers of a step, by the name that they have in the result files.
_SOURCES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "dollars": "dollars",
    "answer_seconds": "seconds",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Sums over some questions' answers; None where the number of some answer is unknown."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    dollars: float | None = None  # US dollars at today's price; of a recorded answer, what its file says
    answer_seconds: float | None = None  # Seconds that the answers took when they were made


def cost_of(votes: Sequence[Task], question_set: str, base_task: Task | None, workspace: Workspace) -> Cost:
    """The cost of the votes on a set of questions."""
    # Two votes may be one task, where a reader draws nothing: it was paid once.
    table = pl.concat([_answers(task.inputs["read"][0], workspace) for task in dict.fromkeys(votes)])
    if question_set == "base" and base_task is not None:
        rows = pl.DataFrame({"question": load_base_rows(workspace.entry(base_task))}).cast(pl.Int32)
        table = table.join(rows, on="question", how="semi")
    totals: dict[str, Any] = {
        name: None if table[source].null_count() else table[source].sum() for name, source in _SOURCES.items()
    }
    return Cost(**totals)


def costs_by_question(votes: Sequence[Task], workspace: Workspace) -> dict[str, pl.Series]:
    """The cost of the votes on each question."""
    answers = [_answers(task.inputs["read"][0], workspace) for task in dict.fromkeys(votes)]
    sums = {
        name: pl.select(pl.sum_horizontal([table[source] for table in answers], ignore_nulls=False)).to_series()
        for name, source in _SOURCES.items()
    }
    return {name: column.round(10) if column.dtype == pl.Float64 else column for name, column in sums.items()}


def cost_columns(costs: Sequence[Cost]) -> dict[str, list[Any]]:
    """Costs as columns of a result file."""
    return {
        "input_tokens": [cost.input_tokens for cost in costs],
        "output_tokens": [cost.output_tokens for cost in costs],
        "dollars": [round_number(cost.dollars) for cost in costs],
        "answer_seconds": [round_number(cost.answer_seconds) for cost in costs],
    }


def _answers(task: Task, workspace: Workspace) -> pl.DataFrame:
    table = load_answers(workspace.entry(task))
    if task.step is not ASK:
        return table
    # A call that failed costs nothing; every one that was answered has its seconds.
    has_failed = pl.col("seconds").is_null()
    table = table.with_columns(
        pl.when(has_failed).then(0).otherwise(pl.col(name)).alias(name)
        for name in ("input_tokens", "output_tokens", "seconds")
    )
    price = workspace.registry.traits(task.choices["model"]).effective_price
    if price is None:
        return table
    rows = table.select("input_tokens", "output_tokens", "seconds").iter_rows()
    return table.with_columns(dollars=pl.Series([price.dollars(*row) for row in rows], dtype=pl.Float64))
