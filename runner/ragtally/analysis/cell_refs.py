"""One side of a comparison of two cells: what a cell of a study said, and which questions both sides were asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import polars as pl

from ragtally.api import DataError, Location, RagtallyError, did_you_mean
from ragtally.results.load import Results

# What makes two questions the same one: the id and the words, since another dataset may use the same ids.
KEY = ("question", "text")


@dataclass(frozen=True)
class Side:
    """A cell of a study, to be compared with another."""

    results: Results  # The study's results
    cell: str  # The cell's name

    @property
    def name(self) -> str:
        """The study and the cell, as they are typed."""
        return f"{self.results.study}:{self.cell}"


def answering_cells(results: Results) -> list[str]:
    """Name the cells of a study that answer questions, in the order of the study."""
    return list(dict.fromkeys(results.answers["cell"]))


def matching_cells(results: Results, pattern: str) -> list[str]:
    """Find cells by their name."""
    names = answering_cells(results)
    if pattern in names:
        return [pattern]
    found = [name for name in names if fnmatchcase(name, shell_pattern(pattern))]
    if not found:
        near = did_you_mean(pattern, names)
        raise RagtallyError(f"no cell of {results.study} that answers matches {pattern!r}", hint=near)
    return found


def shell_pattern(pattern: str) -> str:
    """Write what was typed as a shell pattern: without `*` and `?` it is a part of a name."""
    # Square brackets stand in cells' names, so they mean themselves.
    plain = pattern.replace("[", "[[]")
    return plain if any(sign in pattern for sign in "*?") else f"*{plain}*"


def question_sets(side: Side) -> list[str]:
    """Name the sets of questions, `base` and `all`, that a cell was scored on."""
    rows = side.results.cells.filter(pl.col("cell") == side.cell)
    return list(dict.fromkeys(rows["question_set"]))


def common_set(pairs: Sequence[tuple[Side, Side]], wanted: str | None) -> str:
    """Choose on which set of questions cells are compared."""
    scored = {side.name: question_sets(side) for pair in pairs for side in pair}
    for question_set in (wanted,) if wanted else ("base", "all"):
        without = [name for name, sets in scored.items() if question_set not in sets]
        if not without:
            return question_set
    hint = "give --on base or --on all, whichever both were asked; `grid_on: all` asks the grid about all questions"
    raise RagtallyError(f"{without[0]} was not scored on {wanted or 'the same set as the other'}", hint=hint)


def answers_of(side: Side, question_set: str) -> pl.DataFrame:
    """Read what a cell said."""
    questions = side.results.questions.select(
        pl.col("id").alias("question"), pl.col("question").alias("text"), "document_group"
    ).with_row_index("row")
    said = side.results.answers.filter(pl.col("cell") == side.cell)
    if question_set == "base":
        said = said.filter("in_base")
    found = said.join(questions, on="question").sort("row")
    missing = found["label"].null_count()
    if missing:
        raise DataError(
            f"{missing} of the {len(found)} questions have no label, so no answer to them is right or wrong",
            location=Location(str(side.results.folder / "answers.parquet")),
            hint="compare on a set whose questions all have labels (--on base), or give the dataset labels",
        )
    right = (pl.col("verdict") == pl.col("label")).fill_null(value=False)
    return found.with_columns(right=right).select(
        *KEY, "label", "verdict", "status", "ballots", "errors", "right", "document_group"
    )


def lined_up(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Put the answers to the same questions side by side."""
    return first.join(second, on=list(KEY), suffix="_second", maintain_order="left")
