"""What is retrieved: each ranking's scores, what fits into a context, and what answers owe to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ragtally.analysis import Analysis
from ragtally.present.builds import builds_table
from ragtally.present.cells import (
    CONTEXT_COLUMNS,
    CONTEXT_NOTE,
    Cells,
    chart_point,
    context_fields,
    remarks,
    units_of,
)
from ragtally.present.numbers import COUNT, form_of, unit_notes
from ragtally.present.table import Chart, Column, Section, Table
from ragtally.results.approximation import EVIDENCE
from ragtally.results.metrics import MetricInfo

_HIT = "context_document_hit"


def retrieval_section(sets: Sequence[Cells], analysis: Analysis | None = None) -> Section:
    """The rankings, and answer quality against how often a right document stood before the reader."""
    # Rankings are scored on all questions, whatever the base is.
    cells = next((one for one in sets if one.question_set == "all"), sets[0]) if sets else None
    rows = [] if cells is None else [cells.rows[name] for name in cells.of_kind("retrieval")]
    rankings = [row for row in rows if not row["top_k"] and not row["context_words"]]
    infos = cells.metrics if cells else ()
    tables = (
        *_rankings(rankings, infos, analysis),
        *builds_table("builds-table", "chunker/retriever", rankings, units_of(rankings, infos, "retrieval")),
        *_contexts([row for row in rows if row not in rankings]),
    )
    lead, charts = _against_answers(sets[0], analysis) if sets and analysis else ("", ())
    empty = None if tables or charts else "Nothing is retrieved in this study."
    notes = remarks(row for cells in sets for row in cells.rows.values() if row["ranking"])
    return Section("retrieval", "Retrieval", lead, charts, tables, empty, notes)


def _rankings(
    rows: Sequence[Mapping[str, Any]], infos: Sequence[MetricInfo], analysis: Analysis | None
) -> list[Table]:
    metrics = units_of(rows, infos, "retrieval")
    if not metrics:
        return []
    estimates = {} if analysis is None else analysis.rankings
    fields = tuple(
        (
            row["ranking"],
            *(estimates.get(row["ranking"], {}).get(metric, row[metric]) for metric in metrics),
        )
        for row in rows
    )
    columns = (Column("chunker/retriever"), *(Column(metric, form_of(unit)) for metric, unit in metrics.items()))
    caption = f"Rankings, {rows[0]['questions']:,} questions"
    without_interval = dict.fromkeys(
        f"{metric} has no interval: {estimate.reason}"
        for of_ranking in estimates.values()
        for metric, estimate in of_ranking.items()
        if estimate.value is not None and estimate.reason is not None
    )
    return [
        Table(
            "rankings-table",
            caption,
            columns,
            fields,
            (*unit_notes(metrics.values()), *_approximate(metrics), *_over_fewer(rows, metrics), *without_interval),
            filters=len(fields) > 12,
        )
    ]


def _approximate(metrics: Iterable[str]) -> Iterator[str]:
    if names := [name for name in metrics if name.startswith(EVIDENCE)]:
        yield (
            f"{', '.join(names)}: of the chunks with evidence that an exact search has among its first k, the share"
            " that the approximate one has there too, on average over the questions with any"
        )


def _over_fewer(rows: Sequence[Mapping[str, Any]], metrics: Iterable[str]) -> Iterator[str]:
    """Name the metrics that rest on fewer questions than the heading says: some have no evidence to find."""
    for metric in metrics:
        # An exact search measures nothing of an approximate one.
        of_metric = (row[f"{metric}_denominator"] for row in rows)
        counts = sorted({int(count) for count in of_metric if count is not None})
        if counts != [rows[0]["questions"]]:
            span = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
            yield f"{metric}: over {span} of the {rows[0]['questions']:,} questions"


def _contexts(rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What fits into each context where nobody reads it."""
    if not rows:
        return []
    sizes = [name for name in ("top_k", "context_words") if any(row[name] for row in rows)]
    columns = (Column("chunker/retriever"), *(Column(name, COUNT) for name in sizes), *CONTEXT_COLUMNS)
    fields = tuple((row["ranking"], *(row[name] for name in sizes), *context_fields(row)) for row in rows)
    return [Table("contexts-table", "Evidence in the context", columns, fields, notes=(CONTEXT_NOTE,))]


def _against_answers(cells: Cells, analysis: Analysis) -> tuple[str, tuple[Chart, ...]]:
    metric = analysis.metric
    unit = analysis.units.get(metric or "", "number")
    points = [] if metric is None else _points(cells, metric, unit)
    if metric is None or not points:
        return "", ()
    total = max(cells.rows[point["cell"]][f"{_HIT}_denominator"] for point in points)
    lead = (
        f"Across: the share of questions with a chunk of a right document before the reader (of {total:,.0f} with"
        " evidence). A reader whose points do not rise does not use what is retrieved."
    )
    across = "right document before the reader"
    caption = (
        "One point per cell, with its interval; a larger one stands for several cells of its reader, and points that"
        " would cover others are moved aside."
    )
    return lead, (Chart("retrieval-chart", caption, "scatter", points, metric, unit, across),)


def _points(cells: Cells, metric: str, unit: str) -> list[dict[str, Any]]:
    points = []
    for name in cells.of_kind("grid"):
        score, hit = cells.estimate(name, metric), cells.rows[name].get(_HIT)
        if score is not None and score.value is not None and hit is not None:
            series = cells.labels["reader"].get(name, "")
            points.append(chart_point(score, unit, x=hit, series=series, cell=name))
    return points
