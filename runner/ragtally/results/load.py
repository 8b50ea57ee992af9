"""A study's results as frames, read from its folder: what notebooks, analysis and report work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import RagtallyError, did_you_mean
from ragtally.results import columns as files
from ragtally.results.brief import Brief
from ragtally.results.metrics import MetricInfo, metrics_from_json

_FIELDS = {
    "cells": files.CELLS,
    "answers": files.ANSWERS,
    "questions": files.QUESTIONS,
    "rankings": files.RANKINGS,
    "passages": files.PASSAGES,
    "prompts": files.PROMPTS,
    "judgments": files.JUDGMENTS,
    "voters": files.VOTERS,
    "training": files.TRAIN,
    "losses": files.LOSSES,
    "funnel": files.FUNNEL,
    "dataset": files.DATASET,
    "base": files.BASE,
    "comparisons": files.COMPARISONS,
}
# What has rows for single questions of each cell, ranking or context, and grows with both.
_PER_QUESTION = ("answers", "rankings", "passages", "prompts", "judgments")
# Results of version 0.1 have no such file.
_NEW = ("training", "losses", "funnel")
LOADED_FILES = tuple(file.name for file in _FIELDS.values())
"""The names of the files that `load_results` reads."""


@dataclass(frozen=True, repr=False)
class Results(Brief):
    """The results of a study, as its files hold them (`runner/RESULTS.md` explains every column).

    Attributes:
        study: The study's name.
        folder: Where the files lie.
        cells: `cells.csv`: one row per cell and set of questions.
        answers: `answers.parquet`: one row per question and cell with a reader.
        questions: `questions.parquet`: one row per question of the sample.
        rankings: `rankings.parquet`: one row per ranking and question, with each metric's value.
        passages: `passages.parquet`: what stood before the readers, for some of the questions.
        prompts: `prompts.parquet`: what language models were asked, for some of the questions.
        judgments: `judgments.parquet`: what judges and people say of open answers; no rows without judges.
        voters: `voters.csv`: how the voters compare; no rows without voters.
        training: `train.json`: what the readers that train learnt from.
        losses: `plots/loss.csv`: the losses of readers that tell them while they train.
        funnel: `funnel.csv`: what became of the examples for training that models were asked for.
        dataset: `dataset.json`.
        base: `base.json`.
        comparisons: `comparisons.json`: which cells are compared, and what the metrics measure.
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
    prompts: pl.DataFrame = field(default_factory=pl.DataFrame)
    training: Mapping[str, Any] = field(default_factory=dict)
    losses: pl.DataFrame = field(default_factory=files.LOSSES.empty)
    funnel: pl.DataFrame = field(default_factory=files.FUNNEL.empty)
    judgments: pl.DataFrame = field(default_factory=files.JUDGMENTS.empty)

    @property
    def answer_names(self) -> tuple[str, ...]:
        """The answers that count, in the spec's order; none where answers are open."""
        return tuple(self.dataset["questions"]["answers"])

    @property
    def is_open(self) -> bool:
        """Whether answers are open: texts, compared with references."""
        return bool(self.dataset["questions"].get("open", False))

    @property
    def language(self) -> str:
        """The language of open answers."""
        return str(self.dataset["questions"].get("language", "en"))

    @cached_property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """The metrics whose values the files hold, in the spec's order; then those of the voters and of contexts."""
        return metrics_from_json(self.comparisons["metrics"])

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
    def training_dollars(self) -> Mapping[str, float | None]:
        """What the trainings cost that providers did, by reader; None where the price is unknown."""
        models = self.training.get("models", {}).values()
        with_bill = [model for model in models if "dollars" in model.get("training", {})]
        return {name: model["training"]["dollars"] for model in with_bill for name in model["readers"]}

    @property
    def has_base(self) -> bool:
        """Whether the spec selects a base of the questions."""
        return self.base["funnel"] is not None

    def _next(self) -> str:
        return "next: ragtally.analyze(results) has intervals and tests; results.cells and the like are Polars frames"


def load_results(study: str | Path, results: str | Path = "data/results", *, per_question: bool = True) -> Results:
    """Load the results of a study.

    Args:
        study: The study's name, or the folder of its results (as a `Path` always that).
        results: The folder below which studies lie, where a name is given.
        per_question: Whether to read `answers`, `rankings`, `passages`, `prompts` and `judgments`; without it
            these have no rows.

    Returns:
        The results.

    Raises:
        StoreError: If a file is missing, cannot be read, or was written by a version with other columns.
    """
    # A name counts as a path only where results lie there: a folder of that name may be something else.
    is_folder = isinstance(study, Path) or (Path(study) / files.DATASET.name).is_file()
    folder = Path(study) if is_folder else Path(results) / study
    contents: dict[str, Any] = {
        field: file.read(folder) if per_question or field not in _PER_QUESTION else file.empty()
        for field, file in _FIELDS.items()
        if field not in _NEW or (folder / file.name).is_file()
    }
    return Results(study=contents["dataset"]["study"], folder=folder, **contents)
