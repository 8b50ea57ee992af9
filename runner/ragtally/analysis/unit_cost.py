"""What answers cost (dollars, tokens, seconds) by the question and by the right answer."""

from __future__ import annotations

from dataclasses import dataclass

from ragtally.api import Score


@dataclass(frozen=True, slots=True)
class UnitCost:
    """A cost (dollars, tokens, seconds) by the piece."""

    per_question: Score  # By question asked; resting on the questions
    per_right_answer: Score  # By right answer; resting on the right answers


def unit_cost(total: float | None, questions: int, right: int, unknown: str = "the price is unknown") -> UnitCost:
    """Divide a cost by questions and by right answers."""
    if not 0 <= right <= questions or (total is not None and not total >= 0):
        raise ValueError(f"a cost of {total} for {right} right answers to {questions} questions cannot be")
    return UnitCost(
        _per(total, questions, unknown, "no questions were asked"),
        _per(total, right, unknown, "no answer is right"),
    )


def _per(total: float | None, count: int, unknown: str, nothing: str) -> Score:
    if total is None:
        return Score(None, count, unknown)
    return Score(total / count, count) if count else Score(None, 0, nothing)
