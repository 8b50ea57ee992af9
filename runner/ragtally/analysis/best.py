"""The cells that cannot be told from the best, given that the best was picked by its result.

The largest of many results is partly luck, so comparing the others with it as if it had been named beforehand finds
differences that are none. Multiple comparisons with the best avoid that.

Source: J. C. Hsu (1984), Constrained simultaneous confidence intervals for multiple comparisons with the best, Annals
of Statistics 12, 1136-1144; with the bootstrap in place of the normal distribution, studentised, as in P. R. Hansen,
A. Lunde and J. M. Nason (2011), The model confidence set, Econometrica 79, 453-497.

With value v(i), estimate e(i), and s(i, j) the bootstrap's standard error of e(i) - e(j), let c(i) be the quantile at
the confidence of the largest over j of (bootstrap error of e(j) - e(i)) / s(i, j). If k is the best cell, then with
that confidence e(j) - e(k) <= v(j) - v(k) + c(k) s(k, j) for all j at once, and since v(j) <= v(k), cell k passes:
e(k) - e(j) + c(k) s(k, j) >= 0 for all j. So every cell that passes is kept, and the best is among them with the
confidence asked for; only this one event is needed, so no cell's test must be corrected for the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally.analysis.bootstrap import DEFINED_SHARE, FEWEST_UNITS, TOO_FEW, BootstrapDistribution
from ragtally.analysis.confidence import ConfidenceInterval, require_share, without_interval
from ragtally.analysis.contributions import Values

METHOD = "multiple comparisons with the best, bootstrap"
_TOLERANCE = 1e-10
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Best:
    """Which cells may be the best."""

    # Row of the cell with the best observed value, the first of equals; None where no cell has a value.
    highest: int | None
    # Rows of the cells that cannot be told from the best, in order; `highest` is always among them.
    kept: tuple[int, ...]
    # For each cell, of its value minus the best other cell's, in units where more is better, all at once. It ends at
    # 0 where the cell is not kept, and begins at 0 where it is the only one kept. It has no limits, but a reason, for
    # a cell that has no value.
    intervals: tuple[ConfidenceInterval, ...]
    confidence: float  # With which confidence the best cell is among those kept


def compare_with_best(
    distribution: BootstrapDistribution, confidence: float = 0.95, *, higher_is_better: bool = True
) -> Best:
    """Find the cells that cannot be told from the best."""
    require_share(confidence, "confidence")
    sign = 1.0 if higher_is_better else -1.0
    cells, complete = _compared(distribution)
    none = [without_interval(confidence, METHOD, distribution.reason)] * distribution.cells
    if len(cells) == 0:
        return Best(None, (), tuple(none), confidence)
    if distribution.units < FEWEST_UNITS:
        intervals = [without_interval(confidence, METHOD, TOO_FEW)] * distribution.cells
        return Best(
            _highest(sign * distribution.observed.value, cells), tuple(cells.tolist()), tuple(intervals), confidence
        )
    observed = sign * distribution.observed.value[cells]
    errors = sign * distribution.resampled.value[np.ix_(complete, cells)] - observed
    margin = _margins(errors, confidence)
    gap = observed[:, None] - observed
    np.fill_diagonal(gap, np.inf)
    upper = (gap + margin).min(axis=1)
    kept = np.flatnonzero(upper >= -_TOLERANCE)
    intervals = list(none)
    for row, cell in enumerate(cells.tolist()):
        others = kept[kept != row]
        low = 0.0 if len(others) == 0 else min(0.0, float((gap[row, others] - margin[others, row]).min()))
        high = max(0.0, float(upper[row])) if len(cells) > 1 else 0.0
        intervals[cell] = ConfidenceInterval(low, high, confidence, METHOD)
    return Best(
        _highest(sign * distribution.observed.value, cells), tuple(cells[kept].tolist()), tuple(intervals), confidence
    )


def _compared(distribution: BootstrapDistribution) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the cells with a value in enough resamples, and the resamples where all of these have one."""
    resampled: Values = distribution.resampled
    enough = distribution.observed.defined & (resampled.defined.mean(axis=0) >= DEFINED_SHARE)
    cells = np.flatnonzero(enough)
    return cells, np.flatnonzero(resampled.defined[:, cells].all(axis=1))


def _highest(observed: NDArray[np.float64], cells: NDArray[np.int64]) -> int:
    return int(cells[int(np.argmax(np.round(observed[cells], _DIGITS)))])


def _margins(errors: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    """Compute by how much each cell (row) may lie behind each other (column) and still be the best: c(i) s(i, j)."""
    cells = errors.shape[1]
    margin = np.zeros((cells, cells))
    for cell in range(cells):
        behind = errors - errors[:, [cell]]
        # Cells that differ by the same in every resample differ by rounding only.
        spread = np.sqrt((behind**2).mean(axis=0))
        varies = spread > _TOLERANCE
        if varies.any():
            largest = (behind[:, varies] / spread[varies]).max(axis=1)
            margin[cell] = max(0.0, float(np.quantile(largest, confidence))) * spread
    return margin
