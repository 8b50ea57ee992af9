"""How the answers of each reader were read: by which of the parser's ways, or why they could not be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ragtally.plan import Cell


def count_readings(cells: Sequence[Cell], answers: pl.DataFrame) -> list[dict[str, Any]]:
    """Count how answers were read, by reader and context; each vote once, though cells share votes."""
    most_votes: dict[tuple[str | None, ...], Cell] = {}
    for cell in sorted(cells, key=lambda cell: -(cell.picks.votes or 0)):
        if cell.verdicts is not None:
            most_votes.setdefault((cell.picks.reader, _context(cell)), cell)
    names = pl.DataFrame(
        [(cell.name, cell.picks.reader, _context(cell)) for cell in most_votes.values()],
        schema={"cell": pl.String, "reader": pl.String, "context": pl.String},
        orient="row",
    )
    votes = answers.select("cell", "ballots", "readings", "errors").explode("ballots", "readings", "errors")
    outcome = (
        pl.when(pl.col("readings").is_null()).then(pl.lit("missing"))
        .when(pl.col("ballots").is_null()).then(pl.lit("unread"))
        .otherwise(pl.lit("read"))
    )  # fmt: skip
    counts = (
        votes.join(names, on="cell")
        .group_by(
            "reader", "context", outcome=outcome, reading=pl.coalesce("readings", "errors", pl.lit("no answer"))
        )
        .agg(answers=pl.len())
    )
    order = ["reader", "context", "outcome", "answers", "reading"]
    return counts.sort(order, descending=[False, False, False, True, False]).to_dicts()


def _context(cell: Cell) -> str:
    """What stood before the reader: a condition, or the ranking and how much of it."""
    before = cell.score.inputs.get("context", ())
    return str(before[0].label if before else cell.picks.condition)
