"""A study's results as frames, read from its folder: what notebooks, the verdict and the report work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Location, StoreError
from ragtally.store import read_json, read_table

RESULT_FILES = (
    "dataset.json", "cells.csv", "answers.parquet", "questions.parquet", "rankings.parquet", "passages.parquet",
    "voters.csv", "base.json", "comparisons.json",
)  # fmt: skip
"""What is read."""
_HINT = "run the study first: ragtally run SPEC, or dvc repro"


@dataclass(frozen=True)
class Results:
    """What a study found, as its result files hold it (`runner/README.md` explains every column).

    Attributes:
        study: The study's name.
        folder: Where the files lie.
        cells: `cells.csv`: one row a cell and set of questions.
        answers: `answers.parquet`: one row a cell with a reader and question.
        questions: `questions.parquet`: one row a question asked.
        rankings: `rankings.parquet`: one row a ranking and question, with each metric's value.
        passages: `passages.parquet`: what stood before the readers, for some of the questions.
        voters: `voters.csv`: how the voters compare; no rows without voters.
        dataset: `dataset.json`.
        base: `base.json`.
        comparisons: `comparisons.json`: which cells are compared.
    """

    study: str
    folder: Path
    cells: pl.DataFrame
    answers: pl.DataFrame
    questions: pl.DataFrame
    rankings: pl.DataFrame
    passages: pl.DataFrame
    voters: pl.DataFrame
    dataset: Mapping[str, Any]
    base: Mapping[str, Any]
    comparisons: Mapping[str, Any]

    @property
    def answer_names(self) -> tuple[str, ...]:
        """The answers that count, in the spec's order."""
        return tuple(self.dataset["questions"]["answers"])

    @property
    def has_base(self) -> bool:
        """Whether only some of the questions stay."""
        return self.base["base"] is not None


def load_results(study: str | Path, results: str | Path = "data/results") -> Results:
    """Load the results of a study.

    Args:
        study: The study's name, or the folder of its results.
        results: The folder below which studies lie, where a name is given.

    Returns:
        The results.

    Raises:
        StoreError: If a file is missing or cannot be read.
    """
    # A name counts as a path only where results lie there: a folder of that name may be something else.
    folder = Path(study) if (Path(study) / "dataset.json").is_file() else Path(results) / study
    return Results(
        study=_json(folder / "dataset.json")["study"],
        folder=folder,
        cells=_csv(folder / "cells.csv"),
        answers=_parquet(folder / "answers.parquet"),
        questions=_parquet(folder / "questions.parquet"),
        rankings=_parquet(folder / "rankings.parquet"),
        passages=_parquet(folder / "passages.parquet"),
        voters=_csv(folder / "voters.csv"),
        dataset=_json(folder / "dataset.json"),
        base=_json(folder / "base.json"),
        comparisons=_json(folder / "comparisons.json"),
    )


def _require(path: Path) -> Path:
    if not path.is_file():
        raise StoreError("there is no such result", location=Location(str(path)), hint=_HINT)
    return path


def _json(path: Path) -> Any:
    return read_json(_require(path))


def _parquet(path: Path) -> pl.DataFrame:
    return read_table(_require(path))


def _csv(path: Path) -> pl.DataFrame:
    # A study without voters has a table with a heading alone, or none at all.
    if not _require(path).read_bytes().strip():
        return pl.DataFrame()
    return pl.read_csv(path, infer_schema_length=None)
