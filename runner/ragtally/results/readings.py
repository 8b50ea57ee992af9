"""How the answers of each reader were read: by which of the parser's ways, or why they could not be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ragtally.plan import Cell, Voter
from ragtally.steps import Task
from ragtally.tables import load_answers, load_ballots
from ragtally.workspace import Workspace

# One vote on one question.
_VOTES = dict.fromkeys(("reader", "context", "ballot", "reading", "error", "text"), pl.String)
_LONGEST_EXAMPLE = 300


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
    columns = {"ballots": "ballot", "readings": "reading", "errors": "error", "texts": "text"}
    votes = answers.select("cell", *columns).explode(*columns).rename(columns)
    return _count(votes.join(names, on="cell").select(*_VOTES))


def count_readings_of_voters(voters: Sequence[Voter], workspace: Workspace) -> list[dict[str, Any]]:
    """Count how the answers were read that voters gave to label the questions, each vote once."""
    frames = [pl.DataFrame(schema=_VOTES)]
    for reader in dict.fromkeys(voter.reader for voter in voters):
        rows = (voter for voter in voters if voter.reader == reader)
        for vote in dict.fromkeys(task for voter in rows for task in voter.score.inputs["parse"]):
            frames.append(_of_vote(vote, reader, workspace))
    return _count(pl.concat(frames))


def _of_vote(vote: Task, reader: str, workspace: Workspace) -> pl.DataFrame:
    ballots = load_ballots(workspace.entry(vote))
    answers = load_answers(workspace.entry(vote.inputs["read"][0]))
    columns = {
        "reader": [reader] * len(ballots),
        "context": ["gold_context, as a voter"] * len(ballots),
        "ballot": ballots["ballot"],
        "reading": ballots["reason"],
        "error": answers["error"],
        "text": answers["text"],
    }
    return pl.DataFrame(columns, schema=_VOTES)


def _count(votes: pl.DataFrame) -> list[dict[str, Any]]:
    outcome = (
        pl.when(pl.col("reading").is_null()).then(pl.lit("missing"))
        .when(pl.col("ballot").is_null()).then(pl.lit("unread"))
        .otherwise(pl.lit("read"))
    )  # fmt: skip
    reading = pl.coalesce("reading", "error", pl.lit("no answer"))
    counts = votes.group_by("reader", "context", outcome=outcome, reading=reading, maintain_order=True).agg(
        answers=pl.len(), example=pl.col("text").drop_nulls().first().str.slice(0, _LONGEST_EXAMPLE)
    )
    order = ["reader", "context", "outcome", "answers", "reading"]
    rows = counts.sort(order, descending=[False, False, False, True, False]).to_dicts()
    # What could be read needs no example.
    return [row if row["outcome"] == "unread" else {k: row[k] for k in row if k != "example"} for row in rows]


def _context(cell: Cell) -> str:
    """What stood before the reader: a condition, or the ranking and how much of it."""
    before = cell.score.inputs.get("context", ())
    return str(before[0].label if before else cell.picks.condition)
