"""Costs by the question and by the right answer."""

from __future__ import annotations

import pytest

from ragtally.analysis.unit_cost import unit_cost
from ragtally.api import Score


def test_by_hand() -> None:
    found = unit_cost(3.0, 12, 8)
    assert (found.per_question, found.per_right_answer) == (Score(0.25, 12), Score(0.375, 8))


def test_what_is_free_costs_nothing() -> None:
    assert unit_cost(0.0, 10, 5).per_right_answer == Score(0.0, 5)


def test_what_is_unknown_stays_unknown() -> None:
    found = unit_cost(None, 10, 5)
    assert found.per_question == Score(None, 10, "the price is unknown")
    assert unit_cost(None, 10, 5, "no model is asked").per_right_answer.reason == "no model is asked"


def test_no_right_answer_has_no_price() -> None:
    assert unit_cost(3.0, 10, 0).per_right_answer == Score(None, 0, "no answer is right")
    assert unit_cost(0.0, 0, 0).per_question == Score(None, 0, "no questions were asked")


@pytest.mark.parametrize(("total", "questions", "right"), [(-1.0, 5, 1), (1.0, 5, 6), (float("nan"), 5, 1)])
def test_what_cannot_be_is_refused(total: float, questions: int, right: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        unit_cost(total, questions, right)
