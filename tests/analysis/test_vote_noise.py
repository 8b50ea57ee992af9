"""Vote noise between two draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ragtally.analysis import vote_noise
from ragtally.analysis.vote_noise import Draw, VoteNoise

GENERATOR = np.random.default_rng(5)


def compare_draws(
    first: Sequence[str | None], second: Sequence[str | None], labels: Sequence[str], **settings: Any
) -> VoteNoise:
    draws = (
        Draw(draw, [answer == label for answer, label in zip(draw, labels, strict=True)]) for draw in (first, second)
    )
    return vote_noise.compare_draws(*draws, GENERATOR, **settings)


def test_by_hand() -> None:
    noise = compare_draws(
        ["yes", "no", "yes", None, "no", "no", "no"],
        ["yes", "yes", "maybe", None, "no", "yes", None],
        ["yes", "no", "no", "yes", "no", "yes", "no"],
    )
    assert (noise.other_answer.value, noise.other_answer.denominator) == (4 / 7, 7)
    assert (noise.right_once.value, noise.right_once.denominator) == (3 / 7, 7)
    assert (noise.lost.value, noise.lost.denominator) == (1 / 7, 7), "no verdict is not a wrong one"
    assert noise.lost.method == "Wilson"


def test_a_reader_that_always_says_the_same_is_without_noise() -> None:
    noise = compare_draws(["yes", "no"], ["yes", "no"], ["yes", "yes"])
    assert (noise.other_answer.value, noise.right_once.value, noise.lost.value) == (0, 0, 0)
    assert noise.other_answer.low == 0


def test_where_there_is_nothing_to_compare_there_is_a_reason() -> None:
    noise = compare_draws([], [], [])
    assert noise.other_answer.reason == noise.lost.reason == "there are no questions"
    with pytest.raises(ValueError, match="zip"):
        compare_draws(["no"], [], ["yes"])


def test_questions_that_share_a_document_widen_the_intervals() -> None:
    # Both questions of a document differ, or neither does: ten things were seen, not twenty.
    first, second, labels = ["yes"] * 20, ["no"] * 6 + ["yes"] * 14, ["yes"] * 6 + ["no"] * 14
    alone = compare_draws(first, second, labels)
    paired = compare_draws(first, second, labels, cluster=np.repeat(np.arange(10), 2))
    assert alone.lost.value == paired.lost.value
    for wide, narrow in ((paired.other_answer, alone.other_answer), (paired.lost, alone.lost)):
        assert narrow.method == "Wilson"
        assert wide.method == "bootstrap BCa"
        assert wide.high - wide.low > narrow.high - narrow.low
