"""The parsers: how each one's text has the quotes of the questions, and of which questions it lost the evidence."""

from __future__ import annotations

from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.parser_losses import ParserLoss
from ragtally.present.numbers import PORTION, SHARE, Portion
from ragtally.present.table import Column, Section, Table
from ragtally.results import Results

_MOST_QUESTIONS = 50


def parsers_section(results: Results, analysis: Analysis) -> Section:
    """What each parser lost."""
    title = "What the parsers lost"
    losses = analysis.parser_losses
    if not losses:
        return Section("parsers", title, empty="The grid compares no parsers.")
    lead = (
        "The same files, read by each parser; the evidence is looked for again in its text. A question whose evidence"
        " a parser lost is in the bucket “lost by the parser” where its answer is wrong, and in no metric of"
        " retrieval. The controls and the voters read the same gold contexts whatever the parser: the text of the"
        " first one that lost the least of it, or the quotes themselves where all lost them."
    )
    return Section("parsers", title, lead, tables=(_losses(losses), *_questions(results)))


def _losses(losses: tuple[ParserLoss, ...]) -> Table:
    rows: list[tuple[Any, ...]] = []
    for one in losses:
        total = one.verbatim + one.but_for_form + one.alike + one.quotes_lost
        quotes = (Portion(count, total) for count in (one.verbatim, one.but_for_form, one.alike, one.quotes_lost))
        rows.append((one.parser, *quotes, one.lost_questions))
    columns = (
        Column("parser"),
        Column("verbatim", PORTION, page_only=True),
        Column("normalised", PORTION, page_only=True),
        Column("aligned", PORTION, page_only=True),
        Column("quotes lost", PORTION),
        Column("questions lost", SHARE),
    )
    questions = losses[0].lost_questions.denominator
    part = ", ".join(f"{one.parser} {one.lost_in_part:,}" for one in losses if one.lost_in_part)
    least = min((one.least_similarity for one in losses if one.least_similarity is not None), default=None)
    notes = (
        "normalised: but for white space, hyphens, quotation marks and forms of letters; aligned: words that are"
        " nearly the same, with the same numbers" + ("" if least is None else f", alike by {least:.2f} or more"),
        *([f"questions that lost a part of their evidence: {part}"] if part else []),
    )
    return Table(
        "parsers-table",
        f"Parsers, on {questions:,} questions with evidence",
        columns,
        tuple(rows),
        notes,
    )


def _questions(results: Results) -> list[Table]:
    questions = results.questions.filter(results.questions["lost_by_parsers"].list.len() > 0)
    if not len(questions):
        return []
    rows = tuple(
        (name, ", ".join(parsers), words)
        for name, parsers, words in questions.head(_MOST_QUESTIONS)
        .select("id", "lost_by_parsers", "question")
        .iter_rows()
    )
    caption = "Questions whose evidence a parser lost"
    if len(questions) > len(rows):
        caption += f", the first {len(rows)} of {len(questions):,}"
    columns = (Column("id"), Column("lost by"), Column("question"))
    return [Table("lost-questions", caption, columns, rows, page_only=True)]
