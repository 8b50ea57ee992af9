"""Metrics as functions of sums over questions, so that thousands of resamples are one matrix product.

A share, a mean, a precision, a macro-F1, Cohen's kappa: each is a formula of a few sums, to which every question
contributes. Over a resample the sums are the contributions weighted by how often each question was drawn, and a
whole bootstrap of many cells is the product of two matrices. What a question contributes, and the formula, are the
metric's own, whichever plugin it comes from; the score step evaluates the same formula.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.api import Choice, GradedAnswers, MeanMetric, RagtallyError, Score, SumsMetric
from ragtally.metrics import NO_QUESTIONS, apply_formula, question_counts, question_values
from ragtally.registry import Registry, load_registry
from ragtally.results import MetricInfo, Results
from ragtally.results.metrics import describe_metric


@dataclass(frozen=True, slots=True)
class Values:
    """A metric's values, of any shape."""

    value: NDArray[np.float64]  # The values, float64; 0 where there is none
    has_value: NDArray[np.bool_]  # Whether there is a value, bool of the same shape
    denominator: NDArray[np.float64] | None = None  # What each rests on; None for the questions


class Formula(Protocol):
    """Turns sums over questions into values."""

    def __call__(self, own: NDArray[np.float64], common: NDArray[np.float64]) -> Values:
        """Compute a metric from sums of shape [..., cells, parts] and [..., shared parts]."""
        ...


@dataclass(frozen=True, slots=True)
class Contributions:
    """What every question contributes to one metric of several cells that answer the same questions."""

    own: NDArray[np.float64]  # What it contributes cell by cell; float64, shape [questions, cells, parts]
    # What it contributes to all cells alike, as its gold label; float64, shape [questions, shared parts].
    shared: NDArray[np.float64]
    formula: Formula  # Turns the sums into values
    reason: str  # Why there is no value where the formula gives none
    # Whether the metric is the share of questions whose only part of `own` is 1, the others' being 0.
    binary: bool = False
    mean: bool = False  # Whether the metric is the mean of one value per question, the first part of `own`

    def __post_init__(self) -> None:
        if self.own.ndim != 3 or self.shared.ndim != 2 or len(self.own) != len(self.shared):
            raise ValueError(f"contributions of shape {self.own.shape} and {self.shared.shape} do not fit together")
        if not (np.isfinite(self.own).all() and np.isfinite(self.shared).all()):
            raise ValueError("contributions are finite: leave out a question by contributing 0 to a share's whole")

    @property
    def questions(self) -> int:
        """How many questions there are."""
        return len(self.own)

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return int(self.own.shape[1])

    @property
    def by_question(self) -> NDArray[np.float64] | None:
        """Each question's value, shape [questions, cells], 0 where it has none; None where the metric is no mean."""
        return self.own[..., 0] if self.mean else None

    def of_questions(self, rows: ArrayLike) -> Contributions:
        """Keep some of the questions."""
        subset = np.asarray(rows)
        return replace(self, own=self.own[subset], shared=self.shared[subset])

    def of_cells(self, rows: ArrayLike) -> Contributions:
        """Keep some of the cells."""
        return replace(self, own=self.own[:, np.asarray(rows)])

    def scores(self) -> list[Score]:
        """Compute the metric of every cell on all questions."""
        values = self.formula(self.own.sum(axis=0), self.shared.sum(axis=0))
        return [score_of(values, cell, self.questions, self.reason) for cell in range(self.cells)]


def score_of(values: Values, cell: int, questions: int, reason: str) -> Score:
    """Take one cell's value out as a score."""
    denominator = questions if values.denominator is None else int(values.denominator[cell])
    if not values.has_value[cell]:
        return Score(None, denominator, reason)
    return Score(float(values.value[cell]), denominator)


def divide(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Values:
    """Divide, with no value where there is nothing to divide by."""
    part, whole = np.broadcast_arrays(part, whole)
    has_value = whole != 0
    return Values(np.divide(part, whole, out=np.zeros(whole.shape), where=has_value), has_value, whole)


def mean_contributions(values: ArrayLike) -> Contributions:
    """Describe the mean of one value per question: accuracy from right answers, mean recall, mean reciprocal rank."""
    column = _matrix(values)

    def formula(own: NDArray[np.float64], common: NDArray[np.float64]) -> Values:
        return divide(own[..., 0], common[..., 0, None])

    binary = bool(np.isin(column, (0.0, 1.0)).all())
    return Contributions(column[..., None], np.ones((len(column), 1)), formula, NO_QUESTIONS, binary, mean=True)


def ratio_contributions(part: ArrayLike, whole: ArrayLike, reason: str) -> Contributions:
    """Describe a ratio of two sums: a share of some of the questions, a mean over those with a value, a precision."""
    own = np.stack([_matrix(part), _matrix(whole)], axis=-1)

    def formula(own: NDArray[np.float64], common: NDArray[np.float64]) -> Values:
        return divide(own[..., 0], own[..., 1])

    return Contributions(own, np.zeros((len(own), 0)), formula, reason)


def partial_mean_contributions(values: ArrayLike, reason: str) -> Contributions:
    """Describe the mean over the questions that have a value; NaN for the others."""
    column = _matrix(values)
    return replace(ratio_contributions(np.nan_to_num(column), ~np.isnan(column), reason), mean=True)


def metric_contributions(metric: Any, name: str, cells: Sequence[GradedAnswers]) -> Contributions | None:
    """Ask a metric what each question contributes to one of its printed names; None for one that only scores."""
    if isinstance(metric, SumsMetric):
        return _sums_contributions(metric, name, cells)
    if isinstance(metric, MeanMetric):
        every = [metric.by_question(of_cell)[name] for of_cell in cells]
        columns = [question_values(one, len(of_cell), metric) for one, of_cell in zip(every, cells, strict=True)]
        values = np.stack(columns, axis=1)
        # With a value for every question it is a plain mean, and may be a share with an exact interval.
        return (
            partial_mean_contributions(values, every[0].reason)
            if np.isnan(values).any()
            else mean_contributions(values)
        )
    return None


def only_value(info: MetricInfo) -> str:
    """Why a metric has a value and no interval."""
    if info.component is None:
        return "it is measured where the search is made, as one number"
    return f"the metric {info.component} gives only its value, not what each question contributes"


def _matrix(values: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"expected one row per question and one column per cell, not the shape {matrix.shape}")
    return matrix


def _sums_contributions(metric: SumsMetric, name: str, cells: Sequence[GradedAnswers]) -> Contributions:
    counts = [question_counts(metric, of_cell) for of_cell in cells]
    questions, answers = len(cells[0]), cells[0].answers
    of_cells, of_all = _Columns(questions, len(cells)), _Columns(questions)
    for key, first in counts[0].items():
        # What all cells share (gold labels, votes asked for) is summed once, not once per cell.
        if len(cells) > 1 and all(np.array_equal(first, other[key]) for other in counts[1:]):
            of_all.add(key, first[:, None], first.shape[1:])
        else:
            of_cells.add(key, np.stack([other[key] for other in counts], axis=1), first.shape[1:])

    def formula(own: NDArray[np.float64], common: NDArray[np.float64]) -> Values:
        shape = own.shape[:-1]
        sums = of_cells.split(own, shape) | of_all.split(common[..., None, :], shape)
        values = apply_formula(metric, sums, answers)[name]
        value = np.broadcast_to(np.asarray(values.value, dtype=np.float64), shape)
        has_value = np.isfinite(value)
        denominator = None if values.denominator is None else np.broadcast_to(values.denominator, shape)
        return Values(np.where(has_value, value, 0.0), has_value, denominator)

    empty = {key: np.zeros(column.shape[1:]) for key, column in counts[0].items()}
    reason = apply_formula(metric, empty, answers)[name].reason
    return Contributions(of_cells.matrix(), of_all.matrix()[:, 0], formula, reason if questions else NO_QUESTIONS)


class _Columns:
    """Named counts laid side by side in one matrix, [questions, cells, parts]."""

    def __init__(self, questions: int, cells: int = 1) -> None:
        self._blocks: list[NDArray[np.float64]] = [np.zeros((questions, cells, 0))]
        self._layout: dict[str, tuple[slice, tuple[int, ...]]] = {}

    def add(self, name: str, block: NDArray[np.float64], shape: tuple[int, ...]) -> None:
        begin = sum(block.shape[2] for block in self._blocks)
        flat = block.reshape(*block.shape[:2], -1) if shape else block[..., None]
        self._blocks.append(flat)
        self._layout[name] = slice(begin, begin + flat.shape[2]), shape

    def matrix(self) -> NDArray[np.float64]:
        return np.concatenate(self._blocks, axis=2)

    def split(self, sums: NDArray[np.float64], shape: tuple[int, ...]) -> dict[str, NDArray[np.float64]]:
        """Cut sums of shape [..., parts] up again, each broadcast to the shape in front of the metric's own axes."""
        return {
            name: np.broadcast_to(sums[..., part].reshape(*sums.shape[:-1], *own), (*shape, *own))
            for name, (part, own) in self._layout.items()
        }


class StudyMetrics:
    """The metrics of a study, built again from what is written with its results."""

    def __init__(self, results: Results, registry: Registry | None = None) -> None:
        self._results = results
        self._given_registry = registry

    @property
    def _registry(self) -> Registry:
        # Loaded only where a metric is built: importing every plugin takes a moment.
        return self._given_registry or _installation()

    def info(self, name: str) -> MetricInfo:
        """Look up a metric of the study, or one that is installed and could have been."""
        try:
            return self._results.metric(name)
        except RagtallyError:
            info = next((info for info in self._others if name in info.names), None)
            if info is None:
                raise
            return info

    def contributions(self, name: str, cells: Sequence[GradedAnswers]) -> Contributions | str:
        """Compute what each question contributes in each cell, or say why a metric has only its value."""
        info = self.info(name)
        if info.unit == "count":
            return "a count of these very questions has no interval"
        metric = self._build(info)
        if isinstance(metric, str):
            return metric
        return metric_contributions(metric, name, cells) or only_value(info)

    def _build(self, info: MetricInfo) -> Any:
        """Build a metric, or say why that cannot be."""
        choice = info.choice
        if choice is None:
            return only_value(info)
        entry = self._registry.find(choice.kind, choice.name)
        if entry is None:
            return f"no installed plugin offers the metric {choice.name!r}: its value is known, its interval is not"
        if entry.component.version != info.version:
            return (
                f"the value is of version {info.version} of the metric {choice.name}, and version"
                f" {entry.component.version} is installed: run the study again"
            )
        return self._registry.build(choice)

    @functools.cached_property
    def _others(self) -> tuple[MetricInfo, ...]:
        """Installed metrics of answers without parameters: answers that are there can be measured by them as well."""
        components = {info.component for info in self._results.metrics}
        return tuple(
            describe_metric(Choice("metric", entry.component.name), self._registry, self._results.answer_names)
            for entry in self._registry.all()
            if entry.kind == "metric"
            and not entry.component.params
            and entry.component.name not in components
            and entry.traits({}).measures == "answers"
        )


@functools.cache
def _installation() -> Registry:
    return load_registry()
