"""Holm's correction, by hand and against statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from ragtally.analysis.significance import Significance, holm


def test_by_hand() -> None:
    # Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1 is not below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)


def test_a_test_that_could_not_be_done_is_no_member_of_the_family() -> None:
    assert holm([None, 0.02, None, 0.5]) == [None, 0.04, None, 0.5]
    assert holm([]) == []


@pytest.mark.parametrize(
    "p_values", [[0.01, 0.01, 0.04, 0.9, 0.02, 0.01], [0.004, 0.03, 0.03, 0.0, 1.0, 0.049, 0.011, 0.5]]
)
def test_as_in_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist(), abs=1e-15)


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.05]), max_size=12))
def test_as_by_definition(p_values: list[float]) -> None:
    def adjusted(own: float) -> float:
        smaller = [p_value for p_value in p_values if p_value <= own]
        return min(1.0, max(p_value * sum(other >= p_value for other in p_values) for p_value in smaller))

    assert holm(p_values) == pytest.approx([adjusted(p_value) for p_value in p_values], abs=1e-15)


def test_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="no probability"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="no probability"):
        Significance(float("nan"), "made up", 0)
    with pytest.raises(ValueError, match="reason"):
        Significance(None, "made up", 0)
