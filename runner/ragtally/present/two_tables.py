"""What `ragtally compare` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ragtally.analysis.pairwise import UNPAIRED, PairwiseComparison
from ragtally.analysis.significance import LEVEL
from ragtally.present.numbers import AT_THE_LEVEL, count
from ragtally.present.verdict_parts import (
    caption,
    in_points,
    interval_of,
    number_table,
    p_value,
    printable,
    share_or_number,
)


def two_parts(found: Sequence[PairwiseComparison], most: int | None) -> list[Table | Text]:
    """Write what comparisons come to."""
    if len(found) == 1:
        return _at_length(found[0], most)
    return [*_family(found), *[Text(note) for note in dict.fromkeys(note for one in found for note in one.notes)]]


def _at_length(found: PairwiseComparison, most: int | None) -> list[Table | Text]:
    lines = [
        f"A: {found.comparison.cell}",
        f"B: {found.comparison.baseline}",
        f"{found.metric} on {found.question_set}, {found.pairing}: {_questions(found)}",
        *found.notes,
    ]
    parts: list[Table | Text] = [Text("\n".join(lines)), _numbers(found), Text(_sentence(found))]
    if found.pairing != UNPAIRED:
        parts.extend(_changed(found, most))
    return parts


def _questions(found: PairwiseComparison) -> str:
    if found.pairing == UNPAIRED:
        return f"{found.first_only} questions against {found.second_only} others"
    return f"{found.common} questions"


def _numbers(found: PairwiseComparison) -> Table:
    table = number_table("", ["", found.metric, "95 % interval"])
    for name, value in (("A", found.first_value), ("B", found.second_value)):
        if value.value is not None:
            table.add_row(name, share_or_number(found.metric, value.value), interval_of(found.metric, value))
    table.add_row(
        "A - B",
        share_or_number(found.metric, found.comparison.difference.value, signed=True),
        interval_of(found.metric, found.comparison.difference, signed=True),
    )
    return table


def _sentence(found: PairwiseComparison) -> str:
    one = found.comparison
    told = {True: "A and B differ by more than chance", False: "A and B are not distinguishable", None: "no test"}[
        one.distinguishable
    ]
    if found.pairing == UNPAIRED:
        return f"{told}: the interval of the difference {'leaves out' if one.distinguishable else 'holds'} 0."
    assert one.significance is not None
    shown = p_value(one.significance.p_value)
    told += f": {one.significance.test}, p {shown if shown.startswith('<') else f'= {shown}'}"
    if found.comparison.smallest_difference is None:
        return f"{told}; so few questions that differ would not have shown any difference."
    smallest = share_or_number(found.metric, found.comparison.smallest_difference)
    return f"{told}; the smallest difference that these questions would show with a power of 80 % is {smallest}."


def _changed(found: PairwiseComparison, most: int | None) -> list[Table | Text]:
    counts = found.comparison.tally
    assert counts is not None
    tally = f"A better on {count(counts.wins, 'question')}, as good on {counts.ties}, worse on {counts.losses}"
    shown = found.changes if most is None else found.changes[:most]
    if not shown:
        return [Text(tally)]
    ranks = found.measures == "retrieval"
    headings = ["question", "A", "B", "better"] if ranks else ["question", "label", "A said", "B said", "right"]
    what = "they differ in" if ranks else "changed sides"
    table = number_table(f"{tally}; {what}:", headings, left=len(headings))
    for turned in shown:
        said = (turned.first, turned.second) if ranks else (turned.label, turned.first, turned.second)
        # Names of questions come from the data as well.
        table.add_row(
            f"{printable(turned.question)}  {textwrap.shorten(printable(turned.text), 60, placeholder=' ...')}",
            *map(printable, said),
            "A" if turned.won else "B",
        )
    left = len(found.changes) - len(shown)
    return [table, *([Text(f"... and {left} more: --all lists them")] if left else [])]


def _family(found: Sequence[PairwiseComparison]) -> list[Table]:
    first = found[0]
    studies = _study(first.comparison.cell), _study(first.comparison.baseline)
    title = f"{first.metric} on {first.question_set}: A is {studies[0]}, B is {studies[1]}"
    table = number_table(title, ["cell", "A - B", "95 % interval", "p (Holm)", "w/t/l", "smallest"])
    for one in found:
        counts = one.comparison.tally
        tally = "unpaired" if counts is None else f"{counts.wins}/{counts.ties}/{counts.losses}"
        table.add_row(
            one.comparison.cell.partition(":")[2],
            share_or_number(one.metric, one.comparison.difference.value, signed=True),
            interval_of(one.metric, one.comparison.difference, signed=True),
            p_value(one.comparison.adjusted_p_value),
            tally,
            share_or_number(one.metric, one.comparison.smallest_difference),
        )
    differing = sum(bool(one.comparison.distinguishable) for one in found)
    caption(
        table,
        f"{differing} of {len(found)} differ by more than chance; w/t/l: questions on which A is better, as good,"
        f" worse; smallest: the smallest difference that so many questions would show with a power of 80 %"
        f" {AT_THE_LEVEL}; name one cell to see which questions changed sides{_of_unpaired(found)}"
        f"{in_points(first.metric)}",
    )
    return [table]


def _of_unpaired(found: Sequence[PairwiseComparison]) -> str:
    unpaired = sum(one.pairing == UNPAIRED for one in found)
    if not unpaired:
        return ""
    return f"; unpaired ones are told apart by intervals of 1 - {LEVEL:g} / {unpaired}, not by those shown"


def _study(name: str) -> str:
    return name.partition(":")[0]
