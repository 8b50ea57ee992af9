"""Differences between cells, with their intervals and tests; and what picking the best of many flatters."""

from __future__ import annotations

from ragtally.analysis import Analysis
from ragtally.analysis.comparisons import Comparison, Family
from ragtally.analysis.selection import HeldOut
from ragtally.present.numbers import AT_THE_LEVEL, is_share, measured_metric, percent, plain
from ragtally.present.parts import Entry, Section, Table


def comparisons_section(verdict: Analysis) -> Section:
    """Show the comparisons that the spec declares."""
    title = "Declared comparisons"
    if not verdict.families:
        return Section("comparisons", title, empty="The spec declares no comparison (under “compare”).")
    tables = tuple(family_table(f"family-{number}", family) for number, family in enumerate(verdict.families))
    lead = (
        "Each cell against the one that is equal on all other axes, on the same questions. p-values are corrected"
        " over the family by Holm’s method. The last column is the smallest difference that so many questions"
        f" would have shown with a power of 80 % {AT_THE_LEVEL}: what is smaller can hide behind “not"
        " distinguishable”."
    )
    return Section("comparisons", title, lead, tables=tables)


def family_table(name: str, family: Family, against: str | None = None) -> Table:
    """Write a family of comparisons as a table."""
    baseline = against or ", ".join(f"{axis} {pick}" for axis, pick in family.baseline.items())
    found = sum(bool(one.distinguishable) for one in family.comparisons)
    where = "of the base" if family.question_set == "base" else "asked"
    caption = (
        f"By {family.metric}, against {baseline}, on the {family.questions:,} questions {where}: {found:,} of"
        f" {len(family.comparisons):,} differences are distinguishable at the level {family.level:g}."
    )
    headings = (
        "cell",
        "against",
        "difference",
        "verdict",
        "adjusted p",
        "wins / ties / losses",
        "smallest difference",
    )
    rows = tuple(_compared(family.metric, one) for one in family.comparisons)
    return Table(name, caption, headings, rows, filters=len(rows) > 12)


def optimism_section(verdict: Analysis) -> Section:
    """Show by how much the best cell's value flatters, and what it scores on questions held out."""
    title = "The best of many flatters"
    rows = []
    for question_set, judged in verdict.sets.items():
        for metric, best in judged.best.items():
            half = judged.held_out.get(metric)
            written = percent if is_share(metric) else plain
            rows.append(
                (
                    Entry(question_set),
                    Entry(metric),
                    Entry(best.highest or "none"),
                    Entry(f"{len(best.cells):,}", float(len(best.cells))),
                    Entry("not known" if best.optimism is None else written(best.optimism), best.optimism),
                    *_halves(metric, half),
                )
            )
    if not rows:
        return Section("optimism", title, empty="No cell of the grid is scored, so none was picked.")
    headings = (
        "questions", "metric", "highest observed", "cells not distinguishable from the best", "expected optimism",
        "picked on one half", "there", "on the half held out",
    )  # fmt: skip
    lead = (
        "The best observed value is too high on average, since it was picked on the same questions. The expected"
        " optimism is a bootstrap estimate; “select_on: dev” in the spec picks on one half and scores on the other."
    )
    return Section("optimism", title, lead, tables=(Table("optimism-table", "By metric.", headings, tuple(rows)),))


def _halves(metric: str, half: HeldOut | None) -> tuple[Entry, Entry, Entry]:
    if half is None:
        return (Entry("select_on is not dev"), Entry(""), Entry(""))
    written = percent if is_share(metric) else plain
    return (
        Entry(half.cell or "none"),
        Entry(f"{written(half.dev)} of {half.dev_questions:,}", half.dev),
        Entry(f"{written(half.held_out)} of {half.held_out_questions:,}", half.held_out),
    )


def _compared(metric: str, one: Comparison) -> tuple[Entry, ...]:
    told = {True: "distinguishable", False: "not distinguishable", None: "no test"}[one.distinguishable]
    smallest = percent(one.smallest_difference) if is_share(metric) else plain(one.smallest_difference)
    tally = one.tally
    return (
        Entry(one.cell),
        Entry(one.baseline),
        Entry(measured_metric(metric, one.difference, signed=True), one.difference.value),
        Entry(told, told, strong=bool(one.distinguishable)),
        Entry(_p(one.adjusted_p_value), one.adjusted_p_value),
        Entry("", None)
        if tally is None
        else Entry(f"{tally.wins:,} / {tally.ties:,} / {tally.losses:,}", float(tally.wins - tally.losses)),
        Entry("not known" if one.smallest_difference is None else smallest, one.smallest_difference),
    )


def _p(value: float | None) -> str:
    return "none" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
