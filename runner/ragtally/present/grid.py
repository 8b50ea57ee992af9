"""Every cell with its picks, scores and costs, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import remarks
from ragtally.analysis.estimate import Estimate
from ragtally.present.cells import AXES, Cells, cells_of
from ragtally.present.numbers import count, dollars, measured_metric, percent, seconds
from ragtally.present.parts import Entry, Section, Table
from ragtally.results import Results


def grid_section(results: Results, verdict: Analysis, meanings: Mapping[str, str] | None = None) -> Section:
    """Show all cells that answer, on each set of questions, or the rankings where nobody answers."""
    title = "All cells"
    tables = []
    ordered = sorted(verdict.sets, key=lambda question_set: question_set != verdict.question_set)
    sets = [cells_of(results, verdict, question_set) for question_set in ordered]
    if sets:
        tables.append(_cells_table(verdict, sets))
    if verdict.rankings:
        tables.append(_rankings_table(verdict))
    if not tables:
        return Section("grid", title, empty="The study has no cells.")
    lead = (
        "Click a heading to sort. Intervals are of single cells; a star marks those not distinguishable from the best"
        " of the grid."
    )
    explained = tuple(f"{name}: {told}" for name, told in (meanings or {}).items())
    notes = remarks(results.cells.iter_rows(named=True)) + explained
    return Section("grid", title, lead, tables=tuple(tables), notes=notes)


def _cells_table(verdict: Analysis, sets: Sequence[Cells]) -> Table:
    axes = [axis for axis in AXES if any(cells.varies(axis) for cells in sets)]
    metrics = [name for name in (next(iter(sets[0].verdicts.values())).metrics) if "[" not in name]
    rows, groups = [], []
    for cells in sets:
        kept = _kept(verdict, cells)
        for name, found in cells.verdicts.items():
            row = cells.rows[name]
            hit, whole = row.get("context_document_hit"), row.get("context_document_hit_denominator")
            rows.append(
                (
                    Entry(f"{name} ★" if name in kept else name, name, strong=name == verdict.chosen),
                    Entry(found.kind if found.kind == "grid" else row["condition"] or found.kind),
                    *(Entry(cells.labels[axis].get(name, ""), _order(cells.labels[axis].get(name))) for axis in axes),
                    *(Entry(measured_metric(one, found.metrics[one]), found.metrics[one].value) for one in metrics),
                    Entry("" if hit is None else f"{percent(hit)} of {whole:,.0f}", hit),
                    Entry(dollars(found.cost.dollars_per_question), found.cost.dollars_per_question),
                    Entry(dollars(found.cost.dollars_per_right_answer), found.cost.dollars_per_right_answer),
                    Entry(seconds(found.cost.seconds_per_question), found.cost.seconds_per_question),
                )
            )
            groups.append(cells.question_set)
    headings = (
        "cell",
        "kind",
        *axes,
        *metrics,
        "right document",
        "$ per question",
        "$ per right answer",
        "s per question",
    )
    told = ", ".join(
        f"{cells.question_set} ({count(cells.judged.questions, 'question')})" for cells in sets if cells.judged
    )
    return Table(
        "grid-table", f"Sets of questions: {told}.", headings, tuple(rows), filters=True, groups=tuple(groups)
    )


def _kept(verdict: Analysis, cells: Cells) -> set[str]:
    best = None if cells.judged is None or verdict.metric is None else cells.judged.best.get(verdict.metric)
    return set() if best is None else set(best.cells)


def _order(label: str | None) -> float | str | None:
    return float(label) if label is not None and label.replace(".", "", 1).isdigit() else label


def _rankings_table(verdict: Analysis) -> Table:
    metrics = list(dict.fromkeys(name for found in verdict.rankings.values() for name in found))
    rows = tuple((Entry(ranking), *_scores(found, metrics)) for ranking, found in verdict.rankings.items())
    return Table(
        "rankings-table", "Rankings, on all questions asked.", ("ranking", *metrics), rows, filters=len(rows) > 12
    )


def _scores(found: Mapping[str, Estimate], metrics: Sequence[str]) -> tuple[Entry, ...]:
    """A ranking's scores; an empty field where a metric does not apply to it."""
    return tuple(
        Entry(measured_metric(name, found[name]), found[name].value) if name in found else Entry("")
        for name in metrics
    )
