"""Costs per question and per right answer, and the Pareto front against its definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.analysis.costs import cell_cost, pareto_front

FEW = st.none() | st.integers(0, 5).map(float)


def test_by_hand() -> None:
    quality = [0.7, 0.8, 0.8, 0.6, 0.9, None, 0.9, 0.7]
    cost = [1.0, 2.0, 3.0, 1.0, None, 1.0, 5.0, 1.0]
    front = pareto_front("abcdefgh", quality, cost)
    assert front.front == ("a", "h", "b", "g")
    assert front.dominated_by == {"c": "b", "d": "a"}
    assert front.unknown == {"e": "cost", "f": "quality"}


@given(st.lists(st.tuples(FEW, FEW), max_size=12), st.booleans())
def test_by_definition(cells: list[tuple[float | None, float | None]], up: bool) -> None:
    quality, cost = [cell[0] for cell in cells], [cell[1] for cell in cells]
    front = pareto_front([str(row) for row in range(len(cells))], quality, cost, higher_is_better=up)

    def dominates(one: int, other: int) -> bool:
        good, dear, better, cheaper = quality[one], cost[one], quality[other], cost[other]
        assert good is not None and dear is not None and better is not None and cheaper is not None
        as_good = good >= better if up else good <= better
        return as_good and dear <= cheaper and (good, dear) != (better, cheaper)

    known = [row for row in range(len(cells)) if None not in cells[row]]
    expected = [row for row in known if not any(dominates(other, row) for other in known)]
    rows = [int(name) for name in front.front]
    assert sorted(rows) == expected
    assert list(map(int, front.dominated_by)) == [row for row in known if row not in expected]
    assert all(dominates(int(winner), int(row)) and int(winner) in rows for row, winner in front.dominated_by.items())
    assert list(map(int, front.unknown)) == [row for row in range(len(cells)) if row not in known]
    assert [cost[row] for row in rows] == sorted(cost[row] for row in rows)


def test_an_unknown_price_is_not_for_free() -> None:
    front = pareto_front("ab", [0.9, 0.5], [None, 1.0])
    assert (front.front, front.dominated_by, front.unknown) == (("b",), {}, {"a": "cost"})


def test_rounding_decides_nothing() -> None:
    assert pareto_front("ab", [0.1 + 0.2, 0.3], [1.0, 1.0]).front == ("a", "b")
    with pytest.raises(ValueError, match="zip"):
        pareto_front("a", [0.1], [])


def test_costs_are_divided_by_questions_and_by_right_answers() -> None:
    cost = cell_cost(12, 8, dollars=3.0, seconds=6.0, tokens=100)
    assert (cost.dollars_per_question, cost.dollars_per_right_answer) == (0.25, 0.375)
    assert (cost.seconds_per_question, cost.seconds_per_right_answer) == (0.5, 0.75)
    assert cell_cost(10, 5, dollars=0.0).dollars_per_right_answer == 0.0


def test_what_is_unknown_stays_unknown_and_no_right_answer_has_no_price() -> None:
    assert cell_cost(10, 5).dollars_per_question is None
    assert cell_cost(10, 0, dollars=3.0).dollars_per_right_answer is None
    assert cell_cost(0, 0, dollars=0.0).dollars_per_question is None


@pytest.mark.parametrize(("dollars", "questions", "right"), [(-1.0, 5, 1), (1.0, 5, 6), (float("nan"), 5, 1)])
def test_costs_that_cannot_be_are_refused(dollars: float, questions: int, right: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        cell_cost(questions, right, dollars=dollars)
