"""Could the difference of two cells be chance? Paired tests, their correction for many, and their power.

Two tests: McNemar's exact one for shares of right answers, and the paired randomisation test for any metric, macro-F1
included. For the latter: were two cells alike, then on every question it would be chance which of the two gave which
answer. So the answers are swapped between them on random questions, and the difference is computed again and again;
this assumes no distribution.

Source: E. W. Noreen (1989), Computer-Intensive Methods for Testing Hypotheses; for answers to the same questions
since N. Chinchor (1992), The statistical significance of the MUC-4 results.

"No difference found" says little where few questions were asked: the smallest difference says how large one would
have had to be to be found with 80 % probability. It takes the share of discordant questions (or the standard error)
from the data but never the difference itself, so it is no "observed power", which would only repeat the p-value.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import RESAMPLES, UnitSums, coin_tosses, unit_sums
from ragtally.analysis.contributions import Contributions
from ragtally.analysis.estimate import STANDARD_NORMAL, require_share
from ragtally.analysis.proportions import PairedCounts

# The level of every test, and of every family of tests.
LEVEL = 0.05
POWER = 0.8
# Up to so many discordant questions all swaps are done, which makes the p-value exact.
MOST_ENUMERATED = 12
# How much smaller than the observed difference one is still taken for as large: the error of floats.
_TOLERANCE = 1e-10
# How many pairs are worked on at once: more would only cost memory.
_BATCH = 16
# Differences are searched in steps of a millionth.
_MILLION = 1_000_000
_STANDARD_DEVIATIONS = 8
_FEW = 10_000


@dataclass(frozen=True, slots=True)
class Significance:
    """The result of a two-sided test of no difference."""

    # The probability, were there no difference, of one at least as large as that observed; None where it cannot be
    # computed, never NaN.
    p_value: float | None
    test: str  # Which test it was, as `exact McNemar`; fit for print
    # How many questions (or documents with their questions) tell the two apart; the test rests on these.
    discordant: int
    reason: str | None = None  # Why there is no p-value; None where there is one

    def __post_init__(self) -> None:
        if (self.p_value is None) == (self.reason is None):
            raise ValueError("a test has either a p-value or a reason why it has none")
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise ValueError(f"{self.p_value} is not a probability")


def mcnemar(counts: PairedCounts) -> Significance:
    """Test exactly whether two cells are right equally often."""
    # Were they, each discordant question would be one cell's or the other's like the toss of a coin: p = min(1, 2 P(X
    # <= min(first_only, second_only))) with X binomial over the discordant questions; 1 where there is none.
    # Source: Q. McNemar (1947), Psychometrika 12, 153-157; the exact form as in A. Agresti, Categorical Data
    # Analysis, section 11.1.
    test = "exact McNemar"
    if counts.questions == 0:
        return Significance(None, test, 0, "there are no questions")
    tail = float(binomial_cdf(min(counts.first_only, counts.second_only), counts.discordant, 0.5))
    return Significance(min(1.0, 2 * tail), test, counts.discordant)


def randomisation_tests(
    contributions: Contributions,
    pairs: Sequence[tuple[int, int]],
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
) -> list[Significance]:
    """Test pairs of cells for a difference of a metric."""
    # p = (1 + number of swaps with a difference at least as large) / (1 + number of swaps), two-sided; this is never
    # 0 and never too small (B. Phipson and G. K. Smyth (2010), Permutation p-values should never be zero). With at
    # most `MOST_ENUMERATED` discordant units all swaps are done and counted, with no 1 to be added. A swap for which
    # the metric is not defined counts as one with a difference as large.
    if resamples < 1:
        raise ValueError(f"nothing to test with: {resamples} swaps")
    sums = unit_sums(contributions, cluster)
    batches = [_pairs(sums, pairs[begin : begin + _BATCH]) for begin in range(0, len(pairs), _BATCH)]
    extreme = [np.zeros(len(batch.observed), dtype=np.int64) for batch in batches]
    if not all(batch.exact.all() for batch in batches):
        for tosses in coin_tosses(sums.units, resamples, generator):
            coins = tosses.astype(sums.columns.dtype)
            for batch, count in zip(batches, extreme, strict=True):
                count += batch.extreme(coins, batch.change)
    pairs_done = zip(batches, extreme, strict=True)
    return [test for batch, count in pairs_done for test in batch.tests(count, resamples, contributions.reason)]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust the p-values of a family: one is rejected wrongly with at most the level's probability."""
    # The i-th smallest of m p-values is multiplied by m - i + 1, is at least the adjusted one before it, and at most
    # 1. Nothing is assumed of how the tests depend on each other.
    # Source: S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    # Statistics 6, 65-70.
    tests = [row for row, p_value in enumerate(p_values) if p_value is not None]
    p_adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, row in enumerate(sorted(tests, key=lambda row: (p_values[row], row))):
        p_value = p_values[row]
        if p_value is None or not 0 <= p_value <= 1:
            raise ValueError(f"{p_value} is not a probability")
        largest = min(1.0, max(largest, (len(tests) - rank) * p_value))
        p_adjusted[row] = largest
    return p_adjusted


def smallest_normal_difference(standard_error: float | None, level: float = LEVEL) -> float | None:
    """Find the smallest difference of any metric that would have been found, by the normal approximation."""
    # It is (z of 1 - level / 2, plus z of the power) standard errors; J. Cohen, Statistical Power Analysis for the
    # Behavioral Sciences, section 2.4. A standard error of 0 (the two differ in no resample) says nothing.
    require_share(level, "level")
    if not standard_error:
        return None
    return (STANDARD_NORMAL.inv_cdf(1 - level / 2) + STANDARD_NORMAL.inv_cdf(POWER)) * standard_error


@functools.lru_cache(maxsize=4096)
def smallest_mcnemar_difference(questions: int, discordant_share: float, level: float = LEVEL) -> float | None:
    """Find the smallest difference of two shares that McNemar's exact test would have found; None where none is."""
    at_share = _Discordant.of(questions, discordant_share, level)

    def enough(millionths: int) -> bool:
        difference = millionths / _MILLION
        # Below the observed share the sums are over the same numbers, which is much faster.
        discordant = at_share if difference <= discordant_share else _Discordant.of(questions, difference, level)
        return discordant.power(difference) >= POWER

    value = bisect_left(range(_MILLION), True, key=enough)
    return value / _MILLION if enough(value) else None


def binomial_cdf(count: Any, trials: Any, share: Any) -> NDArray[np.float64]:
    """Compute the probability of at most so many successes, for whole columns at once."""
    # SciPy loads with its first use: a cached analysis is shown without it.
    from scipy.special import betainc

    # Source: the regularised incomplete beta function, I(1 - share; trials - count, count + 1); Abramowitz and Stegun
    # 26.5.24.
    count, trials, share = np.broadcast_arrays(
        np.asarray(count, dtype=np.float64), np.asarray(trials, dtype=np.float64), np.asarray(share, dtype=np.float64)
    )
    inside = (count >= 0) & (count < trials)
    successes = np.where(inside, count, 0.0)
    failures = np.where(inside, trials, 1.0) - successes
    result: NDArray[np.float64] = np.where(inside, betainc(failures, successes + 1, 1 - share), count >= trials)
    return result


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Some pairs of cells under test."""

    sums: UnitSums  # What the units contribute, with the metric's formula
    total: NDArray[np.float64]  # Sums over all units of either cell of each pair; shape [pairs, 2, parts]
    # What a swap of each unit adds to the first cell's sums and takes from the second's; shape [units, pairs, parts].
    change: NDArray[np.floating]
    observed: NDArray[np.float64]  # The differences; shape [pairs]
    has_value: NDArray[np.bool_]  # Whether the metric has a value for both cells; shape [pairs]
    discordant: NDArray[np.int64]  # How many units tell the two apart; shape [pairs]
    exact: NDArray[np.bool_]  # Whether all swaps are done; shape [pairs]

    def extreme(self, tosses: NDArray[np.floating], change: NDArray[np.floating]) -> NDArray[np.int64]:
        """Count for each pair the swaps with a difference at least as large as that observed."""
        pairs, parts = change.shape[1:]
        gain = (tosses @ change.reshape(len(change), pairs * parts)).astype(np.float64)
        gain = gain.reshape(len(tosses), pairs, parts)
        own = np.stack([self.total[:, 0] + gain, self.total[:, 1] - gain], axis=2)
        difference, has_value = _differences(self.sums, own)
        large = np.abs(difference) >= np.abs(self.observed) - _TOLERANCE
        count: NDArray[np.int64] = (~has_value | large).sum(axis=0, dtype=np.int64)
        return count

    def count_all(self, pair: int) -> int:
        """Count the extreme ones among all swaps of one pair."""
        one = slice(pair, pair + 1)
        alone = replace(self, total=self.total[one], observed=self.observed[one])
        units = np.flatnonzero(self.change[:, pair].any(axis=1))
        patterns = np.arange(1 << len(units))[:, None] >> np.arange(len(units)) & 1
        return int(alone.extreme(patterns.astype(self.change.dtype), self.change[units, one])[0])

    def tests(self, extreme: NDArray[np.int64], resamples: int, reason: str) -> Iterator[Significance]:
        """Make p-values of counts."""
        for pair, discordant in enumerate(self.discordant.tolist()):
            if not self.has_value[pair]:
                yield Significance(None, "randomisation", discordant, reason)
            elif self.exact[pair]:
                p_value = self.count_all(pair) / (1 << discordant)
                yield Significance(p_value, "exact randomisation", discordant)
            else:
                p_value = (1 + int(extreme[pair])) / (1 + resamples)
                yield Significance(p_value, f"randomisation, {resamples} swaps", discordant)


def _pairs(sums: UnitSums, pairs: Sequence[tuple[int, int]]) -> _Pairs:
    own = sums.columns[:, : sums.cells * sums.parts].reshape(sums.units, sums.cells, sums.parts)
    first, second = own[:, [one for one, _ in pairs]], own[:, [other for _, other in pairs]]
    total = np.stack([column.astype(np.float64).sum(axis=0) for column in (first, second)], axis=1)
    change = second - first
    difference, has_value = _differences(sums, total[None])
    discordant = change.any(axis=2).sum(axis=0)
    exact = ~has_value[0] | (discordant <= MOST_ENUMERATED)
    return _Pairs(sums, total, change, difference[0], has_value[0], discordant, exact)


def _differences(sums: UnitSums, own: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Compute differences of pairs from their sums of shape [swaps, pairs, 2, parts]."""
    count, pairs, _, parts = own.shape
    common = sums.columns[:, sums.cells * sums.parts :].astype(np.float64).sum(axis=0)
    values = sums.formula(own.reshape(count, pairs * 2, parts), common[None])
    value = values.value.reshape(count, pairs, 2)
    both = values.has_value.reshape(count, pairs, 2)
    has_value: NDArray[np.bool_] = both[..., 0] & both[..., 1]
    return value[..., 0] - value[..., 1], has_value


@dataclass(frozen=True, slots=True)
class _Discordant:
    """The numbers of discordant questions that can happen, and what the test does with each."""

    share: float  # The probability that a question is discordant
    count: NDArray[np.int64]  # The numbers, int64
    probability: NDArray[np.float64]
    critical: NDArray[np.int64]  # The largest smaller count that is still significant; -1 where none is

    @staticmethod
    def of(questions: int, share: float, level: float) -> _Discordant:
        """List the numbers within so many standard deviations that the rest does not matter."""
        mean = questions * share
        spread = _STANDARD_DEVIATIONS * math.sqrt(mean * (1 - share)) + _STANDARD_DEVIATIONS
        count = np.arange(max(0, math.floor(mean - spread)), min(questions, math.ceil(mean + spread)) + 1)
        probability = np.diff(binomial_cdf(np.concatenate([[count[0] - 1], count]), questions, share))
        critical = _critical_of_few(questions, level)[count] if questions <= _FEW else _critical(count, level)
        return _Discordant(share, count, probability, critical)

    def power(self, difference: float) -> float:
        """Sum up how probably a difference is found."""
        better = 0.5 if self.share == 0 else (1 + difference / self.share) / 2
        rejections = sum(binomial_cdf(self.critical, self.count, share) for share in (better, 1 - better))
        return min(1.0, math.fsum((self.probability * rejections).tolist()))


@functools.lru_cache(maxsize=16)
def _critical_of_few(questions: int, level: float) -> NDArray[np.int64]:
    return _critical(np.arange(questions + 1), level)


def _critical(discordant: NDArray[np.int64], level: float) -> NDArray[np.int64]:
    """Find the largest smaller count that is still significant; -1 where none is."""
    low = np.full(len(discordant), -1, dtype=np.int64)
    high = discordant // 2
    while (low < high).any():
        middle = (low + high + 1) // 2
        significant = 2 * binomial_cdf(middle, discordant, 0.5) <= level
        low, high = np.where(significant, middle, low), np.where(significant, high, middle - 1)
    return low
