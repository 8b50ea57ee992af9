"""What `ragtally check --data` shows: near-duplicates, leakage and contradictory labels in a study's data."""

from __future__ import annotations

from collections.abc import Sequence

from ragtally.engine.duplicates import Contradictions, CopiedEvidence, DataReport, Overlap, Pair
from ragtally.present.numbers import COUNT, PORTION, Portion
from ragtally.present.table import Column, Table

Parts = list[Table | str]
_TEXT_WIDTH = 42


def data_parts(report: DataReport) -> Parts:
    """The tables of one study."""
    parts: Parts = [_head(report), _totals(report)]
    parts += _pairs("Documents that are nearly the same", report.documents.pairs)
    parts += _pairs("Questions that are nearly the same", report.questions.pairs)
    for overlap in report.overlaps:
        parts.append(_overlap(overlap))
        parts += _pairs(f"Questions asked, and questions of {overlap.split}", overlap.question_pairs)
        parts += _pairs(f"Their gold documents, and those of {overlap.split}", overlap.document_pairs)
    parts.append(_whole_dataset(report.contradictions, report.copied_evidence))
    parts += _pairs("Nearly the same question, another label", report.contradictions.pairs)
    return parts


def _head(report: DataReport) -> str:
    return (
        f"study {report.study}: {report.study_questions:,} of {report.questions.texts:,} questions asked"
        f" (split {report.split or 'all'}) of the dataset {report.dataset}\n"
        f"near-duplicates: Jaccard similarity of at least {report.similarity:g}, exact duplicates included;"
        f" documents compared as sets of runs of {report.document_shingle} words, questions as sets of words"
    )


def _totals(report: DataReport) -> Table:
    kinds = (("documents", report.documents), ("questions", report.questions))
    notes = [
        f"{name} without a word, compared with nothing: {one.without_words:,}"
        for name, one in kinds
        if one.without_words
    ]
    if report.questions.near:
        notes.append("Questions that are nearly the same are not independent: intervals come out too narrow.")
    columns = (
        Column(""), Column("number", COUNT), Column("exact", PORTION), Column("near", PORTION),
        Column("groups", COUNT), Column("largest", COUNT),
    )  # fmt: skip
    rows = tuple(
        (name, one.texts, Portion(one.exact, one.texts), Portion(one.near, one.texts), one.groups, one.largest_group)
        for name, one in kinds
    )
    return Table("totals", "In the dataset", columns, rows, tuple(notes))


def _shares(name: str, caption: str, rows: Sequence[tuple[str, int, int]], notes: Sequence[str]) -> Table:
    columns = (Column(""), Column("questions", PORTION), Column("of", COUNT))
    fields = tuple((what, Portion(number, total), total) for what, number, total in rows)
    return Table(name, caption, columns, fields, tuple(notes))


def _overlap(overlap: Overlap) -> Table:
    split, total = overlap.split, overlap.study_questions
    notes = []
    if overlap.study_questions_inside:
        notes.append(f"Also asked, and in {split} themselves: {overlap.study_questions_inside:,} questions.")
    if overlap.any_overlap and overlap.readers:
        notes.append(
            f"Learning from {split}: {', '.join(overlap.readers)}. What these get right here they may remember and"
            " not read: take the questions out of one of the splits (--json --pairs lists them), or read such scores"
            " as an upper bound."
        )
    elif overlap.any_overlap:
        notes.append(f"No reader of this study learns from {split}; one that does may remember these.")
    rows = (
        (f"the same question is in {split}", overlap.same_question, total),
        (f"nearly the same question is in {split}", overlap.near_question, total),
        (f"the gold document is one of {split}", overlap.same_document, total),
        (f"the gold document is, or is nearly, one of {split}", overlap.near_document, total),
        ("any of these", overlap.any_overlap, total),
    )
    return _shares("overlap", f"Questions asked, against the {overlap.split_questions:,} of {split}", rows, notes)


def _whole_dataset(labels: Contradictions, copies: CopiedEvidence) -> Table:
    notes = []
    if labels.dataset_contradictions:
        notes.append(
            f"Of the {labels.dataset_labels:,} labelled questions of the dataset, {labels.dataset_contradictions:,}"
            " have another label than nearly the same question: fix the labels or leave the questions out, unless the"
            " documents distinguish the two."
        )
    if copies.near:
        notes.append(
            "A retriever that finds the other copy of a gold document is counted wrong: take copies out of the"
            " corpus, or read recall as a lower bound."
        )
    rows = (
        ("nearly the same question has another label", labels.study_contradictions, labels.study_labels),
        ("the gold document is in the corpus twice", copies.exact, copies.study_questions),
        ("the gold document is in it twice, or nearly", copies.near, copies.study_questions),
    )
    return _shares("dataset", "Questions asked, against the whole dataset", rows, notes)


def _pairs(caption: str, pairs: Sequence[Pair]) -> Parts:
    rows: list[tuple[str, ...]] = []
    for pair in pairs:
        rows.append((f"{pair.similarity:.3f}", pair.first, pair.first_about, _shorten(pair.first_text)))
        rows.append(("", pair.second, pair.second_about, _shorten(pair.second_text)))
    columns = (Column("alike"), Column("id"), Column(""), Column("text"))
    return [Table("pairs", caption, columns, tuple(rows))] if rows else []


def _shorten(text: str) -> str:
    return text if len(text) <= _TEXT_WIDTH else f"{text[: _TEXT_WIDTH - 1]}…"
