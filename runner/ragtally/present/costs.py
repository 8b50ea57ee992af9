"""What quality costs: the Pareto fronts, and the cells that are on one or may be the best."""

from __future__ import annotations

from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.costs import CellCost, ParetoFront
from ragtally.present.cells import Cells, chart_point
from ragtally.present.comparisons import best_first
from ragtally.present.numbers import DOLLARS, SECONDS, form_of, some
from ragtally.present.table import Chart, Column, Section, Table

_UNITS = {"dollars": "dollars per question", "seconds": "seconds per question"}
_COST_FORMS = {"dollars": DOLLARS, "seconds": SECONDS}
_MARKS = {"dollars": "$", "seconds": "s"}
_MOST_NAMES = 6


def costs_section(analysis: Analysis, cells: Cells) -> Section:
    """Which cells are worth their cost."""
    title = "What it costs"
    table = _table(analysis, cells)
    if table is None:
        return Section("costs", title, empty="No cell of the grid answers, so nothing is paid for.")
    if not any(not table.is_empty(number) for number, column in enumerate(table.columns) if column.optional):
        return Section("costs", title, empty="No cost but $0 is known, and nothing was timed.")
    charts, notes = [], []
    metric = analysis.metric or ""
    unit = analysis.units.get(metric, "number")
    for cost, front in analysis.fronts.items() if metric else ():
        points = front_points(front, cost, metric, unit, cells)
        if len({point["x"] for point in points}) > 1:
            caption = f"{metric} against {_UNITS[cost]}; the line joins those that no other beats in both."
            charts.append(Chart(f"front-{cost}", caption, "front", points, metric, unit, _UNITS[cost]))
        if front.unknown and points:
            notes.append(
                f"{len(front.unknown):,} of {len(front.unknown) + len(points):,} cells are on no front of"
                f" {cost}, since it is unknown what they cost or score:"
                f" {some(list(front.unknown), _MOST_NAMES)}."
            )
    lead = (
        "Dollars are at the price stated today, and unknown where no price is stated: never 0. Seconds are those that"
        " answers took, added up over calls. The fronts compare observed values, without intervals, of what could be"
        " put to use: neither controls nor answers that were recorded with more before the reader."
    )
    return Section("costs", title, lead, tuple(charts), (table,), notes=tuple(notes))


def front_points(front: ParetoFront, cost: str, metric: str, unit: str, cells: Cells) -> list[dict[str, Any]]:
    """The points of a front and those that it dominates; cells of unknown cost are not among them."""
    points = []
    for series, names in (("on the front", front.front), ("dominated", front.dominated_by)):
        for name in names:
            spent, score = _per_question(cells.cost(name), cost), cells.estimate(name, metric)
            assert score is not None
            text = _COST_FORMS[cost].write(spent)
            points.append(chart_point(score, unit, x=spent, series=series, cell=name, cost=text))
    return points


def _per_question(cost: CellCost, unit: str) -> float | None:
    return cost.dollars_per_question if unit == "dollars" else cost.seconds_per_question


def _table(analysis: Analysis, cells: Cells) -> Table | None:
    if cells.set_analysis is None:
        return None
    fronts = analysis.fronts
    # Where all cells cost the same, the best are no bargains.
    worth = {
        unit: front
        for unit, front in fronts.items()
        if len({_per_question(cells.cost(name), unit) for name in (*front.front, *front.dominated_by)}) > 1
    }
    best = cells.set_analysis.best.get(analysis.metric or "")
    names = [name for front in fronts.values() for name in front.front]
    names += best_first(str(analysis.metric), cells.set_analysis, best) if best else ()
    # Where nothing is retrieved there are the controls alone.
    names = names or [name for name, cell in cells.set_analysis.cells.items() if cell.kind != "grid"]
    metric = analysis.metric
    rows = []
    with_training = any(cells.cost(name).training_dollars is not None for name in names)
    with_index = any(cells.cost(name).index_dollars is not None for name in names)
    for name in dict.fromkeys(names):
        cost = cells.cost(name)
        marks = [_MARKS[unit] for unit, front in worth.items() if name in front.front]
        rows.append(
            (
                name,
                None if metric is None else cells.estimate(name, metric),
                cost.dollars_per_question, cost.dollars_per_right_answer,
                cost.seconds_per_question, cost.seconds_per_right_answer,
                " ".join(marks),
                *((cost.index_dollars,) if with_index else ()),
                *((cost.training_dollars,) if with_training else ()),
            )
        )  # fmt: skip
    score = Column(metric or "score", form_of(analysis.units.get(metric or "", "number")), page_only=True)
    columns = (
        Column("cell"),
        score,
        Column("$ per question", DOLLARS, "unknown", optional=True),
        Column("$ per right answer", DOLLARS, "unknown", optional=True),
        Column("s per question", SECONDS, "unknown", optional=True),
        Column("s per right answer", SECONDS, "unknown", optional=True),
        Column("front", optional=True),
        *((Column("$ of the index, once", DOLLARS),) if with_index else ()),
        *((Column("$ of the training, once", DOLLARS),) if with_training else ()),
    )
    dominated_by = "; ".join(
        f"{len(front.dominated_by):,} cells are dominated in {unit}"
        for unit, front in worth.items()
        if front.dominated_by
    )
    note = "front: no other cell is as good and cheaper ($) or faster (s)"
    return Table(
        "costs-table", "Costs of the best cells and of those on a Pareto front", columns, tuple(rows),
        (f"{note}; {dominated_by}" if dominated_by else note,),
    )  # fmt: skip
