"""What `dvc plots show` and `dvc plots diff` draw: small tables, and the page that they draw them on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.analysis import Analysis
from ragtally.present.cells import AXES, Cells, chunk_sizes
from ragtally.present.charts import vega
from ragtally.present.costs import front_points
from ragtally.results import Results

Columns = Mapping[str, Sequence[Any]]
NO_ANSWER = "no answer"
_DIGITS = 10


def plot_tables(results: Results, analysis: Analysis, cells: Cells) -> dict[str, Columns]:
    """The tables of `plots/`; each is there in every study, though it may have no rows."""
    return {
        "chunk_size.csv": _chunk_size(analysis, cells),
        "confusion.csv": _confusion(results, analysis),
        "pareto_dollars.csv": _pareto(analysis, cells, "dollars"),
        "pareto_seconds.csv": _pareto(analysis, cells, "seconds"),
    }


def _chunk_size(analysis: Analysis, cells: Cells) -> Columns:
    """The deciding metric of every grid cell by chunk size; `series` is all that tells cells of a size apart."""
    # DVC takes the last column for the y-axis, and calls that what the column is called.
    names = ("chunk_size", "series", "low", "high", analysis.metric or "value")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    if analysis.metric is None:
        return columns
    axes = [axis for axis in AXES if axis != "chunker" and cells.varies(axis)]
    for name, size in sorted(chunk_sizes(cells).items(), key=lambda item: item[1]):
        score = cells.estimate(name, analysis.metric)
        if score is not None and score.value is not None:
            picks = [_pick(axis, cells.labels[axis][name]) for axis in axes if name in cells.labels[axis]]
            series = ", ".join(picks)
            _add(columns, (size, series or "grid", score.low, score.high, score.value))
    return columns


def _pick(axis: str, label: str) -> str:
    """Call a pick what it is: names speak for themselves, numbers do not."""
    if axis == "votes":
        return f"{label} vote{'' if label == '1' else 's'}"
    return f"{axis.replace('_', ' ')} {label}" if label.isdigit() else label


def _confusion(results: Results, analysis: Analysis) -> Columns:
    """Label and answer of each question in the chosen cell."""
    answers = (
        results.answers.filter(pl.col("cell") == analysis.chosen_cell)
        if analysis.chosen_cell
        else results.answers.clear()
    )
    if results.is_open:
        # Open answers have no classes that could be confused.
        answers = answers.clear()
    if analysis.question_set == "base":
        answers = answers.filter("in_base")
    return {"label": answers["label"].to_list(), "answer": answers["verdict"].fill_null(NO_ANSWER).to_list()}


def _pareto(analysis: Analysis, cells: Cells, cost: str) -> Columns:
    """Cost of a question and deciding metric of each cell whose cost is known; no rows where nothing costs any."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("cell", f"{cost}_per_question", "front", "low", "high", analysis.metric or "value")
    }
    if cost in analysis.fronts and analysis.metric is not None:
        unit = analysis.units[analysis.metric]
        points = front_points(analysis.fronts[cost], cost, analysis.metric, unit, cells)
        for point in points if any(point["x"] for point in points) else ():
            _add(columns, (point["cell"], point["x"], point["series"], point["low"], point["high"], point["value"]))
    return columns


def _add(columns: Mapping[str, list[Any]], values: Sequence[Any]) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(round(value, _DIGITS) if isinstance(value, float) else value)


def plots_page() -> str:
    """The page that DVC fills with plots; it holds what draws them, and may ask no network."""
    template = (resources.files("ragtally.present") / "assets" / "plots.html").read_text(encoding="utf-8")
    return template.replace("{vega}", vega())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(plots_page(), encoding="utf-8")
