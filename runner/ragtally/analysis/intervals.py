"""The interval that suits a metric: Wilson's for a share of independent questions, the bootstrap for all else."""

from __future__ import annotations

from ragtally.analysis.bootstrap import BootstrapDistribution
from ragtally.analysis.bootstrap_intervals import bca_interval
from ragtally.analysis.confidence import ConfidenceInterval
from ragtally.analysis.contributions import Contributions
from ragtally.analysis.proportions import wilson


def cell_intervals(
    contributions: Contributions,
    distribution: BootstrapDistribution,
    confidence: float = 0.95,
) -> list[ConfidenceInterval]:
    """Compute the interval of every cell's value."""
    if not contributions.binary:
        return [bca_interval(distribution, cell, confidence) for cell in range(contributions.cells)]
    counts = contributions.own[..., 0].sum(axis=0).astype(int).tolist()
    return [share_interval(distribution, cell, count, confidence) for cell, count in enumerate(counts)]


def share_interval(
    distribution: BootstrapDistribution, cell: int, count: int, confidence: float = 0.95
) -> ConfidenceInterval:
    """Compute the interval of a share: Wilson's where questions were drawn one by one, else the bootstrap's BCa."""
    # Where no question or every question counts, resamples do not vary and would claim certainty: then it is Wilson's
    # too, which takes a document with its questions for one.
    if distribution.units == distribution.questions:
        return wilson(count, distribution.questions, confidence)
    if 0 < count < distribution.questions:
        return bca_interval(distribution, cell, confidence)
    return wilson(distribution.units if count else 0, distribution.units, confidence)
