"""A number with the count it rests on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """One number, how many items it rests on, and why it is missing where it is.

    Attributes:
        value: The number; None where it is not scored, never NaN.
        denominator: How many items (questions, ballots, predictions) the number is a share or mean of.
        reason: Why there is no number; None where there is one.
    """

    value: float | None
    denominator: int
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a score has either a value or a reason why it has none")
        if self.value is not None and self.value != self.value:
            raise ValueError("a score is never NaN: give None and the reason")
