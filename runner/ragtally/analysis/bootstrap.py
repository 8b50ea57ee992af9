"""The bootstrap: how much a metric would vary with other questions.

All cells are computed on the same resamples, so that the best of them can be chosen on each.
Source: B. Efron and R. J. Tibshirani (1993), An Introduction to the Bootstrap; section 8.6 (several observations
drawn together), chapter 14 (BCa intervals).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.contributions import Contributions, Formula, Values, score_of
from ragtally.analysis.estimate import CONFIDENCE, STANDARD_NORMAL, Estimate, require_share
from ragtally.analysis.proportions import wilson

# How many resamples are drawn by default.
RESAMPLES = 10_000
# The share of resamples that must have a value for there to be an interval, computed from these.
DEFINED_SHARE = 0.95
# With fewer questions, or documents with their questions, resamples say too little to give an interval.
FEWEST_UNITS = 10
TOO_FEW = f"with fewer than {FEWEST_UNITS} questions, or documents with their questions, resamples tell too little"
# How many draws (resamples x units) are held at once: larger blocks only cost memory.
_BLOCK = 1 << 22
_MANTISSA = 52
# Up to here float32 holds every whole number.
_SINGLE = 1 << 24


@dataclass(frozen=True, slots=True)
class UnitSums:
    """Contributions summed within each unit (what is drawn as a whole), on a grid on which further sums are exact."""

    # Contributions are rounded to multiples of a power of two, so fine that only the last of 15 digits can change and
    # so coarse that no sum over a resample needs more digits than a float has. So sums do not depend on the order in
    # which a machine adds, and results are the same everywhere.

    # Shape [units, cells * parts + shared parts]; float32 where whole numbers fit, which halves the time.
    columns: NDArray[np.floating]
    cells: int
    parts: int  # How many sums each cell has of its own
    formula: Formula

    @property
    def units(self) -> int:
        """How many questions, or documents with their questions, there are."""
        return len(self.columns)

    def values(self, sums: NDArray[np.floating]) -> Values:
        """Apply the formula to sums of all columns."""
        own = sums[..., : self.cells * self.parts].astype(np.float64)
        own = own.reshape(*sums.shape[:-1], self.cells, self.parts)
        return self.formula(own, sums[..., self.cells * self.parts :].astype(np.float64))


@dataclass(frozen=True, slots=True)
class BootstrapDistribution:
    """What a metric of several cells became on every resample; column j is cell j everywhere."""

    observed: Values  # On the questions themselves; shape [cells]
    replicates: Values  # Shape [resamples, cells]
    jackknife: Values  # With one unit left out at a time; shape [units, cells]
    questions: int
    reason: str  # Why there is no value where there is none

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.observed.value)

    @property
    def units(self) -> int:
        """How many questions, or documents with their questions, are drawn."""
        return len(self.jackknife.value)

    def of_cells(self, rows: ArrayLike) -> BootstrapDistribution:
        """Select some cells, on the same resamples."""
        subset = np.asarray(rows, dtype=np.int64)

        def take(values: Values) -> Values:
            denominator = None if values.denominator is None else values.denominator[..., subset]
            return Values(values.value[..., subset], values.has_value[..., subset], denominator)

        return replace(
            self, observed=take(self.observed), replicates=take(self.replicates), jackknife=take(self.jackknife)
        )


def bootstrap(
    contributions: Contributions,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
) -> BootstrapDistribution:
    """Bootstrap a metric of all cells at once."""
    sums = unit_sums(contributions, cluster)
    if sums.units < 1 or resamples < 1:
        raise ValueError(f"nothing to resample: {sums.units} questions or documents, {resamples} resamples")
    value = np.empty((resamples, sums.cells))
    has_value = np.empty((resamples, sums.cells), dtype=np.bool_)
    row = 0
    for counts in resample_counts(sums.units, resamples, generator):
        block = sums.values(counts.astype(sums.columns.dtype) @ sums.columns)
        value[row : row + len(counts)], has_value[row : row + len(counts)] = block.value, block.has_value
        row += len(counts)
    total = sums.columns.astype(np.float64).sum(axis=0)
    return BootstrapDistribution(
        observed=sums.values(total),
        replicates=Values(value, has_value),
        jackknife=leave_one_out(sums, total),
        questions=contributions.questions,
        reason=contributions.reason,
    )


def cell_estimates(
    contributions: Contributions, distribution: BootstrapDistribution, confidence: float = CONFIDENCE
) -> list[Estimate]:
    """Estimate every cell's value, with the interval that suits the metric."""
    if not contributions.binary:
        return [bca_estimate(distribution, cell, confidence) for cell in range(contributions.cells)]
    counts = contributions.own[..., 0].sum(axis=0).astype(int).tolist()
    return [share_estimate(distribution, cell, count, confidence) for cell, count in enumerate(counts)]


def share_estimate(
    distribution: BootstrapDistribution, cell: int, count: int, confidence: float = CONFIDENCE
) -> Estimate:
    """Estimate a share: Wilson's interval where questions were drawn one by one, else the bootstrap's BCa."""
    if distribution.units == distribution.questions:
        return wilson(count, distribution.questions, confidence)
    if 0 < count < distribution.questions:
        return bca_estimate(distribution, cell, confidence)
    return extreme_share(count / distribution.questions, distribution.questions, distribution.units, confidence)


def extreme_share(value: float, questions: int, units: int, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a share of which no question or every question counts, of so many documents with their questions."""
    # Resamples do not vary and would claim certainty: it is Wilson's, which takes a document with its questions for
    # one.
    return replace(wilson(units if value else 0, units, confidence), value=value, denominator=questions)


def bca_estimate(distribution: BootstrapDistribution, cell: int = 0, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a value with the bias-corrected and accelerated interval, which allows for bias and skewness."""
    limits = _bca_limits(distribution, cell, confidence)
    score = score_of(distribution.observed, cell, distribution.questions, distribution.reason)
    low, high, reason = (None, None, limits) if isinstance(limits, str) else (*limits, None)
    return Estimate(score.value, score.denominator, low, high, confidence, "bootstrap BCa", reason)


def unit_sums(contributions: Contributions, cluster: ArrayLike | None = None) -> UnitSums:
    """Sum contributions within what is drawn as a whole."""
    questions, cells, parts = contributions.own.shape
    columns = np.concatenate([contributions.own.reshape(questions, cells * parts), contributions.shared], axis=1)
    if cluster is None:
        return UnitSums(_on_grid(columns, columns), cells, parts, contributions.formula)
    unit = unit_rows(cluster, questions)
    columns = _on_grid(columns, _sum_by_unit(np.abs(columns), unit))
    return UnitSums(_sum_by_unit(columns, unit), cells, parts, contributions.formula)


def leave_one_out(sums: UnitSums, total: NDArray[np.float64]) -> Values:
    """Compute the values without each unit in turn; shape [units, cells]."""
    if sums.units < 2:
        # Without its only unit nothing has a value.
        return Values(np.zeros((sums.units, sums.cells)), np.zeros((sums.units, sums.cells), dtype=np.bool_))
    return sums.values(total - sums.columns)


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


def resample_counts(units: int, resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Draw with replacement as many units as there are, again and again: how often each was drawn, in blocks."""
    most = max(1, _BLOCK // units)
    for begin in range(0, resamples, most):
        some = min(most, resamples - begin)
        rows = generator.integers(0, units, size=(some, units))
        # One `bincount` for the whole block: each resample counts in a range of its own.
        rows += np.arange(some)[:, None] * units
        yield np.bincount(rows.ravel(), minlength=some * units).reshape(some, units)


def coin_tosses(units: int, resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Toss a coin for every unit, again and again, in blocks."""
    most = max(1, _BLOCK // units)
    width = (units + 7) // 8
    for begin in range(0, resamples, most):
        some = min(most, resamples - begin)
        bits = generator.integers(0, 256, size=(some, width), dtype=np.uint8)
        yield np.unpackbits(bits, axis=1, count=units)


def _bca_limits(distribution: BootstrapDistribution, cell: int, confidence: float) -> tuple[float, float] | str:
    """Compute the limits, or say why there are none."""
    # Source: B. Efron (1987), Better bootstrap confidence intervals, JASA 82; equations 14.9 to 14.15 of Efron and
    # Tibshirani. Resamples that equal the observed value count half in the bias correction, since most metrics of
    # answers take few values.
    require_share(confidence, "confidence")
    values = _usable_values(distribution, cell)
    if isinstance(values, str):
        return values
    estimate = distribution.observed.value[cell]
    below = (float((values < estimate).mean()) + float((values <= estimate).mean())) / 2
    acceleration = _acceleration(distribution.jackknife, cell)
    if not 0 < below < 1:
        return "the observed value lies outside of all resamples"
    if acceleration is None:
        return "it is not defined without some of the questions"
    bias = STANDARD_NORMAL.inv_cdf(below)
    ends = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        reach = bias + STANDARD_NORMAL.inv_cdf(share)
        if acceleration * reach >= 1:
            return "a few questions outweigh all others"
        ends.append(STANDARD_NORMAL.cdf(bias + reach / (1 - acceleration * reach)))
    low, high = np.quantile(values, ends)
    if low == high:
        return "it is the same in nearly all resamples, so they say nothing about its uncertainty"
    return float(low), float(high)


def _acceleration(jackknife: Values, cell: int) -> float | None:
    if len(jackknife.value) < 2 or not jackknife.has_value[:, cell].all():
        return None
    left_out = jackknife.value[:, cell]
    # `fsum` is exact, so the order in which units stand does not matter.
    mean = math.fsum(left_out.tolist()) / len(left_out)
    gap = mean - left_out
    square = math.fsum((gap**2).tolist())
    return math.fsum((gap**3).tolist()) / (6 * square**1.5) if square else 0.0


def _usable_values(distribution: BootstrapDistribution, cell: int) -> NDArray[np.float64] | str:
    """Take the resampled values, or say why they are not enough."""
    if not distribution.observed.has_value[cell]:
        return distribution.reason
    if distribution.units < FEWEST_UNITS:
        return TOO_FEW
    has_value = distribution.replicates.has_value[:, cell]
    if has_value.mean() < DEFINED_SHARE:
        return f"in {1 - has_value.mean():.0%} of the resamples it is not defined: {distribution.reason}"
    values: NDArray[np.float64] = distribution.replicates.value[has_value, cell]
    if values.min() == values.max():
        return "it is the same in all resamples, so they say nothing about its uncertainty"
    return values


def _sum_by_unit(columns: NDArray[np.floating], unit: NDArray[np.int64]) -> NDArray[np.floating]:
    sums = np.zeros((int(unit.max(initial=-1)) + 1, columns.shape[1]), dtype=columns.dtype)
    np.add.at(sums, unit, columns)
    return sums


def _on_grid(columns: NDArray[np.float64], units: NDArray[np.floating]) -> NDArray[np.floating]:
    """Round so finely that no sum over as many draws of the units needs more digits than there are."""
    largest = float(np.abs(units).max(initial=0.0)) * max(1, len(units))
    if largest == 0:
        return columns.astype(np.float32)
    exponent = _MANTISSA - int(np.ceil(np.log2(largest)))
    grid: NDArray[np.float64] = np.ldexp(np.rint(np.ldexp(columns, exponent)), -exponent)
    if largest < _SINGLE and (grid == np.rint(grid)).all():
        return grid.astype(np.float32)
    return grid
