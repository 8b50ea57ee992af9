"""The scores of cells on one set of questions, with intervals, and which of the cells may be the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its interval."""

    value: float | None  # The number; None where it is not scored
    denominator: int  # How many questions it rests on
    low: float | None = None  # The interval's lower end; None where there is no interval
    high: float | None = None  # Its upper end
    method: str | None = None  # How the interval was computed
    reason: str | None = None  # Why the number or its interval is missing; None where both are there


@dataclass(frozen=True, slots=True)
class CellCost:
    """What a cell's answers cost; None where it is unknown, or where nothing is paid."""

    dollars: float | None  # US dollars of all answers
    tokens: int | None  # Tokens in and out
    seconds: float | None  # Seconds that the answers took, added up
    dollars_per_question: float | None  # Dollars for each question
    dollars_per_right_answer: float | None  # Dollars for each question answered right
    seconds_per_question: float | None  # Seconds for each question
    seconds_per_right_answer: float | None  # Seconds for each question answered right


@dataclass(frozen=True, slots=True)
class CellVerdict:
    """One cell on one set of questions."""

    cell: str  # The cell's name
    kind: str  # `grid`, `control` or `fixed`
    metrics: Mapping[str, Measured]  # The study's metrics of answers by printed name
    cost: CellCost


@dataclass(frozen=True, slots=True)
class BestCells:
    """Which cells of the grid may be the best by one metric."""

    metric: str
    highest: str | None  # The cell with the best observed value; None where none has a value
    kept: tuple[str, ...]  # The cells that cannot be told from the best
    optimism: float | None  # By how much the best one's value flatters, since it was picked on the same questions
    confidence: float  # With which confidence the best is among those kept


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The cell picked on one half of the questions, scored on the other."""

    metric: str
    cell: str | None  # The cell picked
    dev: float | None  # Its value on the half that it was picked on
    dev_questions: int  # How many questions that half has
    held_out: float | None  # Its value on the other half
    held_out_questions: int  # How many questions that has
    optimism: float | None  # The first value minus the second, in units where more is better


@dataclass(frozen=True, slots=True)
class SetVerdict:
    """All cells on one set of questions."""

    question_set: str  # `base` or `all`
    questions: int  # How many questions it has
    majority_share: float | None  # The share of the most frequent label; None without labels
    cells: tuple[CellVerdict, ...]  # The cells that answer it, in the order of the study
    best: tuple[BestCells, ...]  # For each metric the cells of the grid that may be the best
    # For each metric what was picked on one half; empty unless the spec says `select_on: dev`.
    held_out: tuple[HeldOut, ...]
