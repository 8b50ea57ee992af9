"""vote: turn the ballots on each question into a verdict."""

from __future__ import annotations

import polars as pl

from ragtally import pipelines
from ragtally.steps.step import Step, Work
from ragtally.store import write_table
from ragtally.tables import load_ballots
from ragtally.voting import Ballots


def run(work: Work) -> None:
    """Write `verdicts.parquet`: `question`, `verdict` and `parsed` (how many ballots were)."""
    tables = [load_ballots(entry.folder) for entry in work.entries["parse"]]
    choices = [table["ballot"].to_list() for table in tables]
    ballots = Ballots(choices, [table["failed"].to_list() for table in tables])
    columns = {
        "question": tables[0]["question"],
        "verdict": _decide(work).verdicts(ballots),
        "parsed": [sum(ballot is not None for ballot in cast) for cast in zip(*choices, strict=True)],
    }
    schema = {"question": pl.Int32, "verdict": pl.String, "parsed": pl.Int32}
    write_table(work.folder / "verdicts.parquet", columns, schema)


def _decide(work: Work) -> pipelines.DecideVerdict | pipelines.DecideOpenVerdict:
    language = work.task.settings.get("language")
    rule = work.build("rule")
    return pipelines.DecideVerdict(rule) if language is None else pipelines.DecideOpenVerdict(rule, language)


VOTE = Step("vote", 1, run, inputs=("parse",))
