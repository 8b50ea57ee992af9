"""Choosing on one half: the split, the choice, and how much it flatters."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.analysis.bootstrap import bootstrap
from ragtally.analysis.contributions import mean_contributions, ratio_contributions
from ragtally.analysis.selection import expected_optimism, select_on_half, split_halves


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["yes", "no", "maybe", None]), max_size=40), st.integers(0, 9))
def test_both_halves_have_as_many_of_every_class(labels: list[str | None], seed: int) -> None:
    dev = split_halves(labels, np.random.default_rng(seed))
    assert abs(int(dev.sum()) - int((~dev).sum())) <= 1
    chosen, all_of = Counter(label for label, flag in zip(labels, dev, strict=True) if flag), Counter(labels)
    for label, count in all_of.items():
        assert chosen[label] in (count // 2, (count + 1) // 2)


def test_the_split_depends_on_the_seed_alone() -> None:
    labels = ["yes", "no"] * 50
    one, again, other = (split_halves(labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_no_document_is_on_both_sides(cluster: list[int]) -> None:
    dev = split_halves(["yes"] * len(cluster), np.random.default_rng(0), cluster)
    sides = {(document, bool(flag)) for document, flag in zip(cluster, dev, strict=True)}
    assert len(sides) == len(set(cluster))


def test_the_choice_by_hand() -> None:
    right = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 0, 1], [1, 1, 1]])
    found = select_on_half(mean_contributions(right), [True, True, True, False, False, False])
    assert found.cell == 1
    assert (found.dev.value, found.dev.denominator) == (1.0, 3)
    assert (found.held_out.value, found.held_out.denominator) == pytest.approx((1 / 3, 3))
    assert found.optimism.value == pytest.approx(2 / 3)
    turned = select_on_half(mean_contributions(1 - right), [True] * 3 + [False] * 3, higher_is_better=False)
    assert (turned.cell, turned.optimism.value) == (1, pytest.approx(2 / 3))


def test_of_equals_the_first_is_chosen() -> None:
    found = select_on_half(mean_contributions(np.ones((4, 3))), [True, False, True, False])
    assert (found.cell, found.optimism.value) == (0, 0.0)


def test_where_nothing_can_be_chosen_there_is_a_reason() -> None:
    zeros = np.zeros((4, 2))
    nothing = select_on_half(ratio_contributions(zeros, zeros, "no verdict is 'yes'"), [True, False, True, False])
    assert (nothing.cell, nothing.optimism.value) == (None, None)
    only_dev = np.array([[1.0], [0.0]])
    found = select_on_half(ratio_contributions(only_dev, only_dev, "no verdict is 'yes'"), [True, False])
    assert (found.cell, found.dev.value) == (0, 1.0)
    assert found.held_out.reason == found.optimism.reason == "no verdict is 'yes'"


def test_the_best_of_many_alike_flatters_and_the_only_one_does_not() -> None:
    rng = np.random.default_rng(3)
    gaps, expected, alone = [], [], []
    for _ in range(40):
        right = rng.random((100, 10)) < 0.6
        found = select_on_half(mean_contributions(right), split_halves(["yes"] * 100, rng))
        distribution = bootstrap(mean_contributions(right), rng, 200)
        gaps.append(found.optimism.value)
        expected.append(expected_optimism(distribution).value)
        alone.append(expected_optimism(bootstrap(mean_contributions(right[:, :1]), rng, 200)).value)
    # The largest of ten values with a standard error of 0.069 (of half the questions) lies 0.106 above their mean.
    assert np.mean(gaps) == pytest.approx(0.106, abs=0.04)
    assert 0.02 < np.mean(expected) < 0.075
    assert abs(np.mean(alone)) < 0.005


def test_optimism_of_nothing_has_a_reason() -> None:
    zeros = np.zeros((20, 2))
    nothing = bootstrap(ratio_contributions(zeros, zeros, "no verdict is 'yes'"), np.random.default_rng(0), 50)
    assert expected_optimism(nothing).reason == "no verdict is 'yes'"
