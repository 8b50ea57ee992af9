"""What a study's results come to: every number with its interval, every difference with its test. Written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any

from ragtally.analysis.set_verdict import BestCells, CellCost, CellVerdict, HeldOut, Measured, SetVerdict

__all__ = [
    "Analysis",
    "Bars",
    "BestCells",
    "CellCost",
    "CellVerdict",
    "Comparison",
    "Family",
    "Front",
    "HeldOut",
    "Measured",
    "Noise",
    "SetVerdict",
    "Where",
]
_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two cells on the same questions."""

    cell: str
    baseline: str  # What it is compared with
    difference: Measured  # The cell's value minus the baseline's, with its interval
    test: str  # Which test was made
    p_value: float | None  # Its p-value; None where there is none
    adjusted_p_value: float | None  # The p-value after Holm's correction over the family
    distinguishable: bool | None  # Whether the adjusted p-value is at most the level
    wins: int  # On how many questions the cell did better
    ties: int  # On how many as well
    losses: int  # On how many worse
    # The smallest difference that so many questions would have shown with a power of 80 %.
    smallest_difference: float | None


@dataclass(frozen=True, slots=True)
class Family:
    """One family of comparisons, corrected together."""

    metric: str
    baseline: Mapping[str, str]  # What the others are compared with, by axis
    question_set: str
    questions: int
    level: float  # The level of the family
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """From the gold context to the retrieved one, in shares of the questions."""

    gold: Measured  # Right on the gold context, by fresh votes
    reader_loss: Measured  # Not right on the gold context
    retrieval_loss: Measured  # Right on gold; wrong here, where the evidence was not retrieved
    # Right on gold; wrong here although the evidence was retrieved (drowned, or vote noise).
    distractor_loss: Measured
    unanswered_loss: Measured  # Right on gold; here the call failed, was not parsed, or gave no verdict
    luck: Measured  # Not right on gold, but right here
    retrieved: Measured  # Right here: `gold - retrieval_loss - distractor_loss - unanswered_loss + luck`
    change: Measured  # `retrieved` minus `gold`


@dataclass(frozen=True, slots=True)
class Where:
    """Where the answers of a grid cell went."""

    cell: str
    question_set: str
    questions: int
    # The control that says what the reader makes of gold contexts; None where it was not measured.
    gold_cell: str | None
    buckets: Mapping[str, int]  # How many questions each bucket has; they sum to `questions`
    doubtful: Mapping[str, int] | None  # How many of these have a doubtful label; None where nobody knows
    bars: Bars | None  # The waterfall; None without gold contexts


@dataclass(frozen=True, slots=True)
class Noise:
    """How often two independent draws of a reader on gold contexts differ."""

    reader: str
    question_set: str
    verdict: Measured  # Share of the questions whose answer differs
    right: Measured  # Share that one draw had right and the other did not
    # Share of the questions that the first draw had right and the second wrong: up to as much distractor loss may be
    # vote noise alone, where the cell's votes are draws of their own.
    lost: Measured


@dataclass(frozen=True, slots=True)
class Front:
    """The cells that are worth their cost."""

    cost: str  # `dollars` or `seconds`, for each question
    question_set: str
    front: tuple[str, ...]  # Cells that no other one beats in both, cheapest first
    dominated: Mapping[str, str]  # By cell, a cell of the front that is at least as good and as cheap
    unknown: Mapping[str, str]  # By cell, which of its two numbers is unknown


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that a study's report says, in numbers."""

    study: str  # The study's name
    # The metric that decides: the study's first metric of answers that is one number and can be judged question by
    # question; None where there is none.
    metric: str | None
    question_set: str  # The set of questions on which the grid is judged
    # The grid cell with the best value of that metric there (on the dev half where the spec selects on it).
    chosen: str | None
    confidence: float  # The confidence of every interval
    units: Mapping[str, str]  # Each metric's unit, by printed name: `share` (written in percent), `number` or `count`
    sets: tuple[SetVerdict, ...]  # The cells on each set of questions
    rankings: Mapping[str, Mapping[str, Measured]]  # Each ranking's metrics of retrieval
    families: tuple[Family, ...]  # The comparisons that the spec declares
    # Several votes of one reader against one vote of another, on the same contexts; one family.
    votes: tuple[Family, ...]
    where: tuple[Where, ...]  # Where the answers of each grid cell went
    noise: tuple[Noise, ...]  # Vote noise of each reader that draws anew
    fronts: tuple[Front, ...]  # The Pareto fronts

    def rounded(self) -> Analysis:
        """Round every number to 10 decimals, so that what is read back equals what was written."""
        rounded: Analysis = _rounded(self)
        return rounded

    def as_json(self) -> dict[str, Any]:
        """Write the verdict as JSON-able data."""
        return asdict(self)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _rounded(getattr(value, field.name)) for field in fields(value)})
    return value
