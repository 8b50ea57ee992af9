"""The bootstrap: how much a metric, or a difference of two cells, would vary with other questions.

All cells are computed on the same resamples, so any difference of two of them is paired by construction.
Source: B. Efron and R. J. Tibshirani (1993), An Introduction to the Bootstrap; section 8.6 (several observations
drawn together). `bootstrap_intervals` makes intervals of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.contributions import Contributions, Values, score_of
from ragtally.analysis.resampling import UnitSums, drawn_counts, unit_rows, unit_sums
from ragtally.api import Score

# How many resamples are drawn unless it is said otherwise.
RESAMPLES = 10_000
# The share of resamples that must have a value for there to be an interval, computed from these.
DEFINED_SHARE = 0.95
# With fewer questions, or documents with their questions, resamples tell too little to give an interval.
FEWEST_UNITS = 10
TOO_FEW = f"with fewer than {FEWEST_UNITS} questions, or documents with their questions, resamples tell too little"
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class BootstrapDistribution:
    """What a metric of several cells became on every resample; column j is cell j everywhere."""

    observed: Values  # On the questions themselves; shape [cells]
    resampled: Values  # On every resample; shape [resamples, cells]
    jackknife: Values  # With one unit left out at a time; shape [units, cells]
    questions: int  # How many questions there are
    reason: str  # Why there is no value where there is none

    @property
    def cells(self) -> int:
        """How many cells, or differences, there are."""
        return len(self.observed.value)

    @property
    def units(self) -> int:
        """How many questions, or documents with their questions, are drawn."""
        return len(self.jackknife.value)

    def score(self, cell: int = 0) -> Score:
        """Take out the observed value."""
        return score_of(self.observed, cell, self.questions, self.reason)

    def of_cells(self, rows: ArrayLike) -> BootstrapDistribution:
        """Take out some cells, on the same resamples."""
        kept = np.asarray(rows, dtype=np.int64)

        def take(values: Values) -> Values:
            return Values(values.value[..., kept], values.defined[..., kept])

        return replace(
            self, observed=take(self.observed), resampled=take(self.resampled), jackknife=take(self.jackknife)
        )

    def differences(self, first: ArrayLike, second: ArrayLike) -> BootstrapDistribution:
        """Subtract cells from each other, resample by resample."""
        one, other = np.atleast_1d(np.asarray(first)), np.atleast_1d(np.asarray(second))

        def subtract(values: Values) -> Values:
            defined = values.defined[..., one] & values.defined[..., other]
            # Equal differences of unequal floats, as 0.8 - 0.7 and 0.7 - 0.6, are to be equal.
            difference = np.round(values.value[..., one] - values.value[..., other], _DIGITS)
            return Values(np.where(defined, difference, 0.0), defined)

        return BootstrapDistribution(
            observed=subtract(self.observed),
            resampled=subtract(self.resampled),
            jackknife=subtract(self.jackknife),
            questions=self.questions,
            reason=self.reason,
        )


def bootstrap(
    contributions: Contributions,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
) -> BootstrapDistribution:
    """Bootstrap a metric of all cells at once."""
    sums = unit_sums(contributions, cluster)
    _require_some(sums.units, resamples)
    value = np.empty((resamples, sums.cells))
    defined = np.empty((resamples, sums.cells), dtype=np.bool_)
    done = 0
    for counts in drawn_counts(sums.units, resamples, generator):
        block = sums.values(counts.astype(sums.columns.dtype) @ sums.columns)
        value[done : done + len(counts)], defined[done : done + len(counts)] = block.value, block.defined
        done += len(counts)
    total = sums.columns.astype(np.float64).sum(axis=0)
    return BootstrapDistribution(
        observed=sums.values(total),
        resampled=Values(value, defined),
        jackknife=_jackknife(sums, total),
        questions=contributions.questions,
        reason=contributions.reason,
    )


def bootstrap_rows(
    score: Callable[[NDArray[np.int64]], Score],
    questions: int,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
) -> BootstrapDistribution:
    """Bootstrap any function of resampled questions, one call a resample; slow, for what has no `Contributions`."""
    unit = unit_rows(cluster, questions)
    units = int(unit.max(initial=-1)) + 1
    _require_some(units, resamples)
    rows = np.arange(questions)
    blocks = drawn_counts(units, resamples, generator)
    resampled = [score(np.repeat(rows, drawn[unit])) for counts in blocks for drawn in counts]
    left_out = [score(rows[unit != one]) for one in range(units)] if units > 1 else []
    observed = score(rows)
    reason = observed.reason or next((found.reason for found in resampled if found.reason), "it is not defined")
    return BootstrapDistribution(
        observed=Values(*(column[0] for column in _columns([observed]))),
        resampled=Values(*_columns(resampled)),
        jackknife=Values(*_columns(left_out)),
        questions=questions,
        reason=reason,
    )


def _jackknife(sums: UnitSums, total: NDArray[np.float64]) -> Values:
    if sums.units < 2:
        return Values(np.zeros((0, sums.cells)), np.zeros((0, sums.cells), dtype=np.bool_))
    return sums.values(total - sums.columns)


def _columns(scores: list[Score]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    value = np.array([score.value or 0.0 for score in scores], dtype=np.float64)
    return value[:, None], np.array([score.value is not None for score in scores], dtype=np.bool_)[:, None]


def _require_some(units: int, resamples: int) -> None:
    if units < 1 or resamples < 1:
        raise ValueError(f"nothing to resample: {units} questions or documents, {resamples} resamples")
