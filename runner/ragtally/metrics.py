"""Metrics evaluated: the score of one cell, from what its questions contribute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally.api import (
    GradedAnswers,
    MeanMetric,
    PluginError,
    QuestionValues,
    RankingRelevance,
    Score,
    ScoreMetric,
    SumsMetric,
    SumValues,
)

NO_QUESTIONS = "no questions were asked"


def no_answers(answers: tuple[str, ...]) -> GradedAnswers:
    """Make the answers to no question: a metric prints the same names for them as for any others."""
    return GradedAnswers([], [], [], answers, 0, [], [], None if answers else [])


def no_ranking() -> RankingRelevance:
    """Make the ranking of no question, likewise."""
    flags, counts = np.zeros((0, 1), dtype=np.bool_), np.zeros((0, 1), dtype=np.int64)
    grades, totals = np.zeros((0, 1), dtype=np.int32), np.zeros(0, dtype=np.int64)
    return RankingRelevance(
        hit=flags,
        relevant=flags,
        relevant_document=flags,
        grade=grades,
        relevant_total=totals,
        ideal=grades,
        evidence_total=totals,
        covered=counts,
        coverable=counts,
    )


def metric_scores(metric: Any, items: GradedAnswers | RankingRelevance) -> dict[str, Score]:
    """Compute a metric's scores by printed name."""
    if isinstance(metric, SumsMetric) and isinstance(items, GradedAnswers):
        columns = question_counts(metric, items)
        sums = {name: column.sum(axis=0) for name, column in columns.items()}
        formulas = apply_formula(metric, sums, items.answers)
        return {name: _sums_score(values, len(items)) for name, values in formulas.items()}
    if isinstance(metric, MeanMetric):
        return {name: _mean_score(values, len(items), metric) for name, values in metric.by_question(items).items()}
    if isinstance(metric, ScoreMetric):
        return dict(metric.score(items))
    raise PluginError(
        f"the metric {type(metric).__name__} has none of the methods by_question, counts with formula, and score",
        hint="see the metrics in plugins/README.md",
    )


def question_values(values: QuestionValues, questions: int, metric: object) -> NDArray[np.float64]:
    """Check what a metric says of single questions; NaN where it does not apply."""
    column = np.asarray(values.values, dtype=np.float64)
    if column.shape != (questions,) or np.isinf(column).any():
        raise PluginError(
            f"the metric {type(metric).__name__} gives values of shape {column.shape} to {questions} questions,"
            f" {np.isinf(column).sum()} of them infinite",
            hint="by_question gives each question a finite number, or None where the metric does not apply",
        )
    return column


def question_counts(metric: SumsMetric, answers: GradedAnswers) -> dict[str, NDArray[np.float64]]:
    """Read and check what every question contributes to a metric of sums."""
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in metric.counts(answers).items()}
    for name, column in columns.items():
        if column.shape[:1] != (len(answers),) or not np.isfinite(column).all():
            raise PluginError(
                f"the metric {type(metric).__name__} gives counts {name!r} of shape {column.shape} to {len(answers)}"
                " questions, or some that are not finite",
                hint="counts have one row per question; leave out a question by contributing 0 to a ratio's whole",
            )
    return columns


def apply_formula(
    metric: SumsMetric, sums: Mapping[str, NDArray[np.float64]], answers: tuple[str, ...]
) -> Mapping[str, SumValues]:
    """Evaluate a metric's formula; 0 / 0 is no value, not a warning."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return metric.formula(sums, answers)


def _mean_score(values: QuestionValues, questions: int, metric: object) -> Score:
    column = question_values(values, questions, metric)
    applicable = column[~np.isnan(column)].tolist()
    if not applicable:
        return Score(None, 0, values.reason if questions else NO_QUESTIONS)
    # `fsum` rounds once, so that a mean is the same on every machine and in any order of the questions.
    return Score(math.fsum(applicable) / len(applicable), len(applicable))


def _sums_score(values: SumValues, questions: int) -> Score:
    value = float(values.value)
    denominator = questions if values.denominator is None else int(values.denominator)
    if not questions or not math.isfinite(value):
        return Score(None, denominator, values.reason if questions else NO_QUESTIONS)
    return Score(value, denominator)
