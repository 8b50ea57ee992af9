"""How answers depend on chunk size and on what was retrieved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ragtally.analysis import Analysis
from ragtally.present.cells import Cells, chunk_sizes
from ragtally.present.charts import curve_chart, scatter_chart
from ragtally.present.numbers import is_share, measured_metric
from ragtally.present.parts import Chart, Section

_HIT = "context_document_hit"


def chunk_size_section(verdict: Analysis, cells: Cells) -> Section:
    """Show the deciding metric against chunk size, by retriever and by reader."""
    title = f"{(verdict.metric or 'Quality').capitalize()} against chunk size"
    metric, chosen, sizes = verdict.metric, verdict.chosen, chunk_sizes(cells)
    if metric is None or chosen is None:
        return Section("chunk-size", title, empty="No cell of the grid answers, so there is nothing to compare.")
    if len(set(sizes.values())) < 2:
        return Section("chunk-size", title, empty="The grid has fewer than two chunk sizes.")
    charts = []
    for axis, other in (("retriever", "reader"), ("reader", "retriever")):
        names = [name for name in cells.same_but(chosen, "chunker", axis) if name in sizes]
        rows = curve_rows(cells, metric, axis, names)
        caption = f"By {axis}; {other}: {cells.labels[other][chosen]}."
        charts.append(Chart(f"size-by-{axis}", caption, curve_chart(rows, metric, axis, share=is_share(metric))))
    lead = (
        f"All other picks are those of {chosen}. Whiskers are intervals of single cells: two may overlap and the"
        " paired difference still be real, so let the declared comparisons decide. With the same number of chunks,"
        " small ones also mean less context."
    )
    return Section("chunk-size", title, lead, tuple(charts))


def curve_rows(cells: Cells, metric: str, axis: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """List the points of a curve."""
    sizes = chunk_sizes(cells)
    rows = []
    for name in names:
        found = cells.verdicts[name].metrics[metric]
        if found.value is None:
            continue
        series = cells.labels[axis].get(name, "")
        if len({cells.labels["chunker"][other].split(" (")[0] for other in names}) > 1:
            series = f"{series}, {cells.labels['chunker'][name].split(' (')[0]}"
        rows.append(
            {"size": sizes[name], "series": series, "value": found.value, "low": found.low, "high": found.high,
             "text": measured_metric(metric, found)}
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row["series"], row["size"]))


def retrieval_section(verdict: Analysis, cells: Cells) -> Section:
    """Show answer quality against how often a right document stood before the reader."""
    title, metric = "Retrieval against answers", verdict.metric
    rows = [] if metric is None else _scattered(cells, metric)
    if metric is None or not rows:
        why = "No cell of the grid both answers and has evidence to find."
        return Section("retrieval", title, empty=why)
    whole = {cells.rows[row["cell"]][f"{_HIT}_denominator"] for row in rows}
    lead = (
        f"Across: the share of questions with a chunk of a right document before the reader (of {max(whole):,.0f}"
        " with evidence). A reader whose points do not rise does not use what is retrieved."
    )
    chart = scatter_chart(rows, "right document before the reader", metric, share=is_share(metric))
    return Section(
        "retrieval", title, lead, (Chart("retrieval-chart", "One point a cell, with its interval.", chart),)
    )


def _scattered(cells: Cells, metric: str) -> list[dict[str, Any]]:
    rows = []
    for name in cells.of_kind("grid"):
        found, hit = cells.verdicts[name].metrics[metric], cells.rows[name].get(_HIT)
        if found.value is not None and hit is not None:
            rows.append(
                {"x": hit, "series": cells.labels["reader"].get(name, ""), "cell": name, "value": found.value,
                 "low": found.low, "high": found.high, "text": measured_metric(metric, found)}
            )  # fmt: skip
    return rows
