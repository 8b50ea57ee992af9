"""Where the answers of a cell went: from the gold context to the retrieved one, and by bucket."""

from __future__ import annotations

from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.error_breakdown import ErrorBreakdown, Waterfall
from ragtally.analysis.estimate import Estimate
from ragtally.present.cells import breakdown_of_chosen
from ragtally.present.charts import waterfall_chart
from ragtally.present.numbers import measured_share, percent
from ragtally.present.parts import Chart, Entry, Section, Table

BARS = {
    "gold": "right on gold context",
    "retrieval_loss": "retrieval loss",
    "distractor_loss": "distractor loss or vote noise",
    "unanswered_loss": "no answer",
    "recovered": "recovered by chance",
    "retrieved": "right on retrieved context",
}
_TABLE = ("reader_loss", *BARS, "change")
_TOLD = BARS | {"reader_loss": "reader loss: not right on gold context", "change": "retrieved minus gold"}


def waterfall_section(verdict: Analysis) -> Section:
    """Show the waterfall of the chosen cell, which the reader of the page may exchange for another."""
    title = "Where the accuracy went"
    every = (found for judged in verdict.sets.values() for found in judged.error_breakdowns.values())
    where = breakdown_of_chosen(verdict) or next(every, None)
    if where is None:
        return Section(
            "waterfall", title, empty="No cell of the grid reads retrieved passages on labelled questions."
        )
    table = Table(
        "buckets",
        "Every question in exactly one bucket.",
        ("what became of it", "questions", "label doubtful"),
        _buckets(where),
    )
    if where.waterfall is None:
        lead = "The reader of this cell was not measured on gold contexts, so there are buckets but no waterfall."
        return Section("waterfall", title, lead, tables=(table,))
    bars = Table(
        "bars", "The bars in numbers.", ("share", "of the questions, with interval"), _bar_rows(where.waterfall)
    )
    chart = Chart(
        "bars-chart",
        "From gold to retrieved context; whiskers are intervals.",
        waterfall_chart(_drawn(where.waterfall)),
    )
    lead = (
        "From what the reader gets right on the gold context, by fresh votes, to what it gets right on what was"
        " retrieved. The evidence counts as retrieved as soon as any character of it stands before the reader."
    )
    return Section("waterfall", title, lead, (chart,), (bars, table))


def pickable(verdict: Analysis) -> list[dict[str, Any]]:
    """List what the page shows of each cell when it is picked."""
    chosen = (verdict.chosen, verdict.question_set)
    every = [
        (cell, question_set, where)
        for question_set, judged in verdict.sets.items()
        for cell, where in judged.error_breakdowns.items()
    ]
    ordered = sorted(every, key=lambda found: found[:2] != chosen)
    return [
        {
            "cell": cell,
            "set": question_set,
            "drawn": None if where.waterfall is None else _drawn(where.waterfall),
            "bars": []
            if where.waterfall is None
            else [[entry.text for entry in row] for row in _bar_rows(where.waterfall)],
            "buckets": [[entry.text for entry in row] for row in _buckets(where)],
        }
        for cell, question_set, where in ordered
    ]


def _buckets(where: ErrorBreakdown) -> tuple[tuple[Entry, ...], ...]:
    rows = []
    for bucket, count in where.buckets.items():
        share = f"{count:,} ({percent(count / where.questions)} of {where.questions:,})"
        doubtful = None if where.doubtful is None else where.doubtful[bucket]
        told = "not known" if doubtful is None else f"{doubtful:,} of {count:,}"
        rows.append(
            (Entry(bucket), Entry(share, float(count)), Entry(told, None if doubtful is None else float(doubtful)))
        )
    return tuple(rows)


def _bar_rows(bars: Waterfall) -> tuple[tuple[Entry, ...], ...]:
    rows = []
    for name in _TABLE:
        found: Estimate = getattr(bars, name)
        rows.append((Entry(_TOLD[name]), Entry(measured_share(found, signed=name == "change"), found.value)))
    return tuple(rows)


def _drawn(bars: Waterfall) -> list[dict[str, Any]]:
    """Lay the bars out: each loss hangs from where the one before ended, and its whisker is its interval there."""
    rows = []
    level = bars.gold.value or 0.0
    for name, step in BARS.items():
        found: Estimate = getattr(bars, name)
        value, low, high = found.value or 0.0, found.low, found.high
        if name in ("gold", "retrieved"):
            start, end, kind, ends = 0.0, value, "right", (low, high)
        else:
            sign, kind = (1, "gain") if name == "recovered" else (-1, "loss")
            start, end = level, level + sign * value
            ends = (None if low is None else level + sign * low, None if high is None else level + sign * high)
            level = end
        rows.append(
            {"step": step, "kind": kind, "start": _short(start), "end": _short(end), "low": _short(ends[0]),
             "high": _short(ends[1]), "text": measured_share(found)}
        )  # fmt: skip
    return rows


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
