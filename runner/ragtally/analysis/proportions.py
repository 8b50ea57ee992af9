"""Intervals for proportions and for differences of two of them, independent or paired.

All build on Wilson's score interval, which behaves for few questions and for shares near 0 and 1, where the
textbook interval p +- 1.96 standard errors does not.
"""

from __future__ import annotations

import math

from ragtally.analysis.confidence import ConfidenceInterval, normal_quantile, without_interval
from ragtally.analysis.mcnemar import PairedCounts

_NOTHING = "there are no questions"


def wilson(successes: int, trials: int, confidence: float = 0.95) -> ConfidenceInterval:
    """Compute Wilson's score interval of a proportion, without continuity correction."""
    # Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22;
    # method 3 of R. G. Newcombe (1998), Statistics in Medicine 17, 857-872.
    _require_counts(successes, trials)
    if trials == 0:
        return without_interval(confidence, "Wilson", _NOTHING)
    low, high = _wilson_limits(successes, trials, normal_quantile(confidence))
    return ConfidenceInterval(low, high, confidence, "Wilson")


def newcombe(
    first_successes: int, first_trials: int, second_successes: int, second_trials: int, confidence: float = 0.95
) -> ConfidenceInterval:
    """Compute Newcombe's hybrid score interval of the difference of two independent proportions."""
    # Source: method 10 of R. G. Newcombe (1998), Interval estimation for the difference between independent
    # proportions: comparison of eleven methods, Statistics in Medicine 17, 873-890.
    _require_counts(first_successes, first_trials)
    _require_counts(second_successes, second_trials)
    if first_trials == 0 or second_trials == 0:
        return without_interval(confidence, "Newcombe", _NOTHING)
    quantile = normal_quantile(confidence)
    first, second = first_successes / first_trials, second_successes / second_trials
    first_limits = _wilson_limits(first_successes, first_trials, quantile)
    second_limits = _wilson_limits(second_successes, second_trials, quantile)
    low, high = _hybrid(first, first_limits, second, second_limits, 0.0)
    return ConfidenceInterval(low, high, confidence, "Newcombe")


def newcombe_paired(counts: PairedCounts, confidence: float = 0.95) -> ConfidenceInterval:
    """Compute Newcombe's hybrid score interval of the difference of two paired proportions."""
    # The correlation of the pairs enters by the coefficient phi, whose numerator is reduced by half the number of
    # questions where it is positive, at most to 0.
    # Source: method 10 of R. G. Newcombe (1998), Improved confidence intervals for the difference between binomial
    # proportions based on paired data, Statistics in Medicine 17, 2635-2650.
    method = "Newcombe, paired"
    trials = counts.questions
    if trials == 0:
        return without_interval(confidence, method, _NOTHING)
    quantile = normal_quantile(confidence)
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    product = first * (trials - first) * second * (trials - second)
    covariance: float = counts.both * counts.neither - counts.first_only * counts.second_only
    if covariance > 0:
        covariance = max(covariance - trials / 2, 0.0)
    phi = covariance / math.sqrt(product) if product else 0.0
    limits = [_wilson_limits(successes, trials, quantile) for successes in (first, second)]
    low, high = _hybrid(first / trials, limits[0], second / trials, limits[1], phi)
    return ConfidenceInterval(low, high, confidence, method)


def _wilson_limits(successes: int, trials: int, quantile: float) -> tuple[float, float]:
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
        raise ValueError(f"{successes} of {trials} is no proportion")
