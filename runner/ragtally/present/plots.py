"""Small tables that `dvc plots show` and `dvc plots diff` draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ragtally.analysis import Analysis
from ragtally.present.cells import AXES, Cells, chunk_sizes
from ragtally.present.costs import front_rows
from ragtally.results import Results

Columns = Mapping[str, Sequence[Any]]
NO_ANSWER = "no answer"
_DIGITS = 10


def plot_tables(results: Results, verdict: Analysis, cells: Cells) -> dict[str, Columns]:
    """Make the tables of `plots/`; each is there in every study, though it may have no rows."""
    return {
        "chunk_size.csv": _chunk_size(verdict, cells),
        "confusion.csv": _confusion(results, verdict),
        "pareto_dollars.csv": _pareto(verdict, cells, "dollars"),
        "pareto_seconds.csv": _pareto(verdict, cells, "seconds"),
    }


def _chunk_size(verdict: Analysis, cells: Cells) -> Columns:
    """The deciding metric of every grid cell by chunk size; `series` is all that tells cells of a size apart."""
    columns: dict[str, list[Any]] = {name: [] for name in ("chunk_size", "series", "value", "low", "high")}
    if verdict.metric is None:
        return columns
    told = [axis for axis in AXES if axis != "chunker" and cells.varies(axis)]
    for name, size in sorted(chunk_sizes(cells).items(), key=lambda item: item[1]):
        found = cells.verdicts[name].metrics[verdict.metric]
        if found.value is not None:
            picks = [_pick(axis, cells.labels[axis][name]) for axis in told if name in cells.labels[axis]]
            series = ", ".join(picks)
            _add(columns, (size, series or "grid", found.value, found.low, found.high))
    return columns


def _pick(axis: str, label: str) -> str:
    """Call a pick what it is: names speak for themselves, numbers do not."""
    if axis == "votes":
        return f"{label} vote{'' if label == '1' else 's'}"
    return f"{axis.replace('_', ' ')} {label}" if label.isdigit() else label


def _confusion(results: Results, verdict: Analysis) -> Columns:
    """Label and answer of each question in the chosen cell."""
    said = results.answers.filter(pl.col("cell") == verdict.chosen) if verdict.chosen else results.answers.clear()
    if verdict.question_set == "base":
        said = said.filter("in_base")
    return {"label": said["label"].to_list(), "answer": said["verdict"].fill_null(NO_ANSWER).to_list()}


def _pareto(verdict: Analysis, cells: Cells, cost: str) -> Columns:
    """Cost of a question and deciding metric of each cell whose cost is known."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("cell", f"{cost}_per_question", "value", "low", "high", "front")
    }
    if cost in verdict.fronts and verdict.metric is not None:
        for row in front_rows(verdict.fronts[cost], cost, verdict.metric, cells):
            _add(columns, (row["cell"], row["x"], row["value"], row["low"], row["high"], row["series"]))
    return columns


def _add(columns: Mapping[str, list[Any]], values: Sequence[Any]) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(round(value, _DIGITS) if isinstance(value, float) else value)
