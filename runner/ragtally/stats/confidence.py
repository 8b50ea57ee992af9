"""Confidence intervals, with the method that made them and a reason where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

STANDARD_NORMAL = NormalDist()
"""The normal distribution of mean 0 and standard deviation 1, the same on every machine."""


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """A two-sided confidence interval.

    Attributes:
        low: Its lower limit; None where it cannot be computed, never NaN.
        high: Its upper limit, likewise.
        confidence: The confidence, as 0.95.
        method: How it was computed, as `Wilson` or `bootstrap BCa`; fit for print.
        reason: Why there is no interval; None where there is one.
    """

    low: float | None
    high: float | None
    confidence: float
    method: str
    reason: str | None = None

    def __post_init__(self) -> None:
        require_share(self.confidence, "confidence")
        if self.low is None or self.high is None:
            if self.low is not self.high or self.reason is None:
                raise ValueError("an interval has either both limits or a reason why it has none")
        elif self.reason is not None:
            raise ValueError("an interval has either both limits or a reason why it has none")
        elif not self.low <= self.high:
            raise ValueError(f"the limits {self.low} and {self.high} are no interval")

    def contains(self, value: float) -> bool | None:
        """Tell whether a value lies inside, limits included.

        Args:
            value: The value, as 0 for a difference.

        Returns:
            Whether it does; None where there is no interval.
        """
        if self.low is None or self.high is None:
            return None
        return self.low <= value <= self.high


def without_interval(confidence: float, method: str, reason: str) -> ConfidenceInterval:
    """Say that there is no interval.

    Args:
        confidence: The confidence that it would have had.
        method: The method that would have made it.
        reason: Why it could not.

    Returns:
        The interval without limits.
    """
    return ConfidenceInterval(None, None, confidence, method, reason)


def normal_quantile(confidence: float) -> float:
    """Compute how many standard errors a two-sided normal interval reaches to each side.

    Args:
        confidence: The confidence, as 0.95.

    Returns:
        The quantile, as 1.96.

    Raises:
        ValueError: If the confidence is not between 0 and 1.
    """
    require_share(confidence, "confidence")
    return STANDARD_NORMAL.inv_cdf(0.5 + confidence / 2)


def require_share(value: float, name: str) -> None:
    """Refuse what is not strictly between 0 and 1.

    Args:
        value: The number.
        name: What it is called in the error.

    Raises:
        ValueError: If it is not.
    """
    if not (math.isfinite(value) and 0 < value < 1):
        raise ValueError(f"the {name} must lie between 0 and 1, not be {value}")
