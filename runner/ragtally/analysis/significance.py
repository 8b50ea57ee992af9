"""Results of tests, and Holm's correction for a family of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Significance:
    """The result of a two-sided test of no difference."""

    # The probability, were there no difference, of one at least as large as that observed; None where it cannot be
    # computed, never NaN.
    p_value: float | None
    test: str  # Which test it was, as `exact McNemar`; fit for print
    # How many questions (or documents with their questions) tell the two apart; the test rests on these.
    discordant: int
    reason: str | None = None  # Why there is no p-value; None where there is one

    def __post_init__(self) -> None:
        if (self.p_value is None) == (self.reason is None):
            raise ValueError("a test has either a p-value or a reason why it has none")
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise ValueError(f"{self.p_value} is no probability")


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust the p-values of a family of tests, so that one is rejected wrongly with at most the level's
    probability.
    """
    # The i-th smallest of m p-values is multiplied by m - i + 1, is at least the adjusted one before it, and at most
    # 1. Nothing is assumed of how the tests depend on each other.
    # Source: S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    # Statistics 6, 65-70.
    tests = [row for row, p_value in enumerate(p_values) if p_value is not None]
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for location, row in enumerate(sorted(tests, key=lambda row: (p_values[row], row))):
        p_value = p_values[row]
        if p_value is None or not 0 <= p_value <= 1:
            raise ValueError(f"{p_value} is no probability")
        reached = min(1.0, max(reached, (len(tests) - location) * p_value))
        adjusted[row] = reached
    return adjusted
