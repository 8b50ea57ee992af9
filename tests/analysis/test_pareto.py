"""The Pareto front, against its definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.analysis.pareto import pareto_front

FEW = st.none() | st.integers(0, 5).map(float)


def test_by_hand() -> None:
    quality = [0.7, 0.8, 0.8, 0.6, 0.9, None, 0.9, 0.7]
    cost = [1.0, 2.0, 3.0, 1.0, None, 1.0, 5.0, 1.0]
    found = pareto_front(quality, cost)
    assert found.front == (0, 7, 1, 6)
    assert found.dominated == {2: 1, 3: 0}
    assert found.unknown == {4: "cost", 5: "quality"}


@given(st.lists(st.tuples(FEW, FEW), max_size=12), st.booleans())
def test_by_definition(cells: list[tuple[float | None, float | None]], up: bool) -> None:
    quality, cost = [cell[0] for cell in cells], [cell[1] for cell in cells]
    found = pareto_front(quality, cost, higher_is_better=up)

    def dominates(one: int, other: int) -> bool:
        good, dear, better, cheaper = quality[one], cost[one], quality[other], cost[other]
        assert good is not None and dear is not None and better is not None and cheaper is not None
        as_good = good >= better if up else good <= better
        return as_good and dear <= cheaper and (good, dear) != (better, cheaper)

    known = [row for row in range(len(cells)) if None not in cells[row]]
    expected = [row for row in known if not any(dominates(other, row) for other in known)]
    assert sorted(found.front) == expected
    assert list(found.dominated) == [row for row in known if row not in expected]
    assert all(dominates(winner, row) and winner in expected for row, winner in found.dominated.items())
    assert list(found.unknown) == [row for row in range(len(cells)) if row not in known]
    assert [cost[row] for row in found.front] == sorted(cost[row] for row in found.front)


def test_an_unknown_price_is_not_for_free() -> None:
    found = pareto_front([0.9, 0.5], [None, 1.0])
    assert (found.front, found.dominated, found.unknown) == ((1,), {}, {0: "cost"})


def test_rounding_decides_nothing() -> None:
    found = pareto_front([0.1 + 0.2, 0.3], [1.0, 1.0])
    assert found.front == (0, 1)
    with pytest.raises(ValueError, match="zip"):
        pareto_front([0.1], [])
