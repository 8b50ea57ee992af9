"""What a comparison of two cells comes to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ragtally.analysis.set_verdict import Measured

# How two cells are compared: their `pairing`.
PAIRED, PARTLY, UNPAIRED = "paired", "paired on the common questions", "unpaired"


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that one cell had right and the other had not; of two rankings, one that they differ in."""

    question: str  # Its id
    text: str  # The question
    label: str  # What is right; empty for rankings
    # The first cell's verdict; what became of the question (`call failed`, say) where there is none. A ranking's
    # value.
    first: str
    second: str  # The second cell's, likewise
    won: bool  # Whether the first cell had it right, or the first ranking is better


@dataclass(frozen=True, slots=True)
class TwoCells:
    """Two cells and what tells them apart."""

    first: str  # The first study and cell, as `study:cell`
    second: str
    metric: str
    measures: str  # What the metric measures: `answers` or `retrieval`
    unit: str  # The metric's unit: `share`, `number` or `count`
    question_set: str  # `base` or `all`
    pairing: str  # `paired`, `paired on the common questions` or `unpaired`
    common: int  # How many questions both were asked
    first_only: int  # How many only the first was asked
    second_only: int  # How many only the second was asked
    first_value: Measured  # The first cell's value on the questions compared
    second_value: Measured  # The second one's
    difference: Measured  # The first minus the second, with its interval
    test: str | None  # Which test was made; None for unpaired cells, where the interval alone decides
    p_value: float | None  # Its p-value; None where there is none
    adjusted_p_value: float | None  # After Holm's correction over all cells compared in one go
    # Whether the two differ beyond chance: by the adjusted p-value, or since the interval of unpaired cells leaves
    # out 0; None where it cannot be said.
    distinguishable: bool | None
    wins: int | None  # On how many questions the first was right and the second was not; None for unpaired cells
    ties: int | None  # On how many both or neither was
    losses: int | None  # On how many the second alone was
    # The smallest difference that so many questions would have shown with a power of 80 %.
    smallest_difference: float | None
    # The questions that changed sides: wins first, in the order of the dataset; of rankings those that they differ
    # in, the largest differences first.
    changed: tuple[Changed, ...]
    notes: tuple[str, ...]  # What one must know to read this

    def as_json(self) -> dict[str, Any]:
        """Write it as JSON-able data."""
        return asdict(self)
