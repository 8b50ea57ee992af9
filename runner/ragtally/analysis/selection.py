"""Picking the best of many cells: which may be the best, by how much the pick flatters, and a half held out.

The largest of many results is partly luck, so comparing the others with it as if it had been named beforehand finds
differences that are none. Multiple comparisons with the best avoid that.

Source: J. C. Hsu (1984), Constrained simultaneous confidence intervals for multiple comparisons with the best, Annals
of Statistics 12, 1136-1144; with the bootstrap in place of the normal distribution, studentised, as in P. R. Hansen,
A. Lunde and J. M. Nason (2011), The model confidence set, Econometrica 79, 453-497.

With value v(i), estimate e(i), and s(i, j) the bootstrap's standard error of e(i) - e(j), let c(i) be the quantile at
the confidence of the largest over j of (bootstrap error of e(j) - e(i)) / s(i, j). If k is the best cell, then with
that confidence e(j) - e(k) <= v(j) - v(k) + c(k) s(k, j) for all j at once, and since v(j) <= v(k), cell k passes:
e(k) - e(j) + c(k) s(k, j) >= 0 for all j. So every cell that passes is in the set, and the best is among them with
the confidence asked for; only this one event is needed, so no cell's test must be corrected for the others.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import DEFINED_SHARE, FEWEST_UNITS, BootstrapDistribution, unit_rows
from ragtally.analysis.contributions import Contributions
from ragtally.analysis.estimate import CONFIDENCE, require_share

_TOLERANCE = 1e-10
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class BestSet:
    """Which cells of the grid may be the best by one metric."""

    highest: str | None  # The cell with the best observed value, the first of equals; None where none has a value
    cells: tuple[str, ...]  # The cells that cannot be told from the best; `highest` is always among them
    optimism: float | None  # By how much the best one's value flatters, since it was picked on the same questions
    confidence: float  # With which confidence the best is among `cells`


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The cell picked on one half of the questions, scored on the other."""

    cell: str | None  # The cell picked, the first of equals; None where no cell has a value on that half
    dev: float | None  # Its value on the half that it was picked on
    dev_questions: int
    held_out: float | None  # Its value on the other half: what may be reported
    held_out_questions: int
    # `dev` minus `held_out`, in units where more is better; negative where the other half happens to be easier.
    optimism: float | None


def best_set(
    distribution: BootstrapDistribution,
    names: Sequence[str],
    confidence: float = CONFIDENCE,
    *,
    higher_is_better: bool = True,
) -> BestSet:
    """Find the cells that cannot be told from the best."""
    require_share(confidence, "confidence")
    sign = 1.0 if higher_is_better else -1.0
    optimism = expected_optimism(distribution, higher_is_better=higher_is_better)
    enough = distribution.observed.has_value & (distribution.replicates.has_value.mean(axis=0) >= DEFINED_SHARE)
    cells = np.flatnonzero(enough)
    if len(cells) == 0:
        return BestSet(None, (), optimism, confidence)
    values = sign * distribution.observed.value[cells]
    highest = names[cells[int(np.argmax(np.round(values, _DIGITS)))]]
    # With so few questions nothing can be told apart.
    able = np.arange(len(cells))
    if distribution.units >= FEWEST_UNITS:
        complete = np.flatnonzero(distribution.replicates.has_value[:, cells].all(axis=1))
        errors = sign * distribution.replicates.value[np.ix_(complete, cells)] - values
        gap = values[:, None] - values
        np.fill_diagonal(gap, np.inf)
        able = np.flatnonzero((gap + _margins(errors, confidence)).min(axis=1) >= -_TOLERANCE)
    return BestSet(highest, tuple(names[row] for row in cells[able]), optimism, confidence)


def expected_optimism(distribution: BootstrapDistribution, *, higher_is_better: bool = True) -> float | None:
    """Estimate by how much the best of all cells flatters when it is chosen and reported on the same questions."""
    # In every resample the best cell is chosen again; its value there, minus its value on the questions themselves,
    # is how much that choice flattered. The estimate is the mean over the resamples.
    # Source: B. Efron (1983), Estimating the error rate of a prediction rule, JASA 78; Efron and Tibshirani (1993),
    # section 17.6, with the choice of a cell as what is fitted.
    sign = 1.0 if higher_is_better else -1.0
    cells = np.flatnonzero(distribution.observed.has_value)
    complete = distribution.replicates.has_value[:, cells].all(axis=1)
    if len(cells) == 0 or not complete.any():
        return None
    values = sign * distribution.replicates.value[np.ix_(complete, cells)]
    best = values.argmax(axis=1)
    flattery = values[np.arange(len(values)), best] - sign * distribution.observed.value[cells][best]
    return math.fsum(flattery.tolist()) / len(flattery)


def split_halves(
    stratum: Sequence[Hashable], generator: np.random.Generator, cluster: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Split questions into two halves with the same share of every class."""
    unit = unit_rows(cluster, len(stratum))
    first = np.unique(unit, return_index=True)[1].tolist()
    by_class: dict[Hashable, list[int]] = {}
    for row, question in enumerate(first):
        by_class.setdefault(stratum[question], []).append(row)
    dev = np.zeros(len(first), dtype=np.bool_)
    # Classes of odd size give the odd question to either half in turn, so that the halves stay equal.
    more = True
    for rows in by_class.values():
        half = (len(rows) + more) // 2
        more ^= len(rows) % 2 == 1
        dev[generator.permutation(rows)[:half]] = True
    return dev[unit]


def select_on_half(
    contributions: Contributions, names: Sequence[str], dev: ArrayLike, *, higher_is_better: bool = True
) -> HeldOut:
    """Choose the best cell on one half and score it on the other."""
    mask = np.asarray(dev, dtype=np.bool_)
    on_dev, on_other = contributions.of_questions(mask), contributions.of_questions(~mask)
    sign = 1.0 if higher_is_better else -1.0
    scores = on_dev.scores()
    order = [
        (-sign * round(score.value, _DIGITS), row) for row, score in enumerate(scores) if score.value is not None
    ]
    if not order:
        return HeldOut(None, None, on_dev.questions, None, on_other.questions, None)
    row = min(order)[1]
    on_half, held_out = scores[row].value, on_other.of_cells([row]).scores()[0].value
    optimism = None if on_half is None or held_out is None else sign * (on_half - held_out)
    return HeldOut(names[row], on_half, on_dev.questions, held_out, on_other.questions, optimism)


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
