"""What quality costs: the Pareto fronts, and several votes of one reader against one vote of another."""

from __future__ import annotations

from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.costs import CellCost, ParetoFront
from ragtally.present.cells import Cells
from ragtally.present.charts import front_chart
from ragtally.present.comparisons import family_table
from ragtally.present.numbers import dollars, is_share, measured_metric, seconds
from ragtally.present.parts import Chart, Entry, Section, Table

_UNITS = {"dollars": "dollars per question", "seconds": "seconds per question"}


def front_section(verdict: Analysis, cells: Cells) -> Section:
    """Show which cells are worth their cost."""
    title = "What it costs"
    if not verdict.fronts or verdict.metric is None:
        return Section("costs", title, empty="No cell of the grid answers, so nothing is paid for.")
    charts, tables, notes = [], [], []
    for unit, front in verdict.fronts.items():
        rows = front_rows(front, unit, verdict.metric, cells)
        if len({row["x"] for row in rows}) > 1:
            drawn = front_chart(rows, _UNITS[unit], verdict.metric, share=is_share(verdict.metric))
            caption = f"{verdict.metric} against {_UNITS[unit]}; the line joins those that no other beats in both."
            charts.append(Chart(f"front-{unit}", caption, drawn))
        elif rows:
            notes.append(f"In {unit} all cells whose cost is known cost the same: {rows[0]['cost']} per question.")
        if front.unknown:
            notes.append(
                f"{len(front.unknown):,} of {len(front.unknown) + len(rows):,} cells are on no front of {unit},"
                f" since it is unknown what they cost or score: {_some(list(front.unknown))}."
            )
        if front.front:
            tables.append(_front_table(front, unit, verdict.metric, cells))
    lead = (
        "Dollars are at the price stated today, and unknown where no price is stated: never 0. Seconds are those that"
        " answers took, added up over calls. The fronts compare observed values, without intervals, of what could be"
        " put to use: neither controls nor answers that were recorded with more before the reader."
    )
    return Section("costs", title, lead, tuple(charts), tuple(tables), notes=tuple(notes))


def front_rows(front: ParetoFront, unit: str, metric: str, cells: Cells) -> list[dict[str, Any]]:
    """List the points of a front and those that it dominates; cells of unknown cost are not among them."""
    rows = []
    for series, names in (("on the front", front.front), ("dominated", front.dominated)):
        for name in names:
            cost, found = cells.verdicts[name].cost, cells.verdicts[name].metrics[metric]
            rows.append(
                {"x": _each(cost, unit), "series": series, "cell": name, "value": found.value, "low": found.low,
                 "high": found.high, "text": measured_metric(metric, found), "cost": _told(cost, unit)}
            )  # fmt: skip
    return rows


def votes_section(verdict: Analysis) -> Section:
    """Show several votes of one reader against one vote of another."""
    title = "Several votes of one against one vote of another"
    if not any(family.comparisons for family in verdict.votes):
        why = "No reader with several votes stands beside another one with one vote on the same context."
        return Section("votes", title, empty=why)
    against = "one vote of another reader"
    tables = tuple(family_table(f"votes-{number}", family, against) for number, family in enumerate(verdict.votes))
    lead = (
        "On the gold context, and on that of the chosen cell. Where prices are known, only the cheaper reader votes."
    )
    return Section("votes", title, lead, tables=tables)


def _front_table(front: ParetoFront, unit: str, metric: str, cells: Cells) -> Table:
    rows = []
    for name in front.front:
        found, cost = cells.verdicts[name].metrics[metric], cells.verdicts[name].cost
        right = cost.dollars_per_right_answer if unit == "dollars" else cost.seconds_per_right_answer
        told = dollars(right) if unit == "dollars" else seconds(right)
        rows.append(
            (
                Entry(name),
                Entry(measured_metric(metric, found), found.value),
                Entry(_told(cost, unit), _each(cost, unit)),
                Entry(told, right),
            )
        )
    caption = f"The front of {unit}, cheapest first; {len(front.dominated):,} cells are dominated."
    headings = ("cell", metric, "per question", "per right answer")
    return Table(f"front-{unit}-table", caption, headings, tuple(rows))


def _each(cost: CellCost, unit: str) -> float | None:
    return cost.dollars_per_question if unit == "dollars" else cost.seconds_per_question


def _told(cost: CellCost, unit: str) -> str:
    return dollars(cost.dollars_per_question) if unit == "dollars" else seconds(cost.seconds_per_question)


def _some(names: list[str], most: int = 6) -> str:
    shown = "; ".join(names[:most])
    return shown if len(names) <= most else f"{shown}; and {len(names) - most:,} more"
