"""The smallest difference that so many questions could have found.

"No difference found" says little where few questions were asked: these functions say how large a difference would
have had to be to be found with 80 % probability. They take the share of discordant questions (or the standard
error) from the data but never the difference itself, so they are no "observed power", which would only repeat
the p-value.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally.analysis.binomial import binomial_cdf
from ragtally.analysis.confidence import STANDARD_NORMAL, require_share

_MILLION = 1_000_000
_STANDARD_DEVIATIONS = 8
_FEW = 10_000


@dataclass(frozen=True, slots=True)
class SmallestDifference:
    """The smallest difference that would have been found with the wanted probability."""

    # The difference, above 0, in the metric's unit; None where no difference could have been found.
    value: float | None
    level: float  # The level of the test, as 0.05
    power: float  # The probability to find it, as 0.8
    method: str  # How it was computed; fit for print
    reason: str | None = None  # Why there is none; None where there is one


def mcnemar_power(questions: int, discordant_share: float, difference: float, level: float = 0.05) -> float:
    """Compute how probably McNemar's exact test finds a difference."""
    # The number of discordant questions is binomial; given it, so is how many of them are the better cell's. Both are
    # summed over, so no normal approximation is made (that would be R. J. Connor (1987), Biometrics 43, 207-211,
    # which the result approaches).
    require_share(level, "level")
    if questions < 0 or not 0 <= abs(difference) <= discordant_share <= 1:
        raise ValueError(f"no difference of {difference} with {discordant_share} discordant of {questions} questions")
    return _Discordant.of(questions, discordant_share, level).power(abs(difference))


@functools.lru_cache(maxsize=4096)
def smallest_mcnemar_difference(
    questions: int, discordant_share: float, level: float = 0.05, power: float = 0.8
) -> SmallestDifference:
    """Find the smallest difference of two shares that McNemar's exact test would have found."""
    require_share(power, "power")
    method = "exact McNemar"

    given = _Discordant.of(questions, discordant_share, level)

    def found(millionths: int) -> bool:
        difference = millionths / _MILLION
        # Below the observed share the sums are over the same numbers, which is much faster.
        discordant = given if difference <= discordant_share else _Discordant.of(questions, difference, level)
        return discordant.power(difference) >= power

    value = bisect_left(range(_MILLION), True, key=found)
    if not found(value):
        reason = f"{questions} questions are too few to find any difference with {power:.0%} probability"
        return SmallestDifference(None, level, power, method, reason)
    return SmallestDifference(value / _MILLION, level, power, method)


def smallest_normal_difference(
    standard_error: float | None, level: float = 0.05, power: float = 0.8
) -> SmallestDifference:
    """Find the smallest difference of any metric that would have been found, by the normal approximation."""
    # It is (z of 1 - level / 2, plus z of the power) standard errors; J. Cohen, Statistical Power Analysis for the
    # Behavioral Sciences, section 2.4.
    require_share(level, "level")
    require_share(power, "power")
    method = "normal approximation with the bootstrap's standard error"
    if not standard_error:
        reason = "the two do not differ in any resample" if standard_error == 0 else "there is no standard error"
        return SmallestDifference(None, level, power, method, reason)
    reach = STANDARD_NORMAL.inv_cdf(1 - level / 2) + STANDARD_NORMAL.inv_cdf(power)
    return SmallestDifference(reach * standard_error, level, power, method)


@dataclass(frozen=True, slots=True)
class _Discordant:
    """The numbers of discordant questions that can happen, and what the test does with each."""

    share: float  # The probability that a question is discordant
    count: NDArray[np.int64]  # The numbers, int64
    probability: NDArray[np.float64]  # How probable each is
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
        favoured = 0.5 if self.share == 0 else (1 + difference / self.share) / 2
        rejected = sum(binomial_cdf(self.critical, self.count, share) for share in (favoured, 1 - favoured))
        return min(1.0, math.fsum((self.probability * rejected).tolist()))


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
