"""A number with its confidence interval: what every statistic, table and figure holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

# Python's own normal distribution gives the same digits on every machine, which compiled libraries do not promise.
STANDARD_NORMAL = NormalDist()
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its two-sided confidence interval."""

    value: float | None  # None where it cannot be computed, never NaN
    denominator: int  # How many questions it rests on
    low: float | None = None
    high: float | None = None
    confidence: float | None = None  # As 0.95; None where no interval was attempted
    method: str | None = None  # How the interval was computed, as `Wilson` or `bootstrap BCa`
    reason: str | None = None  # Why the value or its interval is missing; None where both are there

    def __post_init__(self) -> None:
        if self.confidence is not None:
            require_share(self.confidence, "confidence")
        if self.low is None or self.high is None:
            if self.low is not self.high or self.reason is None:
                raise ValueError("an estimate has either both limits or a reason why it has none")
        elif self.reason is not None or self.value is None:
            raise ValueError("an estimate has either both limits or a reason why it has none")
        elif not self.low <= self.high:
            raise ValueError(f"the limits {self.low} and {self.high} are not an interval")

    def contains(self, value: float) -> bool | None:
        """Whether a value lies inside the interval, limits included; None without an interval."""
        if self.low is None or self.high is None:
            return None
        return self.low <= value <= self.high


def normal_quantile(confidence: float) -> float:
    """How many standard errors a two-sided normal interval reaches to each side."""
    require_share(confidence, "confidence")
    return STANDARD_NORMAL.inv_cdf(0.5 + confidence / 2)


def require_share(value: float, name: str) -> None:
    """Refuse what is not strictly between 0 and 1."""
    if not (math.isfinite(value) and 0 < value < 1):
        raise ValueError(f"the {name} must lie between 0 and 1, not be {value}")
