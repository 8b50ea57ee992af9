"""Differences between cells, with their intervals and tests; and what picking the best of many flatters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ragtally.analysis import Analysis
from ragtally.analysis.analysis import SetAnalysis
from ragtally.analysis.comparisons import Comparison, Family
from ragtally.analysis.selection import BestSet, HeldOut
from ragtally.present.numbers import COUNT, P_VALUE, TALLY, Form, form_of, some
from ragtally.present.table import Column, Section, Table

_MOST_NAMED = 3
_SMALLEST = (
    "smallest: the smallest difference that so many questions would have shown with a power of 80 % at the level"
    " divided by the number of comparisons, as in Holm’s first step; what is smaller can hide behind “not"
    " distinguishable”"
)


def comparisons_section(analysis: Analysis) -> Section:
    """The comparisons that the spec declares."""
    title = "Declared comparisons"
    if not analysis.families:
        return Section("comparisons", title, empty="The spec declares no comparison (under “compare”).")
    lead = (
        "Each cell against the one that is equal on all other axes, on the same questions. p-values are corrected"
        " over the family by Holm’s method."
    )
    tables = tuple(_family(f"family-{number}", family, analysis) for number, family in enumerate(analysis.families))
    return Section("comparisons", title, lead, tables=tables)


def votes_section(analysis: Analysis) -> Section:
    """Several votes of one reader against one vote of another."""
    title = "Several votes of one reader against one vote of another"
    families = [family for family in analysis.votes if family.comparisons]
    if not families:
        why = "No reader with several votes stands beside another one with one vote on the same context."
        return Section("votes", title, empty=why)
    lead = (
        "On the gold context, and on that of the chosen cell. Where prices are known, only the cheaper reader votes."
    )
    tables = tuple(
        _family(f"votes-{number}", family, analysis, "one vote of another reader")
        for number, family in enumerate(families)
    )
    return Section("votes", title, lead, tables=tables)


def best_section(analysis: Analysis) -> Section:
    """Which cells may be the best, and by how much the best one's value flatters."""
    title = "The best of many flatters"
    tables = (*_best_cells(analysis), *_optimism(analysis))
    if not tables:
        return Section("optimism", title, empty="No cell of the grid is scored, so none was picked.")
    lead = (
        "The best observed value is too high on average, since it was picked on the same questions. The expected"
        " optimism is an estimate from the bootstrap, with the spread that is chance taken out of the candidates;"
        " “select_on: dev” in the spec picks on one half and scores on the other."
    )
    return Section("optimism", title, lead, tables=tables)


def comparison_notes(unit: str, distinguishable: int, number: int, at: str = "") -> tuple[str, ...]:
    """What to know to read a table of comparisons."""
    points = ("differences are in percentage points",) if unit == "share" else ()
    return (
        f"{distinguishable:,} of {number:,} differ by more than chance{at}; w/t/l: questions won, tied, lost",
        _SMALLEST,
        *points,
    )


def difference_columns(unit: str) -> tuple[Column, ...]:
    """What every table of comparisons says of each."""
    return (
        Column("difference", form_of(unit, with_sign=True)),
        Column("p (Holm)", P_VALUE, "none"),
        Column("w/t/l", TALLY, "none"),
        Column("smallest", form_of(unit), "-"),
    )


def _family(name: str, family: Family, analysis: Analysis, against: str | None = None) -> Table:
    baseline = against or ", ".join(f"{axis} {pick}" for axis, pick in family.baseline.items())
    if family.reason is not None:
        return Table(name, f"{family.metric} against {baseline}: nothing is compared", (), (), (family.reason,))
    unit = analysis.units[family.metric]
    # The clearest differences first; what has no test last.
    rows = sorted(family.comparisons, key=lambda one: (one.adjusted_p_value is None, one.adjusted_p_value or 0.0))
    tested = [one for one in rows if one.difference.value is not None]
    untested = dict.fromkeys(f"not compared: {one.difference.reason}" for one in rows if one not in tested)
    differing = sum(bool(one.distinguishable) for one in rows)
    tests = "; ".join(family.tests)
    # In a declared family the baseline follows from the caption; of votes several readers are the other one.
    columns = (Column("cell"), Column("against", page_only=against is None), Column("verdict", page_only=True))
    return Table(
        name,
        f"{family.metric} against {baseline}, on {family.questions:,} questions ({family.question_set}), Holm over"
        f" {len(tested):,}",
        (*columns, *difference_columns(unit)),
        tuple(_difference_row(one) for one in rows),
        (
            *comparison_notes(unit, differing, len(tested), f" at the level {family.level:g} ({tests})"),
            *_of_one_build(rows, analysis.variation),
            *untested,
        ),
        filters=len(rows) > 12,
        strong=frozenset(number for number, one in enumerate(rows) if one.distinguishable),
    )


def _of_one_build(rows: Sequence[Comparison], variation: Mapping[str, str]) -> Iterator[str]:
    """Name the cells that a comparison knows one build of only, by the reason."""
    names: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for one in rows for name in (one.cell, one.baseline)):
        if name in variation:
            names.setdefault(variation[name], []).append(name)
    for why, own in names.items():
        yield f"a comparison with {some(own, _MOST_NAMED)} holds for this one build of its index: {why}"


def _difference_row(one: Comparison) -> tuple[object, ...]:
    verdict = {True: "distinguishable", False: "not distinguishable", None: "no test"}[one.distinguishable]
    return (
        one.cell, one.baseline, verdict, one.difference, one.adjusted_p_value, one.tally, one.smallest_difference
    )  # fmt: skip


def _best_cells(analysis: Analysis) -> list[Table]:
    set_analysis, metric = analysis.sets.get(analysis.question_set), analysis.metric
    best = None if set_analysis is None or metric is None else set_analysis.best.get(metric)
    if set_analysis is None or metric is None or best is None or best.highest is None:
        return []
    form = form_of(analysis.units[metric])
    grid = [cell.metrics[metric] for cell in set_analysis.cells.values() if cell.is_candidate]
    scored = sum(score.value is not None for score in grid)
    names = best_first(metric, set_analysis, best)
    notes = [
        f"{scored - len(names):,} of the grid's {scored:,} scored cells are distinguishable from the best; in at most"
        f" {1 - best.confidence:.0%} of studies would one as good as the best be among them"
    ]
    if scored < len(grid):
        notes.append(f"{len(grid) - scored:,} cells of the grid have no {metric}")
    if controls := sum(cell.kind == "grid" and not cell.is_candidate for cell in set_analysis.cells.values()):
        notes.append(
            f"left out: {controls:,} cells of control retrievers, which nobody could use, or of further builds"
        )
    if best.optimism is not None:
        notes.append(
            f"picked on these questions, the best is expected to flatter by about {form.write(best.optimism)}"
        )
    half = set_analysis.held_out.get(metric)
    if half is not None and half.cell is not None:
        notes.append(
            f"picked on one half: {half.cell}, {form.write(half.dev)} on those {half.dev_questions:,} questions,"
            f" {form.write(half.held_out)} on the {half.held_out_questions:,} held out"
        )
    table = Table(
        "best-table",
        f"Best cells by {metric} on {set_analysis.questions:,} questions ({analysis.question_set}): the best"
        " observed, and those not distinguishable from it",
        (Column("cell"), Column(metric, form)),
        tuple((name, set_analysis.cells[name].metrics[metric]) for name in names),
        tuple(notes),
    )
    return [table]


def best_first(metric: str, set_analysis: SetAnalysis, best: BestSet) -> list[str]:
    """The cells that may be the best, from the best observed downwards, whichever way the metric counts."""
    values = {name: cell.metrics[metric].value or 0.0 for name, cell in set_analysis.cells.items()}
    highest = 0.0 if best.highest is None else values[best.highest]
    return sorted(best.cells, key=lambda name: (abs(values[name] - highest), name != best.highest))


def _optimism(analysis: Analysis) -> list[Table]:
    rows = []
    for question_set, set_analysis in analysis.sets.items():
        for metric, best in set_analysis.best.items():
            # Each row has a metric of its own, and with it a unit.
            form = form_of(analysis.units[metric])
            optimism = "not known" if best.optimism is None else form.write(best.optimism)
            pick = (question_set, metric, best.highest or "none", len(best.cells), optimism)
            rows.append((*pick, *_halves(set_analysis.held_out.get(metric), form)))
    headings = (
        Column("questions"), Column("metric"), Column("best observed"),
        Column("cells not distinguishable from the best", COUNT), Column("expected optimism"),
        Column("picked on one half", optional=True), Column("there", optional=True),
        Column("on the half held out", optional=True),
    )  # fmt: skip
    caption = "What was picked, by metric"
    return [Table("optimism-table", caption, headings, tuple(rows), page_only=True)] if rows else []


def _halves(half: HeldOut | None, form: Form) -> tuple[str | None, str | None, str | None]:
    if half is None:
        return (None, None, None)
    return (
        half.cell or "none",
        f"{form.write(half.dev)} of {half.dev_questions:,}",
        f"{form.write(half.held_out)} of {half.held_out_questions:,}",
    )
