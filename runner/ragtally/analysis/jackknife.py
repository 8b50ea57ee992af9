"""The jackknife: how sure a difference of two cells is, by leaving out one question, or document, at a time.

For differences it holds what it promises where the bootstrap's intervals do not: a macro-F1 with a rare class has few
answers behind a third of its value, the two cells' resamples are lopsided, and BCa follows them
(`benchmarks/claims.py` has the coverage of each).

Source: J. W. Tukey (1958), Bias and confidence in not quite large samples, Annals of Mathematical Statistics 29;
B. Efron and R. J. Tibshirani (1993), An Introduction to the Bootstrap, chapter 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import FEWEST_UNITS, TOO_FEW, leave_one_out, unit_sums
from ragtally.analysis.contributions import Contributions, Values
from ragtally.analysis.estimate import CONFIDENCE, Estimate, normal_quantile

METHOD = "jackknife"
_DIGITS = 12
_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class JackknifeDifference:
    """A difference of two cells, with its standard error."""

    estimate: Estimate
    standard_error: float | None  # None where it is not known, or nothing varies


def jackknife_differences(
    contributions: Contributions,
    pairs: Sequence[tuple[int, int]],
    cluster: ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> list[JackknifeDifference]:
    """Estimate the differences of pairs of cells of any metric, each with Student's interval."""
    sums = unit_sums(contributions, cluster)
    total = sums.columns.astype(np.float64).sum(axis=0)
    observed, left_out = sums.values(total), leave_one_out(sums, total)
    # No difference of two means is larger than that of the largest and the smallest value.
    values = contributions.by_question
    largest = math.inf if values is None else float(np.ptp(values))
    differences = []
    for pair in pairs:
        one = _difference(observed, left_out, pair, contributions.questions, contributions.reason, confidence)
        low, high = one.estimate.low, one.estimate.high
        if low is not None and high is not None:
            one = replace(one, estimate=replace(one.estimate, low=max(low, -largest), high=min(high, largest)))
        differences.append(one)
    return differences


def clustered_share(share: Share, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a share of questions, of which some stand and fall together."""
    return _with_errors(share.value, [share.left_out()], len(share.right), 0.0, confidence)


def independent_difference(first: Share, second: Share, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the difference of two shares of separate questions, of which some stand and fall together."""
    value = round(first.value - second.value, _DIGITS)
    questions = len(first.right) + len(second.right)
    return _with_errors(value, [first.left_out(), second.left_out()], questions, -1.0, confidence)


def _with_errors(
    value: float, sides: Sequence[NDArray[np.float64]], questions: int, least: float, confidence: float
) -> Estimate:
    """Welch's interval: the errors of independent means add up in squares."""
    squares = [standard_error(side) ** 2 for side in sides if len(side) >= FEWEST_UNITS]
    reason = TOO_FEW if len(squares) < len(sides) else None
    if reason is None and sum(squares) <= _TOLERANCE**2:
        reason = "no question changes it, so nothing is known of its uncertainty"
    if reason is not None:
        return Estimate(value, questions, confidence=confidence, method=METHOD, reason=reason)
    # Satterthwaite's degrees of freedom of a sum of squares.
    parts = [square**2 / (len(side) - 1) for square, side in zip(squares, sides, strict=True)]
    reach = student_quantile(confidence, math.floor(sum(squares) ** 2 / math.fsum(parts))) * math.sqrt(sum(squares))
    return Estimate(value, questions, max(least, value - reach), min(1.0, value + reach), confidence, METHOD)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of questions, with the document that each stands and falls with."""

    right: NDArray[np.bool_]
    cluster: NDArray[np.int64]

    @property
    def value(self) -> float:
        """The share."""
        return float(self.right.mean())

    def left_out(self) -> NDArray[np.float64]:
        """The share without each of the documents."""
        _, unit = np.unique(self.cluster, return_inverse=True)
        sizes, sums = np.bincount(unit), np.bincount(unit, weights=self.right)
        if len(sizes) < 2:
            return np.zeros(len(sizes))
        shares: NDArray[np.float64] = (self.right.sum() - sums) / (len(unit) - sizes)
        return shares


def student_quantile(confidence: float, degrees: int) -> float:
    """How many standard errors a two-sided Student interval reaches to each side, to 3 digits from 9 degrees."""
    # Source: Abramowitz and Stegun 26.7.5. In plain arithmetic it gives the same digits on every machine.
    z = normal_quantile(confidence)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / degrees ** (power + 1) for power, term in enumerate(terms))


def _difference(
    observed: Values, left_out: Values, pair: tuple[int, int], questions: int, reason: str, confidence: float
) -> JackknifeDifference:
    first, second = pair

    def without(why: str, value: float | None) -> JackknifeDifference:
        estimate = Estimate(value, questions, confidence=confidence, method=METHOD, reason=why)
        return JackknifeDifference(estimate, None)

    if not (observed.has_value[first] and observed.has_value[second]):
        return without(reason, None)
    # Equal differences of unequal floats, as 0.8 - 0.7 and 0.7 - 0.6, are to be equal.
    value = round(float(observed.value[first] - observed.value[second]), _DIGITS)
    units = len(left_out.value)
    if units < FEWEST_UNITS:
        return without(TOO_FEW, value)
    if not (left_out.has_value[:, first].all() and left_out.has_value[:, second].all()):
        return without("it is not defined without some of the questions", value)
    error = standard_error(left_out.value[:, first] - left_out.value[:, second])
    if error <= _TOLERANCE:
        return without("no question changes it, so nothing is known of its uncertainty", value)
    reach = student_quantile(confidence, units - 1) * error
    estimate = Estimate(value, questions, value - reach, value + reach, confidence, METHOD)
    return JackknifeDifference(estimate, error)


def standard_error(left_out: NDArray[np.float64]) -> float:
    """Compute the standard error of a statistic from its values with one unit left out at a time."""
    # `fsum` is exact, so the order in which units stand does not matter.
    mean = math.fsum(left_out.tolist()) / len(left_out)
    square = math.fsum(((left_out - mean) ** 2).tolist())
    return math.sqrt((len(left_out) - 1) / len(left_out) * square)
