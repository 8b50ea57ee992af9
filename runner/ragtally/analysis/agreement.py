"""How far two who grade the same answers agree: shares and Cohen's kappa, of answers drawn unequally and in clusters.

Sources: J. Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological Measurement
20; variances by linearisation, as in D. A. Binder (1983), On the variances of asymptotically normal estimators from
complex surveys, International Statistical Review 51.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally.analysis.bootstrap import FEWEST_UNITS, TOO_FEW, unit_rows
from ragtally.analysis.estimate import CONFIDENCE, Estimate
from ragtally.analysis.jackknife import student_quantile
from ragtally.analysis.proportions import wilson_of_weighted

Floats = NDArray[np.float64]
_METHOD = "linearisation"
# What sums of numbers that cancel out may leave.
_TOLERANCE = 1e-20


@dataclass(frozen=True, slots=True)
class GradedItems:
    """Answers with what two say of each: the shares of categories, so that half right and half wrong can be said."""

    first: Floats  # Shape [items, categories]; a row adds up to 1
    second: Floats  # Likewise
    weight: Floats  # How many answers each stands for
    cluster: NDArray[np.int64]  # Answers of the same number are about questions that share a document

    @property
    def agreement(self) -> Floats:
        """How far the two say the same of each answer, from 0 to 1."""
        agreement: Floats = (self.first * self.second).sum(axis=1)
        return agreement


def weighted_share(part: Floats, whole: Floats, items: GradedItems, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a share of some of the answers: `part` of `whole`, both by answer."""
    total = float((items.weight * whole).sum())
    count = round(float(whole.sum()))
    if total == 0:
        return Estimate(None, 0, confidence=confidence, reason="no answer of that kind was graded")
    value = float((items.weight * part).sum()) / total
    # Kish's effective number, of clusters.
    sums = _by_cluster(items.weight * whole, items.cluster)
    effective = float(sums.sum() ** 2 / (sums**2).sum())
    if 0 < value < 1:
        variance = _variance(items.weight * (part - value * whole) / total, items.cluster)
        if variance:
            effective = min(value * (1 - value) / variance, float(count))
    return wilson_of_weighted(value, effective, count, confidence)


def agreement_share(items: GradedItems) -> Estimate:
    """Estimate how often the two agree."""
    return weighted_share(items.agreement, np.ones(len(items.weight)), items)


def cohen_kappa(items: GradedItems, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate the agreement beyond chance: 1 for full agreement, 0 for that of chance."""
    count, share = len(items.weight), items.weight / items.weight.sum() if len(items.weight) else items.weight
    clusters = len(np.unique(items.cluster))
    if clusters < FEWEST_UNITS:
        return Estimate(None, count, confidence=confidence, method=_METHOD, reason=TOO_FEW)
    first, second = share @ items.first, share @ items.second
    agreement, by_chance = float(share @ items.agreement), float(first @ second)
    if by_chance >= 1:
        return Estimate(None, count, confidence=confidence, method=_METHOD, reason="both say the same of all answers")
    value = (agreement - by_chance) / (1 - by_chance)
    chance_influence = items.first @ second + items.second @ first - 2 * by_chance
    influence = ((items.agreement - agreement) * (1 - by_chance) - (1 - agreement) * chance_influence) / (
        1 - by_chance
    ) ** 2
    variance = _variance(share * influence, items.cluster)
    if variance <= _TOLERANCE:
        reason = "no answer changes it, so nothing is known of its uncertainty"
        return Estimate(value, count, confidence=confidence, method=_METHOD, reason=reason)
    reach = student_quantile(confidence, clusters - 1) * math.sqrt(variance)
    return Estimate(value, count, max(-1.0, value - reach), min(1.0, value + reach), confidence, _METHOD)


def _by_cluster(values: Floats, cluster: NDArray[np.int64]) -> Floats:
    return np.bincount(unit_rows(cluster, len(cluster)), weights=values).astype(np.float64)


def _variance(influence: Floats, cluster: NDArray[np.int64]) -> float:
    sums = _by_cluster(influence, cluster)
    if len(sums) < 2:
        return 0.0
    return len(sums) / (len(sums) - 1) * math.fsum((sums**2).tolist())
