"""The result tables, from the result files alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from ragtally.errors import Place, StoreError

Row = Mapping[str, str]

_MOST_ROWS = 100
_WIDEST_NAME = 24
_MOST_METRICS = 4


def result_tables(folder: Path) -> list[Table | Text]:
    """Make every table of a study.

    Args:
        folder: The study's results.

    Returns:
        What to print, in order.

    Raises:
        StoreError: If the results are not there.
    """
    dataset, base = _json(folder / "dataset.json"), _json(folder / "base.json")
    cells = _rows(folder / "cells.csv")
    return [
        _dataset(dataset),
        *([_funnel(base["base"])] if base["base"] else []),
        *_voters(_rows(folder / "voters.csv")),
        *tables_of_cells(cells),
        Text(f"every number in full: {folder}/cells.csv; every answer: {folder}/answers.parquet"),
    ]


def tables_of_cells(cells: Sequence[Row]) -> list[Table | Text]:
    """Make the tables of the bench.

    Args:
        cells: The rows of `cells.csv`.

    Returns:
        Readers and controls, retrieval alone, and the grid; those that have rows.
    """
    return [*_readers(cells), *_retrieval(cells), *_grid(cells)]


def cell_tables(columns: Mapping[str, Sequence[Any]]) -> list[Table | Text]:
    """Make the tables of the bench from columns in memory.

    Args:
        columns: The columns of `cells.csv`.

    Returns:
        What to print.
    """
    rows = zip(*columns.values(), strict=True)
    return tables_of_cells(
        [
            {name: "" if value is None else str(value) for name, value in zip(columns, row, strict=True)}
            for row in rows
        ]
    )


def _dataset(content: Mapping[str, Any]) -> Text:
    corpus, asked = content["corpus"], content["questions"]
    classes = asked["sampled_by_class"]
    labelled = sum(classes.values())
    lines = [
        f"study {content['study']}: {content['dataset']}, corpus of {corpus['documents']:,} documents",
        f"asked: {asked['sampled']:,} of {asked['in_dataset']:,} questions (split {content['split'] or 'all'}"
        + (f"; {asked['dropped_by_answers']} dropped for other answers" if asked["dropped_by_answers"] else "")
        + ")",
    ]
    if labelled:
        shares = ", ".join(f"{name} {count}" for name, count in classes.items())
        top = max(classes.values())
        lines.append(f"labels: {shares}; majority share {100 * top / labelled:.1f} % of {labelled}")
    else:
        lines.append("labels: none (verdicts of the voters are silver labels)")
    return Text("\n".join(lines))


def _funnel(funnel: Mapping[str, Any]) -> Table:
    table = _table(f"Base: the questions that stay ({funnel['labels']} labels)", ["", "questions"])
    classes = list(next(iter(funnel["stages"].values()))["by_class"])
    for name in classes:
        table.add_column(name, justify="right")
    first = funnel["stages"]["asked"]
    for stage, counts in funnel["stages"].items():
        cells = [_of(counts["questions"], first["questions"])]
        cells += [_of(counts["by_class"][name], first["by_class"][name]) for name in classes]
        table.add_row(stage, *cells)
    table.caption = f"majority share: {_majority(first)} asked, {_majority(funnel['stages']['kept'])} kept"
    return table


def _majority(counts: Mapping[str, Any]) -> str:
    total = sum(counts["by_class"].values())
    return f"{100 * max(counts['by_class'].values()) / total:.1f} % of {total}" if total else "none of 0"


def _voters(rows: Sequence[Row]) -> list[Table]:
    if not rows:
        return []
    table = _table(
        f"Voters, gold context, {rows[0]['questions']} questions (%); precision, recall, F1: macro averages",
        ["voter", "decision", "accuracy", "precision", "recall", "F1", "coverage", "of covered"],
        left=2,
    )
    metrics = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "coverage", "accuracy_of_covered")
    for row in rows:
        table.add_row(row["voter"], row["decision"], *(_percent(row[name]) for name in metrics))
    return [table, *_costs(rows)]


def _costs(rows: Sequence[Row]) -> list[Table]:
    """What all votes of each voter cost, for voters that are language models."""
    asked = {row["voter"]: row for row in rows if row["input_tokens"]}
    # The last row of a voter is the one about all of its votes.
    if not asked:
        return []
    table = _table("What the votes cost", ["voter", "tokens in", "tokens out", "seconds", "dollars", "dollars each"])
    for voter, row in asked.items():
        dollars, questions = row["dollars"], int(row["questions"])
        table.add_row(
            voter,
            f"{int(row['input_tokens']):,}",
            f"{int(row['output_tokens']):,}",
            f"{float(row['answer_seconds']):,.1f}",
            f"{float(dollars):.4f}" if dollars else "unknown",
            f"{float(dollars) / questions:.6f}" if dollars else "unknown",
        )
    table.caption = "seconds of all calls added up; dollars at the stated price, and for each question"
    return [table]


def _readers(cells: Sequence[Row]) -> list[Table]:
    rows = [row for row in cells if row["kind"] in ("control", "fixed") and not row["note"]]
    if not rows:
        return []
    rules = len({row.get("rule") for row in rows}) > 1
    metrics = _answer_metrics(rows)[:2]
    table = _table("Readers without retrieval (%)", ["reader", "condition", "votes"], left=2)
    sizes = {row["question_set"]: row["questions"] for row in rows}
    for question_set, size in sizes.items():
        for name in metrics:
            table.add_column(f"{_title(name)}\n{question_set} {size}", justify="right")
    by_cell: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_cell.setdefault(row["cell"], {})[row["question_set"]] = row
    for found in by_cell.values():
        first = next(iter(found.values()))
        shown = [_percent(found.get(each, {}).get(name, ""), 2) for each in sizes for name in metrics]
        table.add_row(first["reader"], first["condition"], _votes(first, rules=rules), *shown)
    reasons = [row["not_scored"] for row in rows if any(not row[name] for name in metrics)]
    if reasons:
        table.caption = "- is not scored: " + "; ".join(dict.fromkeys(_reason(each, metrics[0]) for each in reasons))
    return [table]


def _retrieval(cells: Sequence[Row]) -> list[Table]:
    rows = [row for row in cells if row["kind"] == "retrieval" and row["question_set"] == "all"]
    rankings = [row for row in rows if not row["top_k"] and not row["context_words"]]
    metrics = [name for name in _metrics(rankings) if not name.startswith("context_")]
    if not rankings or not metrics:
        return []
    tables = []
    for few in (metrics[at : at + _MOST_METRICS] for at in range(0, len(metrics), _MOST_METRICS)):
        table = _table(f"Retrieval, {rankings[0]['questions']} questions", ["chunker/retriever", *map(_title, few)])
        table.columns[0].min_width = min(_WIDEST_NAME, max(len(row["cell"]) for row in rankings))
        for row in rankings:
            table.add_row(row["cell"], *(_decimal(row[name]) for name in few))
        tables.append(table)
    contexts = [row for row in rows if row["top_k"] or row["context_words"]]
    if contexts:
        headings = ["chunker/retriever", "context", "evidence", "ceiling", "words"]
        table = _table("Evidence in so much context, and the most that could be (%); words of context", headings)
        for row in contexts:
            table.add_row(*row["cell"].rsplit("/", 1), *_before_the_reader(row))
        tables.append(table)
    return tables


def _before_the_reader(row: Row) -> list[str]:
    words = f"{float(row['context_mean_words']):.0f}" if row["context_mean_words"] else "-"
    return [_percent(row["context_evidence"]), _percent(row["context_evidence_ceiling"]), words]


def _grid(cells: Sequence[Row]) -> list[Table | Text]:
    rows = [row for row in cells if row["kind"] == "grid"]
    metrics = _answer_metrics(rows)
    if not metrics:
        return []
    rules = len({row.get("rule") for row in rows}) > 1
    decisions = list(dict.fromkeys(_votes(row, rules=rules) for row in rows))
    tables: list[Table | Text] = []
    for question_set in dict.fromkeys(row["question_set"] for row in rows):
        of_set = [row for row in rows if row["question_set"] == question_set]
        headings = [f"{votes} vote{'' if votes == '1' else 's'}" for votes in decisions]
        table = _table(
            f"Grid: {_title(metrics[0])} of {of_set[0]['questions']} questions ({question_set}); evidence in the "
            "context, the most that so many chunks could hold (%); words of context",
            ["chunker/retriever", "context", "reader", *headings, "evidence", "ceiling", "words"],
        )
        lines: dict[tuple[str, str, str], dict[str, Row]] = {}
        for row in of_set:
            where, size, *_ = row["cell"].rsplit("/", 3)
            lines.setdefault((where, size, row["reader"]), {})[_votes(row, rules=rules)] = row
        for line, found in list(lines.items())[:_MOST_ROWS]:
            first = next(iter(found.values()))
            shown = [_percent(found.get(votes, {}).get(metrics[0], "")) for votes in decisions]
            table.add_row(*line, *shown, *_before_the_reader(first))
        tables.append(table)
        if len(lines) > _MOST_ROWS:
            tables.append(Text(f"... and {len(lines) - _MOST_ROWS} more lines in cells.csv"))
    return tables


def _answer_metrics(rows: Sequence[Row]) -> list[str]:
    """The metrics of whole answers that any of the rows has: not per class, not of retrieval or context."""
    return [
        name for name in _metrics(rows) if "[" not in name and "@" not in name and not name.startswith("context_")
    ]


def _metrics(rows: Sequence[Row]) -> list[str]:
    """The metrics that any of the rows has, by printed name."""
    if not rows:
        return []
    named = [name for name in rows[0] if f"{name}_denominator" in rows[0]]
    return [name for name in named if any(row[name] for row in rows)]


def _reason(reasons: str, metric: str) -> str:
    """Find why a metric is not scored among a row's reasons."""
    for group in reasons.split("; "):
        names, _, reason = group.partition(": ")
        if metric in names.split(", "):
            return reason
    return reasons


def _table(title: str, headings: Sequence[str], left: int = 1) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for number, heading in enumerate(headings):
        aside = number < left
        table.add_column(heading, justify="left" if aside else "right", overflow="fold", no_wrap=0 < number < left)
    return table


def _title(name: str) -> str:
    return name.replace("_", " ").replace("f1", "F1")


def _votes(row: Row, *, rules: bool) -> str:
    return f"{row['votes']} {row['rule']}" if rules else row["votes"]


def _of(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.0f} %)" if total else str(count)


def _percent(value: str, digits: int = 1) -> str:
    return f"{100 * float(value):.{digits}f}" if value else "-"


def _decimal(value: str) -> str:
    return f"{float(value):.3f}" if value else "-"


def _json(path: Path) -> Any:
    return json.loads(_read(path))


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(_read(path).splitlines()))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"there is no such result: {error.strerror}",
            place=Place(str(path)),
            hint="run the study first: ragtally run SPEC, or dvc repro",
        ) from error
