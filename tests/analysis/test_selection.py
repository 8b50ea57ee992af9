"""Picking the best of many: which may be the best, the split into halves, and how much the pick flatters."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from ragtally.analysis.bootstrap import BootstrapDistribution, bootstrap
from ragtally.analysis.contributions import mean_contributions, ratio_contributions
from ragtally.analysis.selection import BestSet, best_set, better_than, select_on_half, split_halves
from simulated_studies import cell_shares, choose

NAMES = ("a", "b", "c", "d", "e")


def best_of(
    distribution: BootstrapDistribution, confidence: float = 0.95, *, higher_is_better: bool = True
) -> BestSet:
    return best_set(distribution, NAMES[: distribution.cells], confidence, higher_is_better=higher_is_better)


def right(shares: list[float], questions: int, seed: int, shared: float = 0.5) -> np.ndarray:
    """Right answers of cells that find the same questions easy."""
    rng = np.random.default_rng(seed)
    difficulty = np.where(rng.random((questions, 1)) < shared, rng.random((questions, 1)), rng.random((questions, 5)))
    return difficulty[:, : len(shares)] < shares


def resamples_of(column: np.ndarray, seed: int = 0, resamples: int = 300) -> BootstrapDistribution:
    return bootstrap(mean_contributions(column), np.random.default_rng(seed), resamples)


def test_the_formula_step_by_step() -> None:
    distribution = resamples_of(right([0.7, 0.68, 0.58, 0.5], 120, 3))
    best = best_of(distribution, 0.9)
    estimate, replicates = distribution.observed.value, distribution.replicates.value
    cells, left = range(4), {0, 1, 2, 3}
    ahead, error = np.full((4, 4), -np.inf), np.full((4, 4, 300), -np.inf)
    for i in cells:
        for j in cells:
            if i != j:
                gap = estimate[j] - estimate[i]
                error[i, j] = np.sqrt(120 / 119) * (replicates[:, j] - replicates[:, i] - gap)
                variance = np.mean(error[i, j] ** 2)
                error[i, j] /= np.sqrt(variance)
                ahead[i, j] = gap / np.sqrt(variance + gap**2 / 120)
    while True:
        largest = sorted(max(error[i, j, one] for i in left for j in cells) for one in range(300))
        # The 0.9 quantile, or the next above.
        critical = largest[270]
        gone = {i for i in left if ahead[i].max() > critical}
        if not gone:
            break
        left -= gone
    assert best.cells == tuple(NAMES[i] for i in sorted(left))
    assert 1 < len(left) < 4


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("spread", "cells", "questions"), [("equal", 6, 100), ("equal", 12, 25), ("a quarter ahead", 12, 100)]
)
def test_all_that_are_as_good_as_the_best_are_in_the_set_as_often_as_promised(
    spread: str, cells: int, questions: int
) -> None:
    choices = choose(cell_shares(spread, cells, questions), questions, 150, seed=3)
    # In 5 % of studies at most, within what 150 can tell; `benchmarks/claims.py` draws more.
    assert choices.error.sum() <= binom.ppf(0.999, 150, 0.05)
    if spread != "equal":
        assert choices.told_apart.mean() > 4


def test_what_is_far_behind_is_not_in_the_set_and_a_clear_best_stands_alone() -> None:
    best = best_of(resamples_of(right([0.9, 0.6, 0.5], 300, 1)))
    assert (best.highest, best.cells) == ("a", ("a",))


def test_the_highest_is_in_the_set_and_equal_cells_are_not_told_apart() -> None:
    column = right([0.6], 100, 2)
    best = best_of(resamples_of(np.repeat(column, 3, axis=1)))
    assert (best.highest, best.cells) == ("a", ("a", "b", "c"))


def test_less_can_be_better() -> None:
    column = right([0.7, 0.65, 0.4], 150, 5)
    up = best_of(resamples_of(column))
    down = best_of(resamples_of(~column), higher_is_better=False)
    assert (down.highest, down.cells) == (up.highest, up.cells)
    assert down.optimism == pytest.approx(up.optimism)


def test_a_cell_without_a_value_is_not_compared() -> None:
    part = right([0.7, 0.6, 0.5], 100, 6).astype(float)
    whole = np.ones_like(part)
    part[:, 1] = whole[:, 1] = 0
    contributions = ratio_contributions(part, whole, "no verdict is 'yes'")
    best = best_of(bootstrap(contributions, np.random.default_rng(0), 100))
    assert best.highest == "a"
    assert "b" not in best.cells
    nothing = ratio_contributions(whole * 0, whole * 0, "no verdict is 'yes'")
    assert best_of(bootstrap(nothing, np.random.default_rng(0), 100)).highest is None


def test_one_cell_alone_is_the_best() -> None:
    assert best_of(resamples_of(right([0.6], 50, 1))).cells == ("a",)


def test_few_questions_tell_nothing() -> None:
    best = best_of(resamples_of(np.repeat([[True, False]], 9, axis=0)))
    assert (best.highest, best.cells) == ("a", ("a", "b"))


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["yes", "no", "maybe", None]), max_size=40), st.integers(0, 9))
def test_both_halves_have_as_many_of_every_class(labels: list[str | None], seed: int) -> None:
    dev = split_halves(labels, np.random.default_rng(seed))
    assert abs(int(dev.sum()) - int((~dev).sum())) <= 1
    chosen_cell, all_of = Counter(label for label, flag in zip(labels, dev, strict=True) if flag), Counter(labels)
    for label, count in all_of.items():
        assert chosen_cell[label] in (count // 2, (count + 1) // 2)


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
    half = select_on_half(mean_contributions(right), "abc", [True, True, True, False, False, False])
    assert half.cell == "b"
    assert (half.dev, half.dev_questions) == (1.0, 3)
    assert (half.held_out, half.held_out_questions) == pytest.approx((1 / 3, 3))
    assert half.optimism == pytest.approx(2 / 3)
    reverse = select_on_half(mean_contributions(1 - right), "abc", [True] * 3 + [False] * 3, higher_is_better=False)
    assert (reverse.cell, reverse.optimism) == ("b", pytest.approx(2 / 3))


def test_of_equals_the_first_is_chosen() -> None:
    half = select_on_half(mean_contributions(np.ones((4, 3))), "abc", [True, False, True, False])
    assert (half.cell, half.optimism) == ("a", 0.0)


def test_where_nothing_can_be_chosen_nothing_is() -> None:
    zeros = np.zeros((4, 2))
    nothing = select_on_half(
        ratio_contributions(zeros, zeros, "no verdict is 'yes'"), "ab", [True, False, True, False]
    )
    assert nothing.cell is nothing.dev is nothing.held_out is nothing.optimism is None
    assert (nothing.dev_questions, nothing.held_out_questions) == (2, 2)
    only_dev = np.array([[1.0], [0.0]])
    half = select_on_half(ratio_contributions(only_dev, only_dev, "no verdict is 'yes'"), "a", [True, False])
    assert (half.cell, half.dev, half.held_out, half.optimism) == ("a", 1.0, None, None)


@pytest.mark.no_cover
@pytest.mark.parametrize(("cells", "questions"), [(6, 100), (12, 25), (12, 329)])
def test_the_best_of_cells_that_are_alike_flatters_by_what_is_said(cells: int, questions: int) -> None:
    choices = choose(cell_shares("equal", cells, questions), questions, 300, seed=2)
    ratio = choices.estimate.mean() / choices.true_optimism.mean()
    assert ratio == pytest.approx(1, abs=0.1)
    # What the plain bootstrap would say.
    assert choices.plain.mean() < 0.8 * choices.true_optimism.mean()


def test_one_far_ahead_flatters_little_and_the_only_one_not_at_all() -> None:
    ahead = best_of(resamples_of(right([0.9, 0.6, 0.5], 300, 1)))
    alone = best_of(resamples_of(right([0.9], 300, 1)))
    assert ahead.optimism == pytest.approx(0, abs=0.003)
    assert alone.optimism == pytest.approx(0, abs=0.003)


def test_too_few_questions_and_nothing_have_no_optimism() -> None:
    assert best_of(resamples_of(right([0.7, 0.6], 9, 1))).optimism is None
    zeros = np.zeros((20, 2))
    nothing = bootstrap(ratio_contributions(zeros, zeros, "no verdict is 'yes'"), np.random.default_rng(0), 50)
    assert best_of(nothing).optimism is None


def test_what_beats_a_floor_step_by_step() -> None:
    distribution = resamples_of(right([0.9, 0.62, 0.5, 0.6], 120, 3))
    estimate, replicates = distribution.observed.value, distribution.replicates.value
    ahead, error = {}, {}
    for cell in range(3):
        gap = estimate[cell] - estimate[3]
        error[cell] = np.sqrt(120 / 119) * (replicates[:, cell] - replicates[:, 3] - gap)
        variance = np.mean(error[cell] ** 2)
        error[cell] /= np.sqrt(variance)
        ahead[cell] = gap / np.sqrt(variance + gap**2 / 120)
    critical = sorted(np.max(list(error.values()), axis=0))[285]
    assert better_than(distribution, 3) == [cell for cell in range(3) if ahead[cell] > critical] == [0]


@pytest.mark.parametrize("cells", [2, 12])
def test_cells_as_good_as_the_floor_rarely_beat_it_however_many_they_are(cells: int) -> None:
    rng = np.random.default_rng(11)
    studies, wrong = 200, 0
    for _ in range(studies):
        answers = rng.random((100, cells + 1)) < 0.6
        wrong += bool(better_than(resamples_of(answers, seed=int(rng.integers(1 << 30))), cells))
    # As many as could be by chance if the rate were 5 %.
    assert wrong <= binom.ppf(0.999, studies, 0.05)


def test_a_cell_well_above_the_floor_beats_it_and_one_below_does_not() -> None:
    answers = right([0.9, 0.3, 0.6], 100, 4)
    assert better_than(resamples_of(answers), 2) == [0]
    assert better_than(resamples_of(answers), 2, higher_is_better=False) == [1]
    assert better_than(resamples_of(answers[:9]), 2) == [], "too few questions"
    assert better_than(resamples_of(np.ones((50, 2), dtype=bool)), 1) == [], "nothing differs"
