"""Standard errors and intervals from what the bootstrap drew.

Source: B. Efron and R. J. Tibshirani (1993), An Introduction to the Bootstrap; chapter 13 (percentile), 14 (BCa).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ragtally.analysis.bootstrap import DEFINED_SHARE, FEWEST_UNITS, TOO_FEW, BootstrapDistribution
from ragtally.analysis.confidence import STANDARD_NORMAL, ConfidenceInterval, require_share, without_interval
from ragtally.analysis.contributions import Values


def standard_error(distribution: BootstrapDistribution, cell: int = 0) -> float | None:
    """Compute the standard error: the standard deviation over the resamples."""
    values = _usable(distribution, cell)
    if isinstance(values, str) or len(values) < 2:
        return None
    mean = math.fsum(values.tolist()) / len(values)
    return math.sqrt(math.fsum(((values - mean) ** 2).tolist()) / (len(values) - 1))


def percentile_interval(
    distribution: BootstrapDistribution, cell: int = 0, confidence: float = 0.95
) -> ConfidenceInterval:
    """Compute the percentile interval."""
    require_share(confidence, "confidence")
    method = "bootstrap percentile"
    values = _usable(distribution, cell)
    if isinstance(values, str):
        return without_interval(confidence, method, values)
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return ConfidenceInterval(float(low), float(high), confidence, method)


def bca_interval(distribution: BootstrapDistribution, cell: int = 0, confidence: float = 0.95) -> ConfidenceInterval:
    """Compute the bias-corrected and accelerated interval, which allows for bias and skewness."""
    # Source: B. Efron (1987), Better bootstrap confidence intervals, JASA 82; equations 14.9 to 14.15 of Efron and
    # Tibshirani. Resamples that equal the observed value count half in the bias correction, since most metrics of
    # answers take few values.
    require_share(confidence, "confidence")
    method = "bootstrap BCa"
    values = _usable(distribution, cell)
    if isinstance(values, str):
        return without_interval(confidence, method, values)
    observed = distribution.observed.value[cell]
    below = (float((values < observed).mean()) + float((values <= observed).mean())) / 2
    acceleration = _acceleration(distribution.jackknife, cell)
    if not 0 < below < 1:
        return without_interval(confidence, method, "the observed value lies outside of all resamples")
    if acceleration is None:
        return without_interval(confidence, method, "it is not defined without some of the questions")
    bias = STANDARD_NORMAL.inv_cdf(below)
    ends = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        reach = bias + STANDARD_NORMAL.inv_cdf(share)
        if acceleration * reach >= 1:
            return without_interval(confidence, method, "a few questions outweigh all others")
        ends.append(STANDARD_NORMAL.cdf(bias + reach / (1 - acceleration * reach)))
    low, high = np.quantile(values, ends)
    return ConfidenceInterval(float(low), float(high), confidence, method)


def _acceleration(jackknife: Values, cell: int) -> float | None:
    if len(jackknife.value) < 2 or not jackknife.defined[:, cell].all():
        return None
    left_out = jackknife.value[:, cell]
    mean = math.fsum(left_out.tolist()) / len(left_out)
    gap = mean - left_out
    square = math.fsum((gap**2).tolist())
    return math.fsum((gap**3).tolist()) / (6 * square**1.5) if square else 0.0


def _usable(distribution: BootstrapDistribution, cell: int) -> NDArray[np.float64] | str:
    """Take the resampled values, or say why they are not enough."""
    if not distribution.observed.defined[cell]:
        return distribution.reason
    if distribution.units < FEWEST_UNITS:
        return TOO_FEW
    defined = distribution.resampled.defined[:, cell]
    if defined.mean() < DEFINED_SHARE:
        return f"in {1 - defined.mean():.0%} of the resamples it is not defined: {distribution.reason}"
    values: NDArray[np.float64] = distribution.resampled.value[defined, cell]
    if values.min() == values.max():
        return "it is the same in all resamples, so that these say nothing of its uncertainty"
    return values
