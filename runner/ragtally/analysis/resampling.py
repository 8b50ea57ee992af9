"""What is resampled: questions, or documents with all their questions; and how often each is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.contributions import Contributions, Formula, Values
from ragtally.api import QuestionEvidence

# How many draws (resamples x units) are held at once.
_BLOCK = 1 << 22
_MANTISSA = 52
# Up to here float32 holds every whole number.
_SINGLE = 1 << 24


@dataclass(frozen=True, slots=True)
class UnitSums:
    """Contributions summed within what is drawn as a whole, on a grid on which all further sums are exact."""

    # Contributions are rounded to multiples of a power of two, so fine that only the last of 15 digits can change and
    # so coarse that no sum over a resample needs more digits than a float has. So sums do not depend on the order in
    # which a machine adds, and results are the same everywhere.

    # Sums by unit, shape [units, cells * parts + shared parts]; float32 where whole numbers fit.
    columns: NDArray[np.floating]
    cells: int  # How many cells there are
    parts: int  # How many sums each has of its own
    formula: Formula  # Turns sums into values

    @property
    def units(self) -> int:
        """How many questions, or documents with their questions, there are."""
        return len(self.columns)

    def values(self, sums: NDArray[np.floating]) -> Values:
        """Apply the formula to sums of all columns."""
        own = sums[..., : self.cells * self.parts].astype(np.float64)
        own = own.reshape(*sums.shape[:-1], self.cells, self.parts)
        return self.formula(own, sums[..., self.cells * self.parts :].astype(np.float64))


def unit_sums(contributions: Contributions, cluster: ArrayLike | None = None) -> UnitSums:
    """Sum contributions within what is drawn as a whole."""
    questions, cells, parts = contributions.own.shape
    columns = np.concatenate([contributions.own.reshape(questions, cells * parts), contributions.shared], axis=1)
    if cluster is None:
        return UnitSums(_on_grid(columns, columns), cells, parts, contributions.formula)
    unit = unit_rows(cluster, questions)
    rounded = _on_grid(columns, _summed(np.abs(columns), unit))
    return UnitSums(_summed(rounded, unit), cells, parts, contributions.formula)


def unit_rows(cluster: ArrayLike | None, questions: int) -> NDArray[np.int64]:
    """Number what is drawn as a whole, in the order of first appearance among sorted names."""
    if cluster is None:
        return np.arange(questions)
    codes = np.asarray(cluster)
    if codes.shape != (questions,):
        raise ValueError(f"there are {questions} questions, but clusters of shape {codes.shape}")
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def proper_clusters(cluster: ArrayLike | None, questions: int) -> NDArray[np.int64] | None:
    """Number the clusters, unless every question is a cluster of its own."""
    unit = unit_rows(cluster, questions)
    return None if int(unit.max(initial=-1)) + 1 == questions else unit


def document_clusters(evidence: QuestionEvidence, questions: int) -> NDArray[np.int64]:
    """Group the questions that share a document, directly or by way of others."""
    # Such questions stand and fall together, so an interval that takes them for independent is too narrow: they are
    # to be resampled together.
    parent = list(range(questions))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    owner: dict[int, int] = {}
    for row, document in zip(evidence.question.tolist(), evidence.document.tolist(), strict=True):
        one, other = root(row), root(owner.setdefault(document, row))
        parent[max(one, other)] = min(one, other)
    return np.array([root(row) for row in range(questions)], dtype=np.int64)


def drawn_counts(units: int, resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Draw with replacement as many units as there are, again and again."""
    most = max(1, _BLOCK // units)
    for begin in range(0, resamples, most):
        some = min(most, resamples - begin)
        drawn = generator.integers(0, units, size=(some, units))
        drawn += np.arange(some)[:, None] * units
        yield np.bincount(drawn.ravel(), minlength=some * units).reshape(some, units)


def swaps(units: int, resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Toss a coin for every unit, again and again."""
    most = max(1, _BLOCK // units)
    width = (units + 7) // 8
    for begin in range(0, resamples, most):
        some = min(most, resamples - begin)
        tossed = generator.integers(0, 256, size=(some, width), dtype=np.uint8)
        yield np.unpackbits(tossed, axis=1, count=units)


def _summed(columns: NDArray[np.floating], unit: NDArray[np.int64]) -> NDArray[np.floating]:
    summed = np.zeros((int(unit.max(initial=-1)) + 1, columns.shape[1]), dtype=columns.dtype)
    np.add.at(summed, unit, columns)
    return summed


def _on_grid(columns: NDArray[np.float64], drawn: NDArray[np.floating]) -> NDArray[np.floating]:
    """Round so finely that no sum over as many draws of what is drawn needs more digits than there are."""
    largest = float(np.abs(drawn).max(initial=0.0)) * max(1, len(drawn))
    if largest == 0:
        return columns.astype(np.float32)
    exponent = _MANTISSA - int(np.ceil(np.log2(largest)))
    rounded: NDArray[np.float64] = np.ldexp(np.rint(np.ldexp(columns, exponent)), -exponent)
    if largest < _SINGLE and (rounded == np.rint(rounded)).all():
        return rounded.astype(np.float32)
    return rounded
