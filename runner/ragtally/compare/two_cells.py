"""What a comparison of two cells comes to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ragtally.compare.set_verdict import Measured

PAIRED, PARTLY, UNPAIRED = "paired", "paired on the common questions", "unpaired"
"""How two cells are compared: their `pairing`."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that one cell had right and the other had not; of two rankings, one that they differ in.

    Attributes:
        question: Its id.
        text: The question.
        label: What is right; empty for rankings.
        first: The first cell's verdict; what became of the question (`call failed`, say) where there is none. A
            ranking's value.
        second: The second cell's, likewise.
        won: Whether the first cell had it right, or the first ranking is better.
    """

    question: str
    text: str
    label: str
    first: str
    second: str
    won: bool


@dataclass(frozen=True, slots=True)
class TwoCells:
    """Two cells and what tells them apart.

    Attributes:
        first: The first study and cell, as `study:cell`.
        second: The second.
        metric: The metric.
        question_set: `base` or `all`.
        pairing: `paired`, `paired on the common questions` or `unpaired`.
        common: How many questions both were asked.
        first_only: How many only the first was asked.
        second_only: How many only the second was asked.
        first_value: The first cell's value on the questions compared.
        second_value: The second one's.
        difference: The first minus the second, with its interval.
        test: Which test was made; None for unpaired cells, where the interval alone decides.
        p_value: Its p-value; None where there is none.
        adjusted_p_value: After Holm's correction over all cells compared in one go.
        distinguishable: Whether the two differ beyond chance: by the adjusted p-value, or since the interval of
            unpaired cells leaves out 0; None where it cannot be said.
        wins: On how many questions the first was right and the second was not; None for unpaired cells.
        ties: On how many both or neither was.
        losses: On how many the second alone was.
        smallest_difference: The smallest difference that so many questions would have shown with a power of 80 %.
        changed: The questions that changed sides: wins first, in the order of the dataset; of rankings those that
            they differ in, the largest differences first.
        notes: What one must know to read this.
    """

    first: str
    second: str
    metric: str
    question_set: str
    pairing: str
    common: int
    first_only: int
    second_only: int
    first_value: Measured
    second_value: Measured
    difference: Measured
    test: str | None
    p_value: float | None
    adjusted_p_value: float | None
    distinguishable: bool | None
    wins: int | None
    ties: int | None
    losses: int | None
    smallest_difference: float | None
    changed: tuple[Changed, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Write it as JSON-able data."""
        return asdict(self)
