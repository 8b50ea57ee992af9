"""How the readers compare, with no context, the wrong one, the gold one and the retrieved one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.vote_noise import VoteNoise
from ragtally.present.cells import Cells
from ragtally.present.charts import reader_chart
from ragtally.present.numbers import is_share, measured_metric, measured_share
from ragtally.present.parts import Chart, Entry, Section, Table
from ragtally.results import Results

_CONDITIONS = ("closed_book", "wrong_context", "retrieved", "gold_context")


def readers_section(results: Results, verdict: Analysis, cells: Cells) -> Section:
    """Compare the readers under each condition."""
    title, metric = "Readers", verdict.metric
    found = {} if metric is None else _by_reader(verdict, cells)
    if metric is None or not found:
        return Section("readers", title, empty="No reader answers in this study.")
    rows = []
    for reader, by_condition in found.items():
        for condition, cell in by_condition.items():
            score = cells.verdicts[cell].metrics[metric]
            if score.value is not None:
                rows.append(
                    {"reader": reader, "series": condition, "value": score.value, "low": score.low,
                     "high": score.high, "text": measured_metric(metric, score)}
                )  # fmt: skip
    table = Table(
        "readers-table",
        f"{metric} by reader, votes and context.",
        ("reader", *_CONDITIONS),
        tuple(
            (Entry(reader), *(_score(cells, metric, by_condition.get(name)) for name in _CONDITIONS))
            for reader, by_condition in found.items()
        ),
    )
    lead = "closed_book is what a reader knows without a context; wrong_context is another question’s gold context."
    if verdict.chosen is not None:
        lead += f" “Retrieved” is what stands before the reader in {verdict.chosen}."
    lead += _silent(results)
    chart = Chart("readers-chart", f"{metric} with intervals.", reader_chart(rows, metric, share=is_share(metric)))
    return Section("readers", title, lead, (chart,), (table,))


def noise_section(verdict: Analysis) -> Section:
    """Show how often two draws of the same reader on the same gold context differ."""
    title = "Vote noise"
    if not any(judged.vote_noise for judged in verdict.sets.values()):
        why = "No reader that draws anew was asked twice or more on gold contexts, so vote noise is not known."
        return Section("noise", title, empty=why)
    lead = (
        "Two independent draws of a reader on the same gold contexts, as shares of the questions. Up to as large a"
        " distractor loss as the last column may be vote noise alone: less where a vote on what was retrieved is the"
        " same draw as on the gold context (the same model of a specialist, the saved answer to an equal prompt)."
    )
    headings = ("reader", "questions", "answer differs", "one right, one not", "right first, then wrong")
    rows = tuple(
        _noise(reader, question_set, found)
        for question_set, judged in verdict.sets.items()
        for reader, found in judged.vote_noise.items()
    )
    return Section("noise", title, lead, tables=(Table("noise-table", "Flip rates.", headings, rows),))


def _noise(reader: str, question_set: str, found: VoteNoise) -> tuple[Entry, ...]:
    shares = (found.other_answer, found.right_once, found.lost)
    return (
        Entry(reader),
        Entry(question_set),
        *(Entry(measured_share(one), one.value) for one in shares),
    )


def _score(cells: Cells, metric: str, cell: str | None) -> Entry:
    if cell is None:
        return Entry("not measured")
    score = cells.verdicts[cell].metrics[metric]
    return Entry(measured_metric(metric, score), score.value)


def _by_reader(verdict: Analysis, cells: Cells) -> dict[str, dict[str, str]]:
    """By reader and way to decide the cell of each condition; the retrieved one has the chosen cell's context."""
    context = None if verdict.chosen is None else cells.rows[verdict.chosen]["context"]
    found: dict[str, dict[str, str]] = {}
    for name in cells.of_kind("control", "fixed", "grid"):
        row = cells.rows[name]
        if row["note"] or row["condition"] not in _CONDITIONS:
            continue
        if row["condition"] != "retrieved" or row["context"] == context:
            found.setdefault(_decision(row, cells, name), {})[row["condition"]] = name
    return found


def _decision(row: Mapping[str, Any], cells: Cells, name: str) -> str:
    votes = row["votes"]
    several = cells.varies("rule") and votes and votes > 1 and name in cells.labels["rule"]
    rule = f" by {cells.labels['rule'][name]}" if several else ""
    return f"{row['reader']}, {votes} vote{'' if votes == 1 else 's'}{rule}"


def _silent(results: Results) -> str:
    """Say how many answers are none, over all cells and questions."""
    status = results.answers["status"]
    missing = int(status.is_in(["unparsed", "call failed", "no verdict"]).sum())
    if not len(status):
        return ""
    return (
        f" Of {len(status):,} verdicts of all cells, {missing:,} are missing: a call failed, a text could not be"
        " read, or the votes did not decide."
    )
