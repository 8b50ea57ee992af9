"""A study's results as frames, read from its folder: what notebooks, the verdict and the report work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Location, RagtallyError, StoreError, did_you_mean
from ragtally.results.metrics import MetricInfo, metrics_from_json
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

    @cached_property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """The metrics whose values the files hold, in the spec's order; then those of the voters and of contexts."""
        entries = self.comparisons["metrics"]
        if not isinstance(entries, Sequence):
            raise StoreError(
                "these results were written by an older version",
                location=Location(str(self.folder / "comparisons.json")),
                hint="run the study again: ragtally run SPEC (nothing is paid twice)",
            )
        return metrics_from_json(entries)

    def metric(self, name: str) -> MetricInfo:
        """Look up what a metric measures, its unit and which way is better.

        Args:
            name: A printed name, as `recall@5` or `precision[yes]`.

        Returns:
            Its description.

        Raises:
            RagtallyError: If the study has no such metric.
        """
        info = next((info for info in self.metrics if name in info.names), None)
        if info is None:
            names = [name for info in self.metrics for name in info.names]
            raise RagtallyError(
                f"{self.study} has no metric {name!r}",
                hint=f"{did_you_mean(name, names)}, or name it under `metrics` in the spec and run the study",
            )
        return info

    def metric_names(self, measures: str, *, single: bool = False) -> list[str]:
        """List the printed names of the metrics that `cells.csv` has a column of, in the spec's order.

        Args:
            measures: `answers`, `retrieval` or `context`.
            single: Whether to leave out metrics of one number per class.

        Returns:
            The names.
        """
        infos = [info for info in self.metrics if info.measures == measures and (info.is_single or not single)]
        return [name for info in infos for name in info.names if f"{name}_denominator" in self.cells.columns]

    @property
    def has_base(self) -> bool:
        """Whether only some of the questions stay."""
        return self.base["funnel"] is not None


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
