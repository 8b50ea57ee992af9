"""Metrics as functions of sums over questions, so that thousands of resamples are one matrix product.

A share, a mean, a precision, a macro-F1, Cohen's kappa: each is a formula of a few sums, to which every question
contributes. Over a resample the sums are the contributions weighted by how often each question was drawn, and a
whole bootstrap of many cells is the product of two matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.api import Score


@dataclass(frozen=True, slots=True)
class Values:
    """A metric's values, of any shape."""

    value: NDArray[np.float64]  # The values, float64; 0 where there is none
    defined: NDArray[np.bool_]  # Whether there is a value, bool of the same shape


class Formula(Protocol):
    """Turns sums over questions into values."""

    def __call__(self, own: NDArray[np.float64], shared: NDArray[np.float64]) -> Values:
        """Compute a metric."""
        ...


@dataclass(frozen=True, slots=True)
class Contributions:
    """What every question contributes to one metric of several cells, which were asked the same questions."""

    own: NDArray[np.float64]  # What it contributes cell by cell; float64, shape [questions, cells, parts]
    # What it contributes to all cells alike, as its gold label; float64, shape [questions, shared parts].
    shared: NDArray[np.float64]
    formula: Formula  # Turns the sums into values
    reason: str  # Why there is no value where the formula gives none
    # Whether the metric is the share of questions whose only part of `own` is 1, the others' being 0.
    binary: bool = False

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

    def of_questions(self, rows: ArrayLike) -> Contributions:
        """Keep some of the questions."""
        kept = np.asarray(rows)
        return replace(self, own=self.own[kept], shared=self.shared[kept])

    def of_cells(self, rows: ArrayLike) -> Contributions:
        """Keep some of the cells."""
        return replace(self, own=self.own[:, np.asarray(rows)])

    def scores(self) -> list[Score]:
        """Compute the metric of every cell on all questions."""
        values = self.formula(self.own.sum(axis=0), self.shared.sum(axis=0))
        return [score_of(values, cell, self.questions, self.reason) for cell in range(self.cells)]


def score_of(values: Values, cell: int, questions: int, reason: str) -> Score:
    """Take one cell's value out as a score."""
    if not values.defined[cell]:
        return Score(None, questions, reason)
    return Score(float(values.value[cell]), questions)


def divide(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Values:
    """Divide, with no value where there is nothing to divide by."""
    part, whole = np.broadcast_arrays(part, whole)
    defined = whole != 0
    return Values(np.divide(part, whole, out=np.zeros(whole.shape), where=defined), defined)


def mean_contributions(values: ArrayLike) -> Contributions:
    """Describe the mean of one value a question: accuracy from right answers, mean recall, mean reciprocal rank."""
    column = _matrix(values)

    def formula(own: NDArray[np.float64], shared: NDArray[np.float64]) -> Values:
        return divide(own[..., 0], shared[..., 0, None])

    binary = bool(np.isin(column, (0.0, 1.0)).all())
    return Contributions(column[..., None], np.ones((len(column), 1)), formula, "there are no questions", binary)


def ratio_contributions(part: ArrayLike, whole: ArrayLike, reason: str) -> Contributions:
    """Describe a ratio of two sums: a share of some of the questions, a mean over those with a value, a precision."""
    own = np.stack([_matrix(part), _matrix(whole)], axis=-1)

    def formula(own: NDArray[np.float64], shared: NDArray[np.float64]) -> Values:
        return divide(own[..., 0], own[..., 1])

    return Contributions(own, np.zeros((len(own), 0)), formula, reason)


def contributions_by_question(score: Callable[[NDArray[np.int64]], Score], questions: int) -> Contributions | None:
    """Find out whether a metric is a mean over its questions, and what each contributes."""
    # Every question is scored alone. The mean over those that have a score is then compared with the metric's own
    # value, over all questions and over each half of them. So this works for any plugin's metric that is such a mean,
    # without knowing it.
    rows = np.arange(questions)
    alone = [score(rows[row : row + 1]).value for row in range(questions)]
    scored = np.array([value is not None for value in alone], dtype=np.float64)
    part = np.array([value or 0.0 for value in alone])
    for some in (rows, rows[: questions // 2], rows[questions // 2 :]):
        own, count = score(some).value, scored[some].sum()
        if (own is None) != (count == 0) or (own is not None and abs(part[some].sum() / count - own) > 1e-9):
            return None
    if scored.all():
        return mean_contributions(part[:, None])
    return ratio_contributions(part[:, None], scored[:, None], "no question has a score")


def join_cells(parts: list[Contributions]) -> Contributions:
    """Put the cells of several contributions to the same metric side by side."""
    if len({part.own.shape[2] for part in parts}) > 1:
        parts = [_as_ratio(part) for part in parts]
    first = parts[0]
    if any(
        part.own.shape[2] != first.own.shape[2] or not np.array_equal(part.shared, first.shared) for part in parts
    ):
        raise ValueError("these are contributions to different metrics, or of different questions")
    binary = all(part.binary for part in parts)
    return replace(first, own=np.concatenate([part.own for part in parts], axis=1), binary=binary)


def _as_ratio(part: Contributions) -> Contributions:
    if part.own.shape[2] != 1:
        return part
    return ratio_contributions(part.own[..., 0], np.ones(part.own.shape[:2]), "no question has a score")


def _matrix(values: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"expected one row a question and one column a cell, not the shape {matrix.shape}")
    return matrix
