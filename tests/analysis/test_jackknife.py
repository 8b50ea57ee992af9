"""The jackknife: against Student's interval of a mean, and where it has none."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from ragtally.analysis.contributions import mean_contributions, ratio_contributions
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.jackknife import (
    Share,
    clustered_share,
    independent_difference,
    jackknife_differences,
    student_quantile,
)
from ragtally.analysis.proportions import newcombe
from simulated_studies import PAIRS, coverage


def difference(columns: np.ndarray, cluster: np.ndarray | None = None, confidence: float = 0.95) -> Estimate:
    return jackknife_differences(mean_contributions(columns), [(0, 1)], cluster, confidence)[0].estimate


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("degrees", [9, 20, 99, 5000])
def test_the_quantile_is_students(confidence: float, degrees: int) -> None:
    assert student_quantile(confidence, degrees) == pytest.approx(
        scipy.stats.t.ppf(0.5 + confidence / 2, degrees), abs=5e-3 if confidence > 0.98 else 1e-3
    )


def test_of_a_mean_it_is_students_paired_interval() -> None:
    columns = np.random.default_rng(8).random((200, 2))
    estimate = difference(columns, confidence=0.9)
    oracle = scipy.stats.ttest_rel(columns[:, 0], columns[:, 1]).confidence_interval(0.9)
    assert (estimate.low, estimate.high) == pytest.approx((oracle.low, oracle.high), abs=1e-5)
    assert estimate.value == pytest.approx(columns[:, 0].mean() - columns[:, 1].mean())


def test_questions_that_stand_and_fall_together_widen_the_interval() -> None:
    columns = np.repeat(np.random.default_rng(1).random((100, 2)), 4, axis=0)
    alone, together = difference(columns), difference(columns, np.arange(400) // 4)
    assert alone.low is not None and alone.high is not None and together.low is not None and together.high is not None
    assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(2, rel=0.05)


def test_where_there_is_no_interval_there_is_a_reason() -> None:
    columns = np.random.default_rng(0).random((40, 2))
    assert "fewer than 10" in (difference(columns[:9]).reason or "")
    # All questions on one document, or on a few.
    assert "fewer than 10" in (difference(columns, np.zeros(40)).reason or "")
    assert "no question changes it" in (difference(columns[:, [0, 0]]).reason or "")
    seldom = np.zeros((20, 1))
    seldom[0] = 1
    parts = np.concatenate([np.ones((20, 1)), seldom], axis=1)
    one_question = ratio_contributions(parts, parts, "no verdict is 'yes'")
    assert "without some of the questions" in (jackknife_differences(one_question, [(0, 1)])[0].estimate.reason or "")
    none = ratio_contributions(parts * [1, 0], parts * [1, 0], "no verdict is 'yes'")
    estimate = jackknife_differences(none, [(0, 1)])[0].estimate
    assert (estimate.value, estimate.reason) == (None, "no verdict is 'yes'")


def test_no_difference_of_shares_is_beyond_certainty() -> None:
    columns = np.stack([np.arange(20) < 18, np.arange(20) < 2], axis=1)
    estimate = difference(np.repeat(columns, 2, axis=0), np.repeat(np.arange(20), 2), confidence=0.9999)
    assert estimate.high == 1.0


@pytest.mark.no_cover
@pytest.mark.parametrize("pair", PAIRS)
def test_intervals_of_macro_f1_hold_the_difference_as_often_as_they_say(pair: tuple[str, str]) -> None:
    held = coverage(pair, 100, 300, seed=1)["jackknife"]
    # 0.93 or more, within what 300 studies can tell; `benchmarks/claims.py` draws more.
    assert held.mean() > 0.93 - 2 * np.sqrt(0.93 * 0.07 / 300)


def clustered(generator: np.random.Generator, share: float) -> Share:
    """40 documents with 1 to 9 questions each, nearly all of a document's questions answered alike."""
    sizes = generator.integers(1, 10, 40)
    chance = generator.beta(share * 0.6, (1 - share) * 0.6, 40)
    cluster = np.repeat(np.arange(40), sizes)
    return Share(generator.random(len(cluster)) < chance[cluster], cluster)


def test_an_interval_of_separate_questions_knows_that_they_share_documents() -> None:
    generator, held, naive = np.random.default_rng(5), [], []
    for _ in range(400):
        first, second = clustered(generator, 0.7), clustered(generator, 0.5)
        held.append(independent_difference(first, second).contains(0.2))
        counts = (int(first.right.sum()), len(first.right), int(second.right.sum()), len(second.right))
        naive.append(newcombe(*counts).contains(0.2))
    assert np.mean(held) > 0.95 - 0.04 and np.mean(naive) < 0.8


def test_questions_of_their_own_give_welchs_interval() -> None:
    generator = np.random.default_rng(2)
    sides = [Share(generator.random(size) < 0.6, np.arange(size)) for size in (120, 80)]
    estimate = independent_difference(*sides)
    oracle = scipy.stats.ttest_ind(*(side.right.astype(float) for side in sides), equal_var=False)
    low, high = oracle.confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=2e-4)
    one = clustered_share(sides[0])
    assert one.low is not None and one.low < one.value < (one.high or 0)  # type: ignore[operator]


def test_two_shares_of_few_documents_have_a_reason_and_no_interval() -> None:
    few = Share(np.arange(30) % 2 == 0, np.arange(30) // 10)
    many = Share(np.arange(30) % 2 == 0, np.arange(30))
    assert "fewer than 10" in (independent_difference(few, many).reason or "")
    same = Share(np.ones(30, dtype=bool), np.arange(30))
    assert "no question changes it" in (independent_difference(same, same).reason or "")
    assert "fewer than 10" in (clustered_share(Share(np.ones(5, dtype=bool), np.zeros(5, dtype=int))).reason or "")
