"""The scores of cells on one set of questions, with intervals, and which of the cells may be the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its interval.

    Attributes:
        value: The number; None where it is not scored.
        denominator: How many questions it rests on.
        low: The interval's lower end; None where there is no interval.
        high: Its upper end.
        method: How the interval was computed.
        reason: Why the number or its interval is missing; None where both are there.
    """

    value: float | None
    denominator: int
    low: float | None = None
    high: float | None = None
    method: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CellCost:
    """What a cell's answers cost; None where it is unknown, or where nothing is paid.

    Attributes:
        dollars: US dollars of all answers.
        tokens: Tokens in and out.
        seconds: Seconds that the answers took, added up.
        dollars_per_question: Dollars for each question.
        dollars_per_right_answer: Dollars for each question answered right.
        seconds_per_question: Seconds for each question.
        seconds_per_right_answer: Seconds for each question answered right.
    """

    dollars: float | None
    tokens: int | None
    seconds: float | None
    dollars_per_question: float | None
    dollars_per_right_answer: float | None
    seconds_per_question: float | None
    seconds_per_right_answer: float | None


@dataclass(frozen=True, slots=True)
class CellVerdict:
    """One cell on one set of questions.

    Attributes:
        cell: The cell's name.
        kind: `grid`, `control` or `fixed`.
        metrics: The study's metrics of answers by printed name.
        cost: What it cost.
    """

    cell: str
    kind: str
    metrics: Mapping[str, Measured]
    cost: CellCost


@dataclass(frozen=True, slots=True)
class BestCells:
    """Which cells of the grid may be the best by one metric.

    Attributes:
        metric: The metric.
        highest: The cell with the best observed value; None where none has a value.
        kept: The cells that cannot be told from the best.
        optimism: By how much the best one's value flatters, since it was picked on the same questions.
        confidence: With which confidence the best is among those kept.
    """

    metric: str
    highest: str | None
    kept: tuple[str, ...]
    optimism: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The cell picked on one half of the questions, scored on the other.

    Attributes:
        metric: The metric.
        cell: The cell picked.
        dev: Its value on the half that it was picked on.
        dev_questions: How many questions that half has.
        held_out: Its value on the other half.
        held_out_questions: How many questions that has.
        optimism: The first value minus the second, in units where more is better.
    """

    metric: str
    cell: str | None
    dev: float | None
    dev_questions: int
    held_out: float | None
    held_out_questions: int
    optimism: float | None


@dataclass(frozen=True, slots=True)
class SetVerdict:
    """All cells on one set of questions.

    Attributes:
        question_set: `base` or `all`.
        questions: How many questions it has.
        majority_share: The share of the most frequent label; None without labels.
        cells: The cells that answer it, in the order of the study.
        best: For each metric the cells of the grid that may be the best.
        held_out: For each metric what was picked on one half; empty unless the spec says `select_on: dev`.
    """

    question_set: str
    questions: int
    majority_share: float | None
    cells: tuple[CellVerdict, ...]
    best: tuple[BestCells, ...]
    held_out: tuple[HeldOut, ...]
