"""The tables of what is retrieved, and of the grid of readers behind it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ragtally.present.table_parts import (
    Row,
    answer_metrics,
    decimal,
    metrics_of,
    percent,
    plain_table,
    title,
    votes_of,
)

_MOST_ROWS = 100
_WIDEST_NAME = 24
_MOST_METRICS = 4


def retrieval_tables(cells: Sequence[Row]) -> list[Table]:
    """Make the tables of rankings and, where nobody reads, of what fits into each context."""
    rows = [row for row in cells if row["kind"] == "retrieval" and row["question_set"] == "all"]
    rankings = [row for row in rows if not row["top_k"] and not row["context_words"]]
    metrics = [name for name in metrics_of(rankings) if not name.startswith("context_")]
    if not rankings or not metrics:
        return []
    tables = []
    for few in (metrics[at : at + _MOST_METRICS] for at in range(0, len(metrics), _MOST_METRICS)):
        table = plain_table(
            f"Retrieval, {rankings[0]['questions']} questions", ["chunker/retriever", *map(title, few)]
        )
        table.columns[0].min_width = min(_WIDEST_NAME, max(len(row["cell"]) for row in rankings))
        for row in rankings:
            table.add_row(row["cell"], *(decimal(row[name]) for name in few))
        tables.append(table)
    contexts = [row for row in rows if row["top_k"] or row["context_words"]]
    if contexts:
        headings = ["chunker/retriever", "context", "evidence", "ceiling", "words"]
        table = plain_table("Evidence in so much context, and the most that could be (%); words of context", headings)
        for row in contexts:
            table.add_row(*row["cell"].rsplit("/", 1), *_before_the_reader(row))
        tables.append(table)
    return tables


def _before_the_reader(row: Row) -> list[str]:
    words = f"{float(row['context_mean_words']):.0f}" if row["context_mean_words"] else "-"
    return [percent(row["context_evidence"]), percent(row["context_evidence_ceiling"]), words]


def grid_tables(cells: Sequence[Row]) -> list[Table | Text]:
    """Make the tables of the grid: one a set of questions."""
    rows = [row for row in cells if row["kind"] == "grid"]
    metrics = answer_metrics(rows)
    if not metrics:
        return []
    rules = len({row.get("rule") for row in rows}) > 1
    decisions = list(dict.fromkeys(votes_of(row, rules=rules) for row in rows))
    tables: list[Table | Text] = []
    for question_set in dict.fromkeys(row["question_set"] for row in rows):
        of_set = [row for row in rows if row["question_set"] == question_set]
        headings = [f"{votes} vote{'' if votes == '1' else 's'}" for votes in decisions]
        table = plain_table(
            f"Grid: {title(metrics[0])} of {of_set[0]['questions']} questions ({question_set}); evidence in the "
            "context, the most that so many chunks could hold (%); words of context",
            ["chunker/retriever", "context", "reader", *headings, "evidence", "ceiling", "words"],
        )
        lines: dict[tuple[str, str, str], dict[str, Row]] = {}
        for row in of_set:
            where, size, *_ = row["cell"].rsplit("/", 3)
            lines.setdefault((where, size, row["reader"]), {})[votes_of(row, rules=rules)] = row
        for line, found in list(lines.items())[:_MOST_ROWS]:
            first = next(iter(found.values()))
            shown = [percent(found.get(votes, {}).get(metrics[0], "")) for votes in decisions]
            table.add_row(*line, *shown, *_before_the_reader(first))
        tables.append(table)
        if len(lines) > _MOST_ROWS:
            tables.append(Text(f"... and {len(lines) - _MOST_ROWS} more lines in cells.csv"))
    return tables
