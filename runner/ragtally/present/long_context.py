"""Long context against retrieval: whole documents and the whole corpus beside the best retrieved context."""

from __future__ import annotations

from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.comparisons import Comparison
from ragtally.present.cells import Cells, missing_scores
from ragtally.present.numbers import COUNT, DOLLARS, VALUE, form_of
from ragtally.present.table import Column, Section, Table
from ragtally.spec.study import LONG_CONTROLS


def long_context_section(cells: Cells, analysis: Analysis | None) -> Section:
    """What long contexts come to, with their tokens and dollars, and how far the best retrieved one is from them."""
    title = "Long context against retrieval"
    names = [name for name in cells.of_kind("control") if cells.rows[name]["condition"] in LONG_CONTROLS]
    metric = analysis.metric if analysis else None
    if not names or analysis is None or metric is None:
        return Section("long-context", title, empty="The controls put no whole document or corpus before a reader.")
    comparisons = {one.cell: one for family in analysis.long_context for one in family.comparisons}
    rows: list[tuple[Any, ...]] = []
    for name in names:
        rows.append(_row(cells, name, metric, comparisons.get(name)))
    for name in dict.fromkeys(one.baseline for one in comparisons.values()):
        rows.append(_row(cells, name, metric, None))
    unit = analysis.units[metric]
    columns = (
        Column("cell"),
        Column(metric, form_of(unit)),
        Column("tokens each", COUNT, "-"),
        Column("context words", COUNT, page_only=True),
        Column("$ per question", DOLLARS, "unknown", page_only=True),
        Column("$ per right answer", DOLLARS, "unknown", page_only=True),
        Column("minus retrieval", form_of(unit), "-"),
        Column("p (Holm)", VALUE, "-", page_only=True),
    )
    notes = (
        "tokens each: in and out for a question, all votes together; minus retrieval: the long context minus the best"
        " retrieved one of the same reader and votes on the same questions, flattered as the best of several",
        *missing_scores([cells.rows[name] for name in names], [metric]),
    )
    caption = f"Long contexts and the best retrieved ones, on {cells.question_set}, {cells.questions:,} questions"
    table = Table("long-context-table", caption, columns, tuple(rows), notes)
    return Section("long-context", title, tables=(table,))


def _row(cells: Cells, name: str, metric: str, comparison: Comparison | None) -> tuple[Any, ...]:
    cost, words = cells.cost(name), cells.context_words(name)
    p_value = None if comparison is None else comparison.adjusted_p_value
    return (
        name,
        cells.estimate(name, metric),
        None if cost.tokens is None else round(cost.tokens / cells.questions),
        None if words is None else round(words),
        cost.dollars_per_question,
        cost.dollars_per_right_answer,
        None if comparison is None else comparison.difference,
        None if p_value is None else f"{p_value:.4f}",
    )
