"""What `ragtally check --data` shows."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from ragtally.cli.console import TerminalProgress, print_all
from ragtally.duplicates.report import Contradictions, CopiedEvidence, DataReport, Overlap, Pair, check_data
from ragtally.present.table_parts import plain_table
from ragtally.registry import Registry
from ragtally.spec.study import Study
from ragtally.store import Store, find_store
from ragtally.workspace import Workspace

_WIDTH = 80
_WIDEST_ID = 24


def show(studies: Sequence[Study], registry: Registry, similarity: float, shown: int, *, as_json: bool) -> None:
    """Look for near-duplicates in the data of studies, and print what is found, study by study."""
    location = Workspace(Store(find_store(Path.cwd())), registry, TerminalProgress())
    reports = []
    for report in check_data(studies, location, similarity, shown):
        reports.append(report)
        if not as_json:
            click.echo()
            print_all(report_tables(report))
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=2, ensure_ascii=False))


def report_tables(report: DataReport) -> list[Table | Text]:
    """Make the tables of one study, none wider than 80 columns."""
    parts: list[Table | Text] = [_head(report), *_totals(report)]
    parts += _pairs("Documents that are nearly the same", report.documents.pairs)
    parts += _pairs("Questions that are nearly the same", report.questions.pairs)
    for overlap in report.overlaps:
        parts += _overlap(overlap)
        parts += _pairs(f"Questions asked, and questions of {overlap.split}", overlap.question_pairs)
        parts += _pairs(f"Their gold documents, and those of {overlap.split}", overlap.document_pairs)
    parts += _asked(report.contradictions, report.copied_evidence)
    parts += _pairs("Nearly the same question, another label", report.contradictions.pairs)
    return parts


def _head(report: DataReport) -> Text:
    return Text(
        f"study {report.study}: {report.study_questions:,} of {report.questions.texts:,} questions asked "
        f"(split {report.split or 'all'}) of the dataset {report.dataset}\n"
        f"near-duplicates: Jaccard similarity of at least {report.similarity:g}, exact duplicates included;\n"
        f"documents compared as sets of runs of {report.document_shingle} words, questions as sets of words"
    )


def _totals(report: DataReport) -> list[Table | Text]:
    table = plain_table("In the dataset", ["", "of", "exact", "near", "groups", "largest"])
    advice = []
    for what, found in (("documents", report.documents), ("questions", report.questions)):
        counts = [_of(found.exact, found.texts), _of(found.near, found.texts)]
        table.add_row(what, f"{found.texts:,}", *counts, f"{found.groups:,}", f"{found.largest_group:,}")
        if found.without_words:
            advice.append(f"{what} without a word, compared with nothing: {found.without_words:,}")
    if report.questions.near:
        advice.append("Questions that are nearly the same are not independent: intervals come out too narrow.")
    return [table, *_advice(advice)]


def _overlap(found: Overlap) -> list[Table | Text]:
    table = _shares(f"Questions asked, against the {found.split_questions:,} of {found.split}")
    for what, count in (
        (f"the same question is in {found.split}", found.same_question),
        (f"nearly the same question is in {found.split}", found.near_question),
        (f"the gold document is one of {found.split}", found.same_document),
        (f"the gold document is, or is nearly, one of {found.split}", found.near_document),
        ("any of these", found.any_overlap),
    ):
        _share(table, what, count, found.study_questions)
    advice = []
    if found.study_questions_inside:
        advice.append(f"Asked as well, and in {found.split} themselves: {found.study_questions_inside:,} questions.")
    if found.any_overlap and found.readers:
        advice.append(
            f"Learning from {found.split}: {', '.join(found.readers)}. What these get right here they may remember "
            "and not read: take the questions out of one of the splits (--json --pairs lists them), or read such "
            "scores as an upper bound."
        )
    elif found.any_overlap:
        advice.append(f"No reader of this study learns from {found.split}; one that does may remember these.")
    return [table, *_advice(advice)]


def _asked(labels: Contradictions, copied: CopiedEvidence) -> list[Table | Text]:
    table = _shares("Questions asked, against the whole dataset")
    _share(table, "nearly the same question has another label", labels.study_contradictions, labels.study_labels)
    _share(table, "the gold document stands in the corpus twice", copied.exact, copied.study_questions)
    _share(table, "the gold document stands there twice, or nearly", copied.near, copied.study_questions)
    advice = []
    if labels.dataset_contradictions:
        advice.append(
            f"Of the {labels.dataset_labels:,} labelled questions of the dataset, "
            f"{labels.dataset_contradictions:,} have another label than nearly the same question: fix the labels or "
            "leave the questions out, unless the documents distinguish the two."
        )
    if copied.near:
        advice.append(
            "A retriever that finds the other copy of a gold document is counted wrong: take copies out of the "
            "corpus, or read recall as a lower bound."
        )
    return [table, *_advice(advice)]


def _advice(lines: Sequence[str]) -> list[Text]:
    return [Text("\n".join(textwrap.fill(line, _WIDTH) for line in lines))] if lines else []


def _shares(title: str) -> Table:
    return plain_table(title, ["", "asked", "of", "share"])


def _share(table: Table, what: str, count: int, total: int) -> None:
    share = f"{100 * count / total:.1f} %" if total else "-"
    table.add_row(Text(what), f"{count:,}", f"{total:,}", share)


def _pairs(title: str, pairs: Sequence[Pair]) -> list[Table | Text]:
    if not pairs:
        return []
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False, width=_WIDTH)
    table.add_column("alike", no_wrap=True)
    table.add_column("id", overflow="fold", max_width=_WIDEST_ID)
    table.add_column("", overflow="fold", max_width=_WIDEST_ID)
    table.add_column("text", no_wrap=True, overflow="ellipsis", ratio=1)
    for pair in pairs:
        first = (f"{pair.similarity:.3f}", pair.first, pair.first_about, pair.first_text)
        second = ("", pair.second, pair.second_about, pair.second_text)
        for row in (first, second):
            table.add_row(*(Text(printable(cell)) for cell in row))
    return [table]


def _of(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.1f} %)" if total else f"{count:,}"


def printable(text: str) -> str:
    """Write signs that a terminal would obey as their codes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
