"""The grid: every cell with its picks, scores and costs, and how they depend on chunk size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally.analysis import Analysis
from ragtally.present.builds import builds_table
from ragtally.present.cells import (
    AXES,
    CONTEXT_COLUMNS,
    CONTEXT_NOTE,
    COST_COLUMNS,
    Cells,
    answer_units,
    chart_point,
    chunk_sizes,
    context_fields,
    cost_fields,
    metric_columns,
    missing_scores,
    remarks,
    unanswered_columns,
)
from ragtally.present.numbers import unit_notes
from ragtally.present.table import Chart, Column, Section, Table


def grid_section(sets: Sequence[Cells], analysis: Analysis | None = None) -> Section:
    """All cells of the grid, on each set of questions."""
    title = "All cells"
    metrics = answer_units(sets, "grid")
    # What is to be known of rankings stands beside them.
    notes = remarks(row for cells in sets for row in cells.rows.values() if not row["ranking"])
    if not metrics:
        return Section("grid", title, empty="No cell of the grid answers.", notes=notes)
    lead = (
        "The best first; click a heading to sort by another column. Intervals are of single cells; a star marks those"
        " not distinguishable from the best of the grid, with one error rate for all cells together."
    )
    rows = [sets[0].rows[name] for name in sets[0].of_kind("grid")]
    builds = builds_table("grid-builds", f"cell, on {sets[0].question_set}", rows, metrics)
    return Section("grid", title, lead, tables=(_table(sets, metrics, analysis), *builds), notes=notes)


def _table(sets: Sequence[Cells], metrics: Mapping[str, str], analysis: Analysis | None) -> Table:
    axes = [axis for axis in AXES if any(axis in cells.shown_axes() for cells in sets)]
    rows: list[tuple[Any, ...]] = []
    groups, strong = [], []
    unanswered = unanswered_columns((cells, name) for cells in sets for name in cells.of_kind("grid"))
    for cells in sets:
        best = set(cells.best(analysis.metric)) if analysis else set()
        for name in _best_first(cells, analysis):
            if analysis is not None and name == analysis.chosen_cell:
                strong.append(len(rows))
            rows.append(
                (
                    f"{name} ★" if name in best else name,
                    "★" if name in best else "",
                    *(cells.labels[axis].get(name) for axis in axes),
                    *(cells.estimate(name, metric) for metric in metrics),
                    *(cells.unanswered(name) for _ in unanswered),
                    *context_fields(cells.rows[name]),
                    *cost_fields(cells.cost(name)),
                    name,
                )
            )
            groups.append(f"{cells.question_set}, {cells.questions:,} questions")
    columns = (
        Column("cell", terminal_only=True),
        Column("★", page_only=True, optional=True),
        *(Column(axis, page_only=True) for axis in axes),
        *metric_columns(metrics, 1),
        *unanswered,
        *CONTEXT_COLUMNS,
        *COST_COLUMNS,
        # What the axes say, as commands call it.
        Column("cell", page_only=True),
    )
    cells_rows = [cells.rows[name] for cells in sets for name in cells.of_kind("grid")]
    notes = (*unit_notes(metrics.values()), *missing_scores(cells_rows, metrics), CONTEXT_NOTE)
    return Table(
        "grid-table", "Cells of the grid", columns, tuple(rows), notes, filters=True, groups=tuple(groups),
        strong=frozenset(strong),
    )  # fmt: skip


def _best_first(cells: Cells, analysis: Analysis | None) -> list[str]:
    """The cells of the grid by the metric that decides; in the order of the study where none does."""
    names = cells.of_kind("grid")
    metric = None if analysis is None else analysis.metric
    info = next((one for one in cells.metrics if metric in one.names), None)
    if info is None or metric is None:
        return names
    sign = 1 if info.higher_is_better is False else -1
    values = {name: None if (score := cells.estimate(name, metric)) is None else score.value for name in names}
    return sorted(names, key=lambda name: (values[name] is None, sign * (values[name] or 0.0)))


def chunk_size_section(cells: Cells, analysis: Analysis) -> Section:
    """The deciding metric against chunk size, by retriever and by reader."""
    title = f"{(analysis.metric or 'Quality').capitalize()} against chunk size"
    metric, chosen_cell, sizes = analysis.metric, analysis.chosen_cell, chunk_sizes(cells)
    if metric is None or chosen_cell is None:
        return Section("chunk-size", title, empty="No cell of the grid answers, so there is nothing to compare.")
    if len(set(sizes.values())) < 2:
        return Section("chunk-size", title, empty="The grid has fewer than two chunk sizes.")
    unit, charts = analysis.units[metric], []
    axes = (("retriever", "reader"), ("reader", "retriever"))
    # With one retriever and one reader both charts would be the same line.
    for axis, other in [pair for pair in axes if cells.varies(pair[0])] or axes[:1]:
        names = [name for name in cells.same_but(chosen_cell, "chunker", axis) if name in sizes]
        points = _points(cells, metric, unit, axis, names)
        caption = f"By {axis}; {other}: {cells.labels[other][chosen_cell]}."
        charts.append(Chart(f"size-by-{axis}", caption, "curve", points, metric, unit, axis))
    lead = (
        f"All other picks are those of {chosen_cell}. Whiskers are intervals of single cells: two may overlap and the"
        " paired difference still be real, so let the declared comparisons decide. With the same number of chunks,"
        " small ones also mean less context."
    )
    return Section("chunk-size", title, lead, tuple(charts))


def _points(cells: Cells, metric: str, unit: str, axis: str, names: Sequence[str]) -> list[dict[str, Any]]:
    sizes, chunkers = chunk_sizes(cells), {name: cells.rows[name]["chunker"] for name in names}
    points = []
    for name in names:
        score = cells.estimate(name, metric)
        if score is None or score.value is None:
            continue
        series = cells.labels[axis].get(name, "")
        if len(set(chunkers.values())) > 1:
            series = f"{series}, {chunkers[name]}"
        points.append(chart_point(score, unit, size=sizes[name], series=series))
    return sorted(points, key=lambda point: (point["series"], point["size"]))
