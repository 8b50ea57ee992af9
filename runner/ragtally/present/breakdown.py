"""Where the answers of a cell went: from the gold context to the retrieved one, and by bucket."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.error_breakdown import ErrorBreakdown, Waterfall
from ragtally.analysis.estimate import Estimate
from ragtally.present.numbers import PORTION, SHARE, Portion, percent
from ragtally.present.table import Chart, Column, Section, Table

BARS = {
    "gold": "right on gold context",
    "parser_loss": "lost by the parser",
    "index_loss": "approximate index loss",
    "retrieval_loss": "retrieval loss",
    "distractor_loss": "distractor loss or vote noise",
    "unanswered_loss": "no answer",
    "recovered": "recovered by chance",
    "retrieved": "right on retrieved context",
}
# A bar that says nothing where there is no such loss or gain.
_LEFT_OUT_AT_ZERO = ("parser_loss", "index_loss", "unanswered_loss", "recovered")
_LABEL_WIDTH = 18
_NO_GOLD = (
    "Its reader was not measured on gold contexts, so there are buckets but no waterfall: add gold_context to the"
    " controls."
)


def breakdown_section(analysis: Analysis) -> Section:
    """The waterfall of the chosen cell, which the reader of the page may exchange for another."""
    title = "Where the accuracy went"
    pairs = _chosen_first(analysis)
    if not pairs:
        return Section(
            "waterfall", title, empty="No cell of the grid reads retrieved passages on labelled questions."
        )
    cell, question_set, breakdown = pairs[0]
    tables = _tables(cell, question_set, breakdown)
    if breakdown.waterfall is None:
        return Section("waterfall", title, _NO_GOLD, tables=tables)
    lead = (
        "From what the reader gets right on the gold context, by fresh votes, to what it gets right on what was"
        " retrieved. The evidence counts as retrieved as soon as any character of it stands before the reader."
    )
    caption = "From gold to retrieved context; whiskers are intervals."
    chart = Chart("bars-chart", caption, "waterfall", _charts(breakdown.waterfall))
    return Section("waterfall", title, lead, (chart,), tables)


def pickable(analysis: Analysis) -> list[dict[str, Any]]:
    """What the page shows of each cell when it is picked."""
    return [
        {
            "cell": cell,
            "set": question_set,
            **_chart_of_cell(one.waterfall),
            "tables": [
                {
                    "name": table.name,
                    "caption": f"{table.caption}.",
                    "rows": [[entry.text for entry in row] for row in table.entries],
                }
                for table in _tables(cell, question_set, one)
            ],
        }
        for cell, question_set, one in _chosen_first(analysis)
    ]


def _chosen_first(analysis: Analysis) -> list[tuple[str, str, ErrorBreakdown]]:
    every = [
        (cell, question_set, breakdown)
        for question_set, set_analysis in analysis.sets.items()
        for cell, breakdown in set_analysis.error_breakdowns.items()
    ]
    return sorted(every, key=lambda one: one[:2] != (analysis.chosen_cell, analysis.question_set))


def _tables(cell: str, question_set: str, breakdown: ErrorBreakdown) -> tuple[Table, ...]:
    of = f"{cell}, {breakdown.questions:,} questions ({question_set})"
    buckets = _buckets(breakdown, of)
    return (buckets,) if breakdown.waterfall is None else (_bars(breakdown.waterfall, of), buckets)


def _buckets(breakdown: ErrorBreakdown, of: str) -> Table:
    doubtful = breakdown.doubtful
    columns = [Column("what became of it"), Column("questions", PORTION)]
    if doubtful is not None:
        columns.append(Column("label doubtful", PORTION))
    rows = [
        (
            bucket,
            Portion(number, breakdown.questions),
            *(() if doubtful is None else (Portion(doubtful[bucket], number),)),
        )
        for bucket, number in breakdown.buckets.items()
        if number
    ]
    notes = () if breakdown.waterfall is not None else (_NO_GOLD,)
    if doubtful is not None:
        notes = (*notes, f"label doubtful: {' or '.join(breakdown.doubters)} differ from it")
    caption = f"Where the answers went, each question in one bucket: {of}"
    return Table("buckets", caption, tuple(columns), tuple(rows), notes)


def _bars(bars: Waterfall, of: str) -> Table:
    labels = {"reader_loss": "reader loss: not right on gold context", **BARS, "change": "retrieved minus gold"}
    return Table(
        "bars",
        f"From the gold context to what is retrieved: {of}",
        (Column(""), Column("share of the questions", SHARE)),
        tuple((label, bar) for name, label in labels.items() if (bar := getattr(bars, name)) is not None),
    )


def waterfall_axis(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """From where to where the axis of a waterfall goes, and its title: where all bars are long, their ends matter."""
    ends = [point[name] for point in points for name in ("start", "end", "low", "high") if point[name]]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    start = math.floor(20 * (low - 0.3 * (high - low))) / 20
    if start < 0.3:
        return {"domain": [0, high], "title": "share of questions"}
    return {"domain": [start, high], "title": f"share of questions (from {100 * start:.0f}\N{NO-BREAK SPACE}%)"}


def _chart_of_cell(waterfall: Waterfall | None) -> dict[str, Any]:
    """What the page exchanges in the chart when a cell is picked."""
    if waterfall is None:
        return {"drawn": None}
    points = _charts(waterfall)
    return {"drawn": points, "axis": waterfall_axis(points)}


def _charts(bars: Waterfall) -> list[dict[str, Any]]:
    """Lay the bars out: each loss hangs from where the one before ended, and its whisker is its interval there."""
    rows = []
    level = bars.gold.value or 0.0
    for name, step in BARS.items():
        share: Estimate | None = getattr(bars, name)
        value = None if share is None else share.value or 0.0
        if share is None or value is None or (not value and name in _LEFT_OUT_AT_ZERO):
            continue
        low, high = share.low, share.high
        if name in ("gold", "retrieved"):
            start, end, kind, ends = 0.0, value, "right", (low, high)
        else:
            sign, kind = (1, "gain") if name == "recovered" else (-1, "loss")
            start, end = level, level + sign * value
            ends = (None if low is None else level + sign * low, None if high is None else level + sign * high)
            level = end
        rows.append(
            {"step": step, "lines": "\n".join(textwrap.wrap(step, _LABEL_WIDTH)), "kind": kind,
             "start": _short(start), "end": _short(end), "low": _short(ends[0]), "high": _short(ends[1]),
             "text": SHARE.write(share), "label": _label(value, kind)}
        )  # fmt: skip
    return rows


def _label(value: float, kind: str) -> str:
    """The number beside a bar."""
    return ("\N{MINUS SIGN}" if kind == "loss" else "+" if kind == "gain" else "") + percent(value)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
