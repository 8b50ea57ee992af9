"""Vote noise between two draws."""

from __future__ import annotations

import pytest

from ragtally.stats.flips import compare_draws
from ragtally.types import Status

R, W, N = Status.RIGHT, Status.WRONG, Status.NO_VERDICT


def test_by_hand() -> None:
    found = compare_draws(
        ["yes", "no", "yes", None, "no", "no", "no"],
        ["yes", "yes", "maybe", None, "no", "yes", None],
        [R, R, W, N, R, W, R],
        [R, W, W, N, R, R, N],
    )
    assert (found.verdict.value, found.verdict.denominator) == (4 / 7, 7)
    assert (found.right.value, found.right.denominator) == (3 / 7, 7)
    assert (found.lost.value, found.lost.denominator) == (2 / 4, 4)
    assert found.right_interval.contains(3 / 7)
    assert found.lost_interval.method == "Wilson"


def test_a_reader_that_always_says_the_same_never_flips() -> None:
    found = compare_draws(["yes", "no"], ["yes", "no"], [R, W], [R, W])
    assert (found.verdict.value, found.right.value, found.lost.value) == (0, 0, 0)
    assert found.verdict_interval.low == 0


def test_where_there_is_nothing_to_compare_there_is_a_reason() -> None:
    assert compare_draws([], [], [], []).verdict.reason == "there are no questions"
    assert compare_draws(["no"], ["no"], [W], [W]).lost.reason == "the first draw has no question right"
    with pytest.raises(ValueError, match="zip"):
        compare_draws(["no"], [], [W], [W])
