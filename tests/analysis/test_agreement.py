"""Agreement of two who grade the same answers, against scikit-learn, statsmodels and the bootstrap."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from ragtally.analysis.agreement import GradedItems, agreement_share, cohen_kappa, weighted_share
from ragtally.analysis.proportions import wilson


def graders(seed: int, count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    first = generator.integers(0, 3, count)
    second = np.where(generator.random(count) < 0.7, first, generator.integers(0, 3, count))
    return first, second


def items(first: np.ndarray, second: np.ndarray, weight: np.ndarray | None = None) -> GradedItems:
    shares = np.eye(3)
    count = len(first)
    return GradedItems(shares[first], shares[second], np.ones(count) if weight is None else weight, np.arange(count))


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_scikit_learn_s_with_statsmodels_interval(seed: int) -> None:
    first, second = graders(seed)
    estimate = cohen_kappa(items(first, second))
    assert estimate.value == pytest.approx(cohen_kappa_score(first, second))
    table = np.zeros((3, 3))
    for pair, count in Counter(zip(first, second, strict=True)).items():
        table[pair] = count
    error = float(np.sqrt(cohens_kappa(table).var_kappa))
    assert estimate.low is not None and estimate.high is not None
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.98 * error, rel=0.02)


def test_weights_are_as_many_answers() -> None:
    first, second = graders(5)
    weight = np.where(np.arange(120) % 3 == 0, 2.0, 1.0)
    rows = np.repeat(np.arange(120), weight.astype(int))
    weighted, repeated = cohen_kappa(items(first, second, weight)), cohen_kappa(items(first[rows], second[rows]))
    assert weighted.value == pytest.approx(repeated.value)
    share = agreement_share(items(first, second, weight))
    assert share.value == pytest.approx(float((first[rows] == second[rows]).mean()))
    # Of fewer answers that weigh more one knows less.
    assert share.high - share.low > agreement_share(items(first, second)).high - share.low  # type: ignore[operator]


def test_a_share_is_wilson_s_where_all_weigh_the_same() -> None:
    first, second = graders(6)
    estimate, exact = agreement_share(items(first, second)), wilson(int((first == second).sum()), 120)
    assert (estimate.value, estimate.denominator) == (exact.value, 120)
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high), abs=0.001)
    every = agreement_share(items(first, first))
    assert (every.value, every.high) == (1.0, 1.0) and every.low == pytest.approx(wilson(120, 120).low)


def test_answers_about_one_document_count_as_few() -> None:
    first, second = graders(7)
    apart, one = items(first, second), items(first, second)
    together = GradedItems(one.first, one.second, one.weight, np.arange(120) // 6)
    wide, narrow = agreement_share(together), agreement_share(apart)
    assert wide.value == narrow.value
    five = GradedItems(one.first, one.second, one.weight, np.arange(120) // 24)
    assert "fewer than 10" in str(cohen_kappa(five).reason)


def test_there_is_no_kappa_of_who_always_says_the_same() -> None:
    always = np.zeros(120, dtype=int)
    assert cohen_kappa(items(always, always)).value is None
    constant = cohen_kappa(items(always, graders(1)[1]))
    assert constant.value == pytest.approx(0) and constant.low is None


def test_half_right_answers_count_half() -> None:
    by_judge, by_people = np.array([[1.0, 0, 0]] * 20), np.array([[0.5, 0.5, 0]] * 20)
    half = GradedItems(by_judge, by_people, np.ones(20), np.arange(20))
    assert agreement_share(half).value == 0.5
    sensitivity = weighted_share(by_judge[:, 0] * by_people[:, 0], by_people[:, 0], half)
    assert (sensitivity.value, sensitivity.denominator) == (1.0, 10)
    nothing = weighted_share(np.zeros(20), np.zeros(20), half)
    assert nothing.value is None and nothing.reason
