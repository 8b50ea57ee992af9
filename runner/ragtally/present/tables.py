"""The result tables, from the result files alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from ragtally.analysis.aligned_answers import remarks
from ragtally.api import Location, StoreError
from ragtally.present.retrieval_tables import grid_tables, retrieval_tables
from ragtally.present.table_parts import (
    Row,
    answer_metrics,
    of_total,
    percent,
    plain_table,
    reason_for,
    title,
    votes_of,
)


def result_tables(folder: Path) -> list[Table | Text]:
    """Make every table of a study."""
    dataset, base = _json(folder / "dataset.json"), _json(folder / "base.json")
    cells = _rows(folder / "cells.csv")
    return [
        _dataset(dataset, silver=base["funnel"] is not None),
        *([_funnel(base["funnel"])] if base["funnel"] else []),
        *_voters(_rows(folder / "voters.csv")),
        *tables_of_cells(cells),
        Text(f"every number in full: {folder}/cells.csv; every answer: {folder}/answers.parquet"),
    ]


def tables_of_cells(cells: Sequence[Row]) -> list[Table | Text]:
    """Make the tables of the bench."""
    told = [Text(f"note: {remark}") for remark in remarks(cells)]
    return [*_readers(cells), *retrieval_tables(cells), *grid_tables(cells), *told]


def cell_tables(columns: Mapping[str, Sequence[Any]]) -> list[Table | Text]:
    """Make the tables of the bench from columns in memory."""
    rows = zip(*columns.values(), strict=True)
    return tables_of_cells(
        [
            {name: "" if value is None else str(value) for name, value in zip(columns, row, strict=True)}
            for row in rows
        ]
    )


def _dataset(content: Mapping[str, Any], *, silver: bool) -> Text:
    corpus, asked = content["corpus"], content["questions"]
    classes = asked["sampled_by_class"]
    labelled = sum(classes.values())
    lines = [
        f"study {content['study']}: {content['dataset']}, corpus of {corpus['documents']:,} documents",
        f"asked: {asked['sampled']:,} of {asked['in_dataset']:,} questions (split {content['split'] or 'all'}"
        + (f"; {asked['dropped_by_answers']} dropped for other answers" if asked["dropped_by_answers"] else "")
        + ")",
    ]
    left_out = ", ".join(f"{number:,} {what}" for what, number in corpus.get("left_out", {}).items())
    if left_out:
        lines.insert(1, f"left out of the dataset's files: {left_out}")
    if labelled:
        shares = ", ".join(f"{name} {count}" for name, count in classes.items())
        top = max(classes.values())
        lines.append(f"labels: {shares}; majority share {100 * top / labelled:.1f} % of {labelled}")
    else:
        lines.append("labels: none" + (" (verdicts of the voters are silver labels)" if silver else ""))
    return Text("\n".join(lines))


def _funnel(funnel: Mapping[str, Any]) -> Table:
    table = plain_table(f"Base: the questions that stay ({funnel['labels']} labels)", ["", "questions"])
    classes = list(next(iter(funnel["stages"].values()))["by_class"])
    for name in classes:
        table.add_column(name, justify="right")
    first = funnel["stages"]["sample"]
    for stage, counts in funnel["stages"].items():
        cells = [of_total(counts["questions"], first["questions"])]
        cells += [of_total(counts["by_class"][name], first["by_class"][name]) for name in classes]
        table.add_row(stage, *cells)
    kept = funnel["stages"]["base"]
    table.caption = f"majority share: {_majority(first)} asked, {_majority(kept)} in the base"
    gone = [name for name in classes if first["by_class"][name] and not kept["by_class"][name]]
    if gone and kept["questions"]:
        left = len([name for name in classes if kept["by_class"][name]])
        table.caption += f"; no {' and no '.join(gone)} is left: on the base, macro averages run over {left} classes"
    return table


def _majority(counts: Mapping[str, Any]) -> str:
    total = sum(counts["by_class"].values())
    return f"{100 * max(counts['by_class'].values()) / total:.1f} % of {total}" if total else "none of 0"


def _voters(rows: Sequence[Row]) -> list[Table]:
    if not rows:
        return []
    table = plain_table(
        f"Voters, gold context, {rows[0]['questions']} questions (%); precision, recall, F1: macro averages",
        ["voter", "decision", "accuracy", "precision", "recall", "F1", "coverage", "of covered"],
        left=2,
    )
    metrics = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "coverage", "accuracy_of_covered")
    for row in rows:
        table.add_row(row["voter"], row["decision"], *(percent(row[name]) for name in metrics))
    return [table, *_costs(rows)]


def _costs(rows: Sequence[Row]) -> list[Table]:
    """What all votes of each voter cost, for voters that are language models."""
    asked = {row["voter"]: row for row in rows if row["input_tokens"]}
    # The last row of a voter is the one about all of its votes.
    if not asked:
        return []
    table = plain_table(
        "What the votes cost", ["voter", "tokens in", "tokens out", "seconds", "dollars", "dollars each"]
    )
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
    metrics = answer_metrics(rows)[:2]
    table = plain_table("Readers without retrieval (%)", ["reader", "condition", "votes"], left=2)
    sizes = {row["question_set"]: row["questions"] for row in rows}
    for question_set, size in sizes.items():
        for name in metrics:
            table.add_column(f"{title(name)}\n{question_set} {size}", justify="right")
    by_cell: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_cell.setdefault(row["cell"], {})[row["question_set"]] = row
    for found in by_cell.values():
        first = next(iter(found.values()))
        shown = [percent(found.get(each, {}).get(name, ""), 2) for each in sizes for name in metrics]
        table.add_row(first["reader"], first["condition"], votes_of(first, rules=rules), *shown)
    reasons = [row["not_scored"] for row in rows if any(not row[name] for name in metrics)]
    if reasons:
        table.caption = "- is not scored: " + "; ".join(
            dict.fromkeys(reason_for(each, metrics[0]) for each in reasons)
        )
    return [table]


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
            location=Location(str(path)),
            hint="run the study first: ragtally run SPEC, or dvc repro",
        ) from error
