"""Picking the best of many cells: which may be the best, by how much the pick flatters, and a half held out.

The largest of many results is partly luck, so comparing the others with it as if it had been named beforehand finds
differences that are none. Multiple comparisons with the best avoid that.

Source: J. C. Hsu (1984), Constrained simultaneous confidence intervals for multiple comparisons with the best, Annals
of Statistics 12, 1136-1144; J. P. Romano and M. Wolf (2005), Exact and approximate stepdown methods for multiple
hypothesis testing, JASA 100, 94-108; for sets of this kind P. R. Hansen, A. Lunde and J. M. Nason (2011), The model
confidence set, Econometrica 79, 453-497.

With value v(i), estimate e(i), and s(i, j) the standard error of e(i) - e(j), cell i is set apart from the best
where (e(j) - e(i)) / s(i, j) > c for some j. Let c be the quantile at the confidence of the largest, over all cells
j and over the cells i that are still in the set, of (bootstrap error of e(j) - e(i)) / s(i, j); when cells have
left, c is computed for those that stay, until none leaves. A cell as good as the best leaves only where the error
of some e(j) - e(i) exceeds a c that allows for all such cells together: so with the confidence asked for not one of
them leaves, however many they are.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import DEFINED_SHARE, FEWEST_UNITS, BootstrapDistribution, unit_rows
from ragtally.analysis.contributions import Contributions
from ragtally.analysis.estimate import CONFIDENCE, Estimate, require_share

_TOLERANCE = 1e-10
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class BestSet:
    """Which cells of the grid may be the best by one metric."""

    highest: str | None  # The cell with the best observed value, the first of equals; None where none has a value
    cells: tuple[str, ...]  # The cells that cannot be told from the best; `highest` is always among them
    # By how much the best one's value flatters on average, since it was picked on the same questions; None where
    # there are too few questions, or no value.
    optimism: float | None
    confidence: float  # With which confidence all cells that are as good as the best are among `cells`


@dataclass(frozen=True, slots=True)
class Floor:
    """What always giving the most frequent label comes to by one metric, and which cells beat it."""

    answer: str
    score: Estimate
    # The candidates (or, without any, all cells) that are shown to be better, with one error rate for all of them.
    beaten_by: tuple[str, ...]


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
    """Find the cells that cannot be told from the best, and by how much the best one's value flatters."""
    require_share(confidence, "confidence")
    sign = 1.0 if higher_is_better else -1.0
    cells = np.flatnonzero(_enough_values(distribution))
    if len(cells) == 0:
        return BestSet(None, (), None, confidence)
    values = sign * distribution.observed.value[cells]
    highest = names[int(cells[int(np.argmax(np.round(values, _DIGITS)))])]
    complete = np.flatnonzero(distribution.replicates.has_value[:, cells].all(axis=1))
    # With so few questions nothing can be told apart.
    if distribution.units < FEWEST_UNITS or len(complete) == 0:
        return BestSet(highest, tuple(names[row] for row in cells.tolist()), None, confidence)
    # The variance of resamples is too small by a factor of (units - 1) / units.
    scale = math.sqrt(distribution.units / (distribution.units - 1))
    errors = scale * (sign * distribution.replicates.value[np.ix_(complete, cells)] - values)
    candidates = _candidates(values, errors, distribution.units, confidence)
    optimism = _optimism(values, errors, candidates)
    return BestSet(highest, tuple(names[row] for row in cells[candidates].tolist()), optimism, confidence)


def better_than(
    distribution: BootstrapDistribution,
    reference: int,
    confidence: float = CONFIDENCE,
    *,
    higher_is_better: bool = True,
) -> list[int]:
    """Find the columns that are better than a reference named beforehand, however many are compared with it."""
    # The largest of all studentised errors is what a difference must exceed.
    # Source: H. White (2000), A reality check for data snooping, Econometrica 68, 1097-1126.
    require_share(confidence, "confidence")
    columns = np.flatnonzero(_enough_values(distribution))
    complete = distribution.replicates.has_value[:, columns].all(axis=1)
    if distribution.units < FEWEST_UNITS or reference not in columns or not complete.any():
        return []
    sign = 1.0 if higher_is_better else -1.0
    values = sign * distribution.observed.value
    resampled = sign * distribution.replicates.value[complete]
    gap = values - values[reference]
    scale = math.sqrt(distribution.units / (distribution.units - 1))
    errors = scale * (resampled - resampled[:, [reference]] - gap)
    spread = np.sqrt((errors**2).mean(axis=0))
    varies = columns[spread[columns] > _TOLERANCE]
    if not len(varies):
        return []
    critical = float(np.quantile((errors[:, varies] / spread[varies]).max(axis=1), confidence, method="higher"))
    # As in `_candidates`: under the hypothesis that two are alike the variance is the larger one.
    observed = gap[varies] / np.sqrt(spread[varies] ** 2 + gap[varies] ** 2 / distribution.units)
    return [int(column) for column in varies[observed > max(critical, 0.0) + _TOLERANCE]]


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


def _enough_values(distribution: BootstrapDistribution) -> NDArray[np.bool_]:
    """Which cells have a value, on nearly all resamples too."""
    on_most: NDArray[np.bool_] = distribution.replicates.has_value.mean(axis=0) >= DEFINED_SHARE
    return distribution.observed.has_value & on_most


def _candidates(
    values: NDArray[np.float64], errors: NDArray[np.float64], units: int, confidence: float
) -> NDArray[np.int64]:
    """Find the rows of the cells that may be the best, given the errors of all resamples, [resamples, cells]."""
    # How many standard errors each cell lies behind some other, observed and as an error of each resample.
    observed, largest = np.zeros(len(values)), np.zeros_like(errors)
    for cell, value in enumerate(values):
        behind, gap = errors - errors[:, [cell]], values - value
        spread = np.sqrt((behind**2).mean(axis=0))
        # Cells that differ by the same in every resample differ by rounding only.
        varies = spread > _TOLERANCE
        if varies.any():
            largest[:, cell] = (behind[:, varies] / spread[varies]).max(axis=1)
            # Were the two cells alike, their squared differences would have the mean 0 and so the larger variance, as
            # in McNemar's test. The other one makes few questions too sure.
            observed[cell] = (gap[varies] / np.sqrt(spread[varies] ** 2 + gap[varies] ** 2 / units)).max()
    candidates = np.arange(len(values))
    while True:
        critical = float(np.quantile(largest[:, candidates].max(axis=1), confidence, method="higher"))
        remaining = candidates[observed[candidates] <= max(critical, 0.0) + _TOLERANCE]
        if len(remaining) == len(candidates):
            return candidates
        candidates = remaining


def _optimism(values: NDArray[np.float64], errors: NDArray[np.float64], candidates: NDArray[np.int64]) -> float:
    """Estimate by how much the best of all cells flatters when it is chosen and reported on the same questions."""
    # To choose again in every resample, with the observed values as the truth, finds two thirds of it among cells
    # that are alike (B. Efron (1983), JASA 78; Efron and Tibshirani (1993), section 17.6): the observed values are
    # spread by chance already, so that fewer cells compete. So the truth that is resampled from has the candidates'
    # values shrunk towards their mean by the share of their spread that is chance; the values of cells that are
    # clearly behind stay.
    # Source of the shrinkage: B. Efron and C. Morris (1973), JASA 68, 117-130; of treating candidates and others
    # apart: P. R. Hansen (2005), A test for superior predictive ability, Journal of Business & Economic Statistics
    # 23.
    mean = values[candidates].mean()
    observed = float(((values[candidates] - mean) ** 2).sum())
    among = errors[:, candidates]
    chance = float(((among - among.mean(axis=1, keepdims=True)) ** 2).sum(axis=1).mean())
    truth = values.copy()
    truth[candidates] = mean + (max(0.0, 1 - chance / observed) if observed else 0.0) * (values[candidates] - mean)
    best = (truth + errors).argmax(axis=1)
    flattery = errors[np.arange(len(errors)), best]
    return math.fsum(flattery.tolist()) / len(flattery)
