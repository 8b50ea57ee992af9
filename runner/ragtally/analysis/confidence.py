"""Confidence intervals, with the method that made them and a reason where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

# The normal distribution of mean 0 and standard deviation 1, the same on every machine.
STANDARD_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """A two-sided confidence interval."""

    low: float | None  # Its lower limit; None where it cannot be computed, never NaN
    high: float | None  # Its upper limit, likewise
    confidence: float  # The confidence, as 0.95
    method: str  # How it was computed, as `Wilson` or `bootstrap BCa`; fit for print
    reason: str | None = None  # Why there is no interval; None where there is one

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
        """Tell whether a value lies inside, limits included."""
        if self.low is None or self.high is None:
            return None
        return self.low <= value <= self.high


def without_interval(confidence: float, method: str, reason: str) -> ConfidenceInterval:
    """Say that there is no interval."""
    return ConfidenceInterval(None, None, confidence, method, reason)


def normal_quantile(confidence: float) -> float:
    """Compute how many standard errors a two-sided normal interval reaches to each side."""
    require_share(confidence, "confidence")
    return STANDARD_NORMAL.inv_cdf(0.5 + confidence / 2)


def require_share(value: float, name: str) -> None:
    """Refuse what is not strictly between 0 and 1."""
    if not (math.isfinite(value) and 0 < value < 1):
        raise ValueError(f"the {name} must lie between 0 and 1, not be {value}")
