"""Proportions and differences of two of them, independent or paired, with their intervals.

All build on Wilson's score interval, which behaves well for few questions and for shares near 0 and 1, where the
textbook interval p +- 1.96 standard errors does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ragtally.analysis.estimate import CONFIDENCE, Estimate, normal_quantile

_NO_QUESTIONS = "there are no questions"


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Questions by which of two cells had them right."""

    both: int
    first_only: int
    second_only: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.first_only, self.second_only, self.neither) < 0:
            raise ValueError(f"counts are never negative: {self}")

    @property
    def questions(self) -> int:
        """How many questions there are."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def discordant(self) -> int:
        """How many questions exactly one of the cells had right."""
        return self.first_only + self.second_only


def count_pairs(first: ArrayLike, second: ArrayLike) -> PairedCounts:
    """Count the questions that each cell, both, or neither had right."""
    one, other = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"columns of shape {one.shape} and {other.shape} are not pairs")
    both = int((one & other).sum())
    return PairedCounts(both, int(one.sum()) - both, int(other.sum()) - both, int((~one & ~other).sum()))


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a proportion, with Wilson's score interval without continuity correction."""
    # Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22;
    # method 3 of R. G. Newcombe (1998), Statistics in Medicine 17, 857-872.
    _require_counts(successes, trials)
    if trials == 0:
        return _without_questions(confidence, "Wilson")
    low, high = _wilson_limits(successes, trials, normal_quantile(confidence))
    return Estimate(successes / trials, trials, low, high, confidence, "Wilson")


def wilson_of_weighted(
    value: float, effective: float, items: int, confidence: float = CONFIDENCE, method: str = "Wilson, weighted"
) -> Estimate:
    """Estimate a proportion of unequally drawn items, that says as much as so many equally drawn ones."""
    # Source: E. L. Korn and B. I. Graubard (1998), Confidence intervals for proportions with small expected number of
    # positive counts estimated from survey data, Survey Methodology 24, with Wilson's interval for the exact one.
    low, high = _wilson_limits(value * effective, effective, normal_quantile(confidence))
    return Estimate(value, items, min(low, value), max(high, value), confidence, method)


def newcombe(
    first_successes: int, first_trials: int, second_successes: int, second_trials: int, confidence: float = CONFIDENCE
) -> Estimate:
    """Estimate the difference of two independent proportions, with Newcombe's hybrid score interval."""
    # Source: method 10 of R. G. Newcombe (1998), Interval estimation for the difference between independent
    # proportions: comparison of eleven methods, Statistics in Medicine 17, 873-890.
    _require_counts(first_successes, first_trials)
    _require_counts(second_successes, second_trials)
    trials = first_trials + second_trials
    if first_trials == 0 or second_trials == 0:
        return Estimate(None, trials, confidence=confidence, method="Newcombe", reason=_NO_QUESTIONS)
    quantile = normal_quantile(confidence)
    first, second = first_successes / first_trials, second_successes / second_trials
    first_limits = _wilson_limits(first_successes, first_trials, quantile)
    second_limits = _wilson_limits(second_successes, second_trials, quantile)
    low, high = _hybrid(first, first_limits, second, second_limits, 0.0)
    return Estimate(first - second, trials, low, high, confidence, "Newcombe")


def newcombe_paired(counts: PairedCounts, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the difference of two paired proportions, with Newcombe's hybrid score interval."""
    # The correlation of the pairs enters by the coefficient phi, whose numerator is reduced by half the number of
    # questions where it is positive, at most to 0.
    # Source: method 10 of R. G. Newcombe (1998), Improved confidence intervals for the difference between binomial
    # proportions based on paired data, Statistics in Medicine 17, 2635-2650.
    method = "Newcombe, paired"
    trials = counts.questions
    if trials == 0:
        return _without_questions(confidence, method)
    quantile = normal_quantile(confidence)
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    product = first * (trials - first) * second * (trials - second)
    covariance: float = counts.both * counts.neither - counts.first_only * counts.second_only
    if covariance > 0:
        covariance = max(covariance - trials / 2, 0.0)
    phi = covariance / math.sqrt(product) if product else 0.0
    limits = [_wilson_limits(successes, trials, quantile) for successes in (first, second)]
    low, high = _hybrid(first / trials, limits[0], second / trials, limits[1], phi)
    difference = (counts.first_only - counts.second_only) / trials
    return Estimate(difference, trials, low, high, confidence, method)


def _without_questions(confidence: float, method: str) -> Estimate:
    return Estimate(None, 0, confidence=confidence, method=method, reason=_NO_QUESTIONS)


def _wilson_limits(successes: float, trials: float, quantile: float) -> tuple[float, float]:
    square = quantile * quantile
    centre = successes + square / 2
    half = quantile * math.sqrt(successes * (trials - successes) / trials + square / 4)
    # At the ends the limit is exactly 0 or 1, which rounding would miss.
    low = 0.0 if successes == 0 else (centre - half) / (trials + square)
    high = 1.0 if successes == trials else (centre + half) / (trials + square)
    return low, high


def _hybrid(
    first: float, first_limits: tuple[float, float], second: float, second_limits: tuple[float, float], phi: float
) -> tuple[float, float]:
    difference = first - second
    below = _distance(first - first_limits[0], second_limits[1] - second, phi)
    above = _distance(first_limits[1] - first, second - second_limits[0], phi)
    return max(-1.0, difference - below), min(1.0, difference + above)


def _distance(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(first * first - 2 * phi * first * second + second * second, 0.0))


def _require_counts(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is not a proportion")
