"""What became of open answers: who graded how many of them how."""

from __future__ import annotations

from typing import Any

import polars as pl

from ragtally.api import ABSTENTION


def count_grades(answers: pl.DataFrame) -> list[dict[str, Any]]:
    """Count the verdicts of each cell by status, grader, and whether they abstain and could have answered."""
    abstains = pl.col("verdict").eq_missing(ABSTENTION).alias("abstains")
    answerable = (pl.col("references").list.len() > 0).alias("answerable")
    keys = ("cell", "in_base", "status", "grader", abstains, answerable)
    counts = answers.group_by(*keys).agg(answers=pl.len())
    order = {cell: row for row, cell in enumerate(dict.fromkeys(answers["cell"]))}
    rows = counts.to_dicts()
    return sorted(rows, key=lambda row: (order[row["cell"]], -row["answers"], *map(str, row.values())))
