"""The cells of a study with what tells them apart, their scores and their costs, joined from files and verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ragtally.analysis import Analysis
from ragtally.analysis.analysis import CellAnalysis, SetAnalysis
from ragtally.analysis.error_breakdown import ErrorBreakdown
from ragtally.results import Results

# What a cell picks from, in the order of `cells.csv`.
AXES = ("chunker", "retriever", "top_k", "context_words", "reader", "votes", "rule")


@dataclass(frozen=True)
class Cells:
    """The cells on the set of questions on which the study is judged."""

    question_set: str  # `base` or `all`
    judged: SetAnalysis | None  # None where nobody answers
    rows: Mapping[str, Mapping[str, Any]]  # Each cell's row of `cells.csv`, by name
    verdicts: Mapping[str, CellAnalysis]  # By name
    # By axis what to call each cell's pick, by name of the cell: the component, and what parameters tell it from
    # others of its name.
    labels: Mapping[str, Mapping[str, str]]

    def of_kind(self, *kinds: str) -> list[str]:
        """Name the cells of some kinds, in the order of the study."""
        return [name for name, cell in self.verdicts.items() if cell.kind in kinds]

    def varies(self, axis: str) -> bool:
        """Say whether the cells of the grid differ on an axis."""
        return len({self.labels[axis].get(name) for name in self.of_kind("grid")}) > 1

    def same_but(self, cell: str, *free: str) -> list[str]:
        """Name the grid cells that pick as a cell does on every axis but some."""
        fixed = [axis for axis in AXES if axis not in free]
        return [
            name
            for name in self.of_kind("grid")
            if all(self.labels[axis].get(name) == self.labels[axis].get(cell) for axis in fixed)
        ]


def cells_of(results: Results, verdict: Analysis, question_set: str | None = None) -> Cells:
    """Join the cells of one set of questions."""
    wanted = question_set or verdict.question_set
    judged = verdict.sets.get(wanted)
    frame = results.cells.filter(pl.col("question_set") == wanted)
    rows = {row["cell"]: row for row in frame.iter_rows(named=True)}
    verdicts = {} if judged is None else judged.cells
    labels = {axis: _labels(list(rows.values()), axis) for axis in AXES}
    return Cells(wanted, judged, rows, verdicts, labels)


def breakdown_of_chosen(verdict: Analysis) -> ErrorBreakdown | None:
    """Where the chosen cell's answers went."""
    judged = verdict.sets.get(verdict.question_set)
    return None if judged is None or verdict.chosen is None else judged.error_breakdowns.get(verdict.chosen)


def chunk_sizes(cells: Cells) -> Mapping[str, int | float]:
    """Give each grid cell's chunk size, where its chunker has a number called `size`."""
    found = {name: cells.rows[name].get("chunker.size") for name in cells.of_kind("grid")}
    return {name: size for name, size in found.items() if isinstance(size, int | float)}


def _labels(rows: Sequence[Mapping[str, Any]], axis: str) -> dict[str, str]:
    parameters = [key for key in (rows[0] if rows else {}) if key.startswith(f"{axis}.")]
    values: dict[tuple[str, str], set[Any]] = {}
    for row in rows:
        for key in parameters:
            values.setdefault((str(row.get(axis)), key), set()).add(row[key])
    labels = {}
    for row in rows:
        name = row.get(axis)
        if name is None:
            continue
        told = [key for key in parameters if len(values[str(name), key]) > 1 and row[key] is not None]
        inside = ", ".join(f"{key.rpartition('.')[2]} {row[key]}" for key in told)
        labels[row["cell"]] = f"{name} ({inside})" if inside else str(name)
    return labels
