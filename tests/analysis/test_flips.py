"""Vote noise between two draws."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from ragtally.analysis import flips
from ragtally.api import Status

R, W, N = Status.RIGHT, Status.WRONG, Status.NO_VERDICT
compare_draws = partial(flips.compare_draws, generator=np.random.default_rng(5))


def test_by_hand() -> None:
    found = compare_draws(
        ["yes", "no", "yes", None, "no", "no", "no"],
        ["yes", "yes", "maybe", None, "no", "yes", None],
        [R, R, W, N, R, W, R],
        [R, W, W, N, R, R, N],
    )
    assert (found.verdict.value, found.verdict.denominator) == (4 / 7, 7)
    assert (found.right.value, found.right.denominator) == (3 / 7, 7)
    assert (found.lost.value, found.lost.denominator) == (1 / 7, 7), "no verdict is no wrong one"
    assert found.right_interval.contains(3 / 7)
    assert found.lost_interval.method == "Wilson"


def test_a_reader_that_always_says_the_same_never_flips() -> None:
    found = compare_draws(["yes", "no"], ["yes", "no"], [R, W], [R, W])
    assert (found.verdict.value, found.right.value, found.lost.value) == (0, 0, 0)
    assert found.verdict_interval.low == 0


def test_where_there_is_nothing_to_compare_there_is_a_reason() -> None:
    assert compare_draws([], [], [], []).verdict.reason == "there are no questions"
    assert compare_draws([], [], [], []).lost_interval.low is None
    with pytest.raises(ValueError, match="zip"):
        compare_draws(["no"], [], [W], [W])


def test_questions_that_share_a_document_widen_the_intervals() -> None:
    # Both questions of a document flip, or neither does: ten things were seen, not twenty.
    said = ["yes"] * 20
    other = ["no"] * 6 + ["yes"] * 14
    status = [R] * 6 + [W] * 14
    after = [W] * 20
    alone = compare_draws(said, other, status, after)
    paired = compare_draws(said, other, status, after, cluster=np.repeat(np.arange(10), 2))
    assert alone.lost == paired.lost
    for wide, narrow in (
        (paired.verdict_interval, alone.verdict_interval),
        (paired.lost_interval, alone.lost_interval),
    ):
        assert narrow.method == "Wilson"
        assert wide.method == "bootstrap BCa"
        assert wide.high - wide.low > narrow.high - narrow.low
