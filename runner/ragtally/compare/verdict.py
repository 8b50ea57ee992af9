"""What a study's results come to: every number with its interval, every difference with its test. Written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any

from ragtally.compare.set_verdict import BestCells, CellCost, CellVerdict, HeldOut, Measured, SetVerdict

__all__ = [
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
    "Verdict",
    "Where",
]
_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two cells on the same questions.

    Attributes:
        cell: The cell.
        baseline: What it is compared with.
        difference: The cell's value minus the baseline's, with its interval.
        test: Which test was made.
        p_value: Its p-value; None where there is none.
        adjusted_p_value: The p-value after Holm's correction over the family.
        distinguishable: Whether the adjusted p-value is at most the level.
        wins: On how many questions the cell did better.
        ties: On how many as well.
        losses: On how many worse.
        smallest_difference: The smallest difference that so many questions would have shown with a power of 80 %.
    """

    cell: str
    baseline: str
    difference: Measured
    test: str
    p_value: float | None
    adjusted_p_value: float | None
    distinguishable: bool | None
    wins: int
    ties: int
    losses: int
    smallest_difference: float | None


@dataclass(frozen=True, slots=True)
class Family:
    """One family of comparisons, corrected together.

    Attributes:
        metric: The metric.
        baseline: What the others are compared with, by axis.
        question_set: On which questions.
        questions: How many.
        level: The level of the family.
        comparisons: The comparisons.
    """

    metric: str
    baseline: Mapping[str, str]
    question_set: str
    questions: int
    level: float
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """From the gold context to the retrieved one, in shares of the questions.

    Attributes:
        gold: Right on the gold context, by fresh votes.
        reader_loss: Not right on the gold context.
        retrieval_loss: Right on gold; wrong here, where the evidence was not retrieved.
        distractor_loss: Right on gold; wrong here although the evidence was retrieved (drowned, or vote noise).
        unanswered_loss: Right on gold; here the call failed, was not parsed, or gave no verdict.
        luck: Not right on gold, but right here.
        retrieved: Right here: `gold - retrieval_loss - distractor_loss - unanswered_loss + luck`.
        change: `retrieved` minus `gold`.
    """

    gold: Measured
    reader_loss: Measured
    retrieval_loss: Measured
    distractor_loss: Measured
    unanswered_loss: Measured
    luck: Measured
    retrieved: Measured
    change: Measured


@dataclass(frozen=True, slots=True)
class Where:
    """Where the answers of a grid cell went.

    Attributes:
        cell: The cell.
        question_set: On which questions.
        questions: How many.
        gold_cell: The control that says what the reader makes of gold contexts; None where it was not measured.
        buckets: How many questions each bucket has; they sum to `questions`.
        doubtful: How many of these have a doubtful label; None where nobody knows.
        bars: The waterfall; None without gold contexts.
    """

    cell: str
    question_set: str
    questions: int
    gold_cell: str | None
    buckets: Mapping[str, int]
    doubtful: Mapping[str, int] | None
    bars: Bars | None


@dataclass(frozen=True, slots=True)
class Noise:
    """How often two independent draws of a reader on gold contexts differ.

    Attributes:
        reader: The reader.
        question_set: On which questions.
        verdict: Share of the questions whose answer differs.
        right: Share that one draw had right and the other did not.
        lost: Share of the questions that the first draw had right and the second wrong: up to as much distractor loss
            may be vote noise alone, where the cell's votes are draws of their own.
    """

    reader: str
    question_set: str
    verdict: Measured
    right: Measured
    lost: Measured


@dataclass(frozen=True, slots=True)
class Front:
    """The cells that are worth their cost.

    Attributes:
        cost: `dollars` or `seconds`, for each question.
        question_set: On which questions.
        front: Cells that no other one beats in both, cheapest first.
        dominated: By cell, a cell of the front that is at least as good and as cheap.
        unknown: By cell, which of its two numbers is unknown.
    """

    cost: str
    question_set: str
    front: tuple[str, ...]
    dominated: Mapping[str, str]
    unknown: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that a study's report says, in numbers.

    Attributes:
        study: The study's name.
        metric: The metric that decides: the study's first metric of answers that is one number and can be judged
            question by question; None where there is none.
        question_set: The set of questions on which the grid is judged.
        chosen: The grid cell with the best value of that metric there (on the dev half where the spec selects on it).
        confidence: The confidence of every interval.
        sets: The cells on each set of questions.
        rankings: Each ranking's metrics of retrieval.
        families: The comparisons that the spec declares.
        votes: Several votes of one reader against one vote of another, on the same contexts; one family.
        where: Where the answers of each grid cell went.
        noise: Vote noise of each reader that draws anew.
        fronts: The Pareto fronts.
    """

    study: str
    metric: str | None
    question_set: str
    chosen: str | None
    confidence: float
    sets: tuple[SetVerdict, ...]
    rankings: Mapping[str, Mapping[str, Measured]]
    families: tuple[Family, ...]
    votes: tuple[Family, ...]
    where: tuple[Where, ...]
    noise: tuple[Noise, ...]
    fronts: tuple[Front, ...]

    def rounded(self) -> Verdict:
        """Round every number to 10 decimals, so that what is read back equals what was written."""
        rounded: Verdict = _rounded(self)
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
