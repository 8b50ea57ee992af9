"""vote: turn the ballots on each question into a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Choice, VoteRule
from ragtally.steps import parse
from ragtally.steps.task import Task, TaskFactory, Work
from ragtally.store import read_table, write_table
from ragtally.voting import Ballots, decide

STEP = "vote"
VERSION = 1


def task(factory: TaskFactory, ballots: Sequence[Task], rule: Choice, **about: Any) -> Task:
    """Describe the work."""
    return factory.task(STEP, VERSION, choices={"rule": rule}, inputs={"parse": ballots}, **about)


def run(work: Work) -> None:
    """Write `verdicts.parquet`: `question`, `verdict` and `parsed` (how many ballots were)."""
    rule: VoteRule = work.build("rule")
    tables = [parse.load_ballots(entry.folder) for entry in work.entries["parse"]]
    choices = [table["ballot"].to_list() for table in tables]
    columns = {
        "question": tables[0]["question"],
        "verdict": decide(Ballots(choices, [table["failed"].to_list() for table in tables]), rule),
        "parsed": [sum(ballot is not None for ballot in cast) for cast in zip(*choices, strict=True)],
    }
    schema = {"question": pl.Int32, "verdict": pl.String, "parsed": pl.Int32}
    write_table(work.folder / "verdicts.parquet", columns, schema)


def load_verdicts(folder: Path) -> pl.DataFrame:
    """Read the verdicts."""
    return read_table(folder / "verdicts.parquet")
