"""Two cells against each other, or each cell against its namesake: what `ragtally compare` shows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from ragtally.analysis.pairwise import UNPAIRED, PairwiseComparison
from ragtally.analysis.significance import LEVEL
from ragtally.api.errors import printable
from ragtally.present.comparisons import comparison_notes, difference_columns
from ragtally.present.numbers import count, form_of, p_value
from ragtally.present.table import Column, Table

_QUESTION_WIDTH = 60


def pairwise_parts(comparisons: Sequence[PairwiseComparison], most: int | None) -> list[Table | str]:
    """What comparisons come to; of one also the questions that changed sides, at most so many."""
    if len(comparisons) == 1:
        return _one(comparisons[0], most)
    return [_many(comparisons), *dict.fromkeys(note for one in comparisons for note in one.notes)]


def _one(pair: PairwiseComparison, most: int | None) -> list[Table | str]:
    lines = [
        f"A: {pair.comparison.cell}",
        f"B: {pair.comparison.baseline}",
        f"{pair.metric} on {pair.question_set}, {pair.pairing}: {_questions(pair)}",
        *pair.notes,
    ]
    parts: list[Table | str] = ["\n".join(lines), _values(pair), _sentence(pair)]
    if pair.agreement is not None:
        parts.append(f"A and B give the same answer, right or wrong, to {form_of('share').write(pair.agreement)}.")
    if pair.correction is not None:
        parts.append("The test takes the judges' grades as they are; only the corrected values know of their errors.")
    return parts if pair.pairing == UNPAIRED else [*parts, *_changes(pair, most)]


def _questions(pair: PairwiseComparison) -> str:
    if pair.pairing == UNPAIRED:
        return f"{pair.first_only:,} questions against {pair.second_only:,} others"
    return f"{pair.common:,} questions"


def _values(pair: PairwiseComparison) -> Table:
    with_sign = form_of(pair.unit, with_sign=True)
    caption = f"{pair.metric} with 95 % intervals; A - B: {with_sign.brief(pair.comparison.difference)}"
    columns = [Column(""), Column(pair.metric, form_of(pair.unit))]
    rows: tuple[tuple[Any, ...], ...] = (("A", pair.first_value), ("B", pair.second_value))
    if pair.correction is not None:
        caption += f"; corrected for the judges' errors: {with_sign.brief(pair.correction.difference)}"
        columns.append(Column("corrected", form_of(pair.unit)))
        rows = (("A", pair.first_value, pair.correction.first), ("B", pair.second_value, pair.correction.second))
    return Table("values", caption, tuple(columns), tuple(row for row in rows if row[1].value is not None))


def _sentence(pair: PairwiseComparison) -> str:
    outcomes = {True: "A and B differ by more than chance", False: "A and B are not distinguishable", None: "no test"}
    outcome = outcomes[pair.comparison.distinguishable]
    if pair.pairing == UNPAIRED:
        verb = "excludes" if pair.comparison.distinguishable else "includes"
        return f"{outcome}: the interval of the difference {verb} 0."
    significance = pair.comparison.significance
    assert significance is not None
    p = p_value(significance.p_value)
    outcome += f": {significance.test}, p {p if p.startswith('<') else f'= {p}'}"
    if pair.comparison.smallest_difference is None:
        return f"{outcome}; so few questions that differ would not have shown any difference."
    smallest = form_of(pair.unit).write(pair.comparison.smallest_difference)
    return f"{outcome}; the smallest difference that these questions would show with a power of 80 % is {smallest}."


def _changes(pair: PairwiseComparison, most: int | None) -> list[Table | str]:
    counts = pair.comparison.tally
    assert counts is not None
    tally = f"A better on {count(counts.wins, 'question')}, as good on {counts.ties}, worse on {counts.losses}"
    questions = pair.changes if most is None else pair.changes[:most]
    if not questions:
        return [tally]
    ranks = pair.measures == "retrieval"
    headings = ("question", "A", "B", "better") if ranks else ("question", "label", "A", "B", "right")
    rows = []
    for one in questions:
        text = textwrap.shorten(printable(one.text), _QUESTION_WIDTH, placeholder=" ...")
        answers = (one.first, one.second) if ranks else (one.label, one.first, one.second)
        rows.append((f"{one.question}  {text}", *answers, "A" if one.won else "B"))
    left = len(pair.changes) - len(questions)
    return [
        Table(
            "changed",
            f"{tally}; {'they differ in' if ranks else 'changed sides'}:",
            tuple(map(Column, headings)),
            tuple(rows),
            (f"... and {left:,} more: --all lists them",) if left else (),
        )
    ]


def _corrected_column(unit: str) -> Column:
    return Column("corrected for judges", form_of(unit, with_sign=True), optional=True)


def _many(comparisons: Sequence[PairwiseComparison]) -> Table:
    first = comparisons[0]
    rows = tuple(
        (
            one.comparison.cell.partition(":")[2], one.comparison.difference, one.comparison.adjusted_p_value,
            one.comparison.tally, one.comparison.smallest_difference,
            None if one.correction is None else one.correction.difference,
        )
        for one in comparisons
    )  # fmt: skip
    studies = (one.partition(":")[0] for one in (first.comparison.cell, first.comparison.baseline))
    without_pairs = sum(one.pairing == UNPAIRED for one in comparisons)
    intervals = f"unpaired cells are judged by intervals of 1 - {LEVEL:g} / {without_pairs}, not by those above"
    differing = sum(bool(one.comparison.distinguishable) for one in comparisons)
    return Table(
        "comparisons",
        "{} on {}: A - B, where A is {}, B is {}".format(first.metric, first.question_set, *studies),
        (Column("cell"), *difference_columns(first.unit), _corrected_column(first.unit)),
        rows,
        (
            *comparison_notes(first.unit, differing, len(comparisons)),
            "name one cell to see which questions changed sides",
            *((intervals,) if without_pairs else ()),
        ),
    )
