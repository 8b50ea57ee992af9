"""What `funnel.csv` says of a study's examples: how many reached each stage, and for how many dollars."""

from __future__ import annotations

import polars as pl

STAGES = ("asked for", "returned", "parsed", "unique", "accepted", "kept")


def count_of(funnel: pl.DataFrame, stage: str) -> int:
    """How many examples reached a stage, by the rows of `funnel.csv`."""
    return int(funnel.filter(row="stage", name=stage)["examples"].sum())


def dollars_of(funnel: pl.DataFrame) -> float | None:
    """US dollars of writing and grading; None where a price is unknown."""
    dollars = funnel.filter(row="stage", name=STAGES[-1])["dollars"]
    return None if dollars.null_count() else float(dollars.sum())


def dollars_per_kept(funnel: pl.DataFrame) -> float | None:
    """The same for each example that is kept; None where there is none."""
    dollars, examples = dollars_of(funnel), count_of(funnel, STAGES[-1])
    return None if dollars is None or not examples else dollars / examples
