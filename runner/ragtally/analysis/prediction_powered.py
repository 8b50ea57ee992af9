"""Prediction-powered inference: what judges say of all answers, corrected by what people say of some of them.

Judges err, so a share by judges is off by as much as their errors do not cancel out; the share by a sample of people
is right on average, and wide. Prediction-powered inference adds to the judges' share the mean error that the sample
shows: right on average whatever the judges' errors, and the narrower the better they are.

Sources: A. N. Angelopoulos, S. Bates, C. Fannjiang, M. I. Jordan and T. Zrnic (2023), Prediction-powered inference,
Science 382; A. N. Angelopoulos, J. C. Duchi and T. Zrnic (2023), PPI++, arXiv:2311.01453, for the power tuning. Where
answers are drawn with unequal probabilities each weighs the inverse of its own, as in the difference estimator of
C.-E. Sarndal, B. Swensson and J. Wretman (1992), Model Assisted Survey Sampling, chapter 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ragtally.analysis.bootstrap import FEWEST_UNITS, extreme_share, unit_rows
from ragtally.analysis.estimate import CONFIDENCE, Estimate
from ragtally.analysis.jackknife import student_quantile

METHOD = "prediction-powered"
# What sums of numbers that cancel out may leave.
_TOLERANCE = 1e-20
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedValues:
    """What each question contributes to a mean, by the judges and by people; one row per question."""

    judges: Floats  # The value if the judges are right
    people: Floats  # The value if people are right; NaN where nobody was asked, or no judge
    weight: Floats  # The inverse of the probability with which the answer was drawn for people
    open: NDArray[np.bool_]  # Whether judges decided it; what another grader decided stays as it is
    counts: Floats  # Whether the metric applies to the question, 0 or 1


@dataclass(frozen=True, slots=True)
class CorrectedMean:
    """A corrected mean, with what each question adds to its error."""

    value: float
    influence: Floats  # Zero in sum; the mean of their squares over the questions is the variance of the value
    of_people: Floats  # The part of it that comes from asking people about a sample alone
    judgments: int  # How many answers judges decided
    grades: int  # How many of them people graded
    power: float  # How much the judges count: 1 for fully, 0 where they say nothing about the truth


def corrected_mean(values: JudgedValues, power: float | None = None) -> CorrectedMean:
    """Correct a mean; the power is the best one unless it is given."""
    counts, by_panel = values.counts, values.open & (values.counts > 0)
    has_grade = by_panel & ~np.isnan(values.people)
    weight = np.where(has_grade, values.weight, 0.0)
    people = np.where(has_grade, values.people, 0.0)
    if power is None:
        power = _best_power(values.judges, people, weight, by_panel)
    errors = np.where(has_grade, people - power * values.judges, 0.0)
    total, all_judged, whole = weight.sum(), by_panel.sum(), counts.sum()
    mean_error = float((weight * errors).sum() / total) if total else 0.0
    of_people = (all_judged / total if total else 0.0) * weight * np.where(has_grade, errors - mean_error, 0.0)
    best_guess = np.where(by_panel, power * values.judges + mean_error, values.judges)
    value = float((counts * best_guess).sum() / whole)
    scale = len(counts) / whole
    influence = scale * (counts * (best_guess - value) + of_people)
    return CorrectedMean(value, influence, scale * of_people, int(all_judged), int(has_grade.sum()), power)


def difference(first: CorrectedMean, second: CorrectedMean) -> CorrectedMean:
    """The difference of two corrected means of the same questions, in pairs."""
    # Of two sides the one that people graded less says how sure it is; one without judges is as sure as can be.
    less = min((each for each in (first, second) if each.judgments), key=lambda each: each.grades)
    return CorrectedMean(
        first.value - second.value,
        first.influence - second.influence,
        first.of_people - second.of_people,
        less.judgments,
        less.grades,
        less.power,
    )


def _best_power(judges: Floats, people: Floats, weight: Floats, by_panel: NDArray[np.bool_]) -> float:
    """The power with the narrowest interval: the slope of people's grades on the judges', between 0 and 1."""
    variance = float(judges[by_panel].var())
    if variance == 0:
        return 1.0
    share = weight / weight.sum()
    centre = float((share * judges).sum())
    covariance = float((share * (judges - centre) * people).sum())
    return min(max(covariance / variance, 0.0), 1.0)


def corrected_estimate(
    mean: CorrectedMean,
    cluster: NDArray[np.int64],
    limits: tuple[float, float] = (0.0, 1.0),
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Give a corrected mean its interval; questions of one cluster share a document, and err together."""
    questions, unit = len(cluster), unit_rows(cluster, len(cluster))
    units = int(unit.max()) + 1
    value = min(max(mean.value, limits[0]), limits[1])
    if (mean.judgments and mean.grades < FEWEST_UNITS) or units < FEWEST_UNITS:
        few = f"people graded {mean.grades:,} of its {mean.judgments:,} judged answers; {FEWEST_UNITS} are the least"
        return Estimate(None, questions, confidence=confidence, method=METHOD, reason=few)
    variance = _variance(mean.influence, unit, units)
    of_people = _variance(mean.of_people, unit, units)
    if not mean.of_people.any() and mean.judgments > mean.grades:
        # No error in the sample does not mean none elsewhere: half an error of each kind, as A. Agresti and Y. Min
        # (2005), Statistics in Medicine 24, add to pairs that all agree.
        of_people = (mean.judgments / questions / mean.grades) ** 2 * (1 - mean.grades / mean.judgments)
        variance += of_people
    if variance <= _TOLERANCE:
        # Whatever was asked is alike, as where people find every answer right: resamples would claim certainty too.
        if limits == (0.0, 1.0) and value in limits:
            return replace(extreme_share(value, questions, units, confidence), method=METHOD)
        reason = "no question changes it, so nothing is known of its uncertainty"
        return Estimate(value, questions, confidence=confidence, method=METHOD, reason=reason)
    # Satterthwaite's degrees of freedom: the questions are many, those that people graded are not.
    rest = max(variance - of_people, 0.0)
    parts = rest**2 / (units - 1) + (of_people**2 / (mean.grades - 1) if mean.judgments else 0.0)
    reach = (
        student_quantile(confidence, max(1, math.floor(variance**2 / parts))) * math.sqrt(variance) if parts else 0.0
    )
    low, high = max(limits[0], mean.value - reach), min(limits[1], mean.value + reach)
    return Estimate(value, questions, min(low, value), max(high, value), confidence, METHOD)


def _variance(influence: Floats, unit: NDArray[np.int64], units: int) -> float:
    sums = np.bincount(unit, weights=influence, minlength=units)
    return units / (units - 1) * math.fsum((sums**2).tolist()) / len(influence) ** 2
