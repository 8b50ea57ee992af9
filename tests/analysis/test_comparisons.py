"""Families of paired comparisons: which test and interval, Holm's correction, and power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.analysis.comparisons import Comparison, Tally, adjust_family, agreeing_with_test, compare_pairs, tally
from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.proportions import PairedCounts, newcombe_paired
from ragtally.analysis.significance import Significance, mcnemar, smallest_mcnemar_difference
from sample_results import answer_contributions

# Three recorded answer sets against the same gold labels, as right (1) and wrong (0).
RIGHT = np.array([[1, 1, 1]] * 20 + [[1, 0, 1]] * 9 + [[0, 1, 1]] + [[1, 1, 0]] * 4 + [[0, 0, 0]] * 6)


def compare_recorded(cluster: np.ndarray | None = None, **settings: object) -> list[Comparison]:
    return compare_pairs(
        mean_contributions(RIGHT),
        "abc",
        [("a", "b"), ("a", "c"), ("c", "b")],
        np.random.default_rng(0),
        cluster=cluster,
        **settings,  # type: ignore[arg-type]
    )


def test_recorded_answer_sets_by_hand() -> None:
    comparisons = compare_recorded()
    counts = [PairedCounts(24, 9, 1, 6), PairedCounts(29, 4, 1, 6), PairedCounts(21, 9, 4, 6)]
    assert [comparison.difference for comparison in comparisons] == list(map(newcombe_paired, counts))
    assert [comparison.significance for comparison in comparisons] == list(map(mcnemar, counts))
    assert [comparison.difference.value for comparison in comparisons] == [8 / 40, 3 / 40, 5 / 40]
    # 2 (1 + 10) / 1024; 2 (1 + 5) / 32; 2 (1 + 13 + 78 + 286 + 715) / 8192
    p_values = [comparison.significance.p_value for comparison in comparisons if comparison.significance]
    assert p_values == pytest.approx([22 / 1024, 12 / 32, 2186 / 8192], abs=1e-14)
    adjusted = [comparison.adjusted_p_value for comparison in comparisons]
    assert adjusted == pytest.approx([3 * 22 / 1024, 2 * 2186 / 8192, 2 * 2186 / 8192], abs=1e-14)
    assert [comparison.distinguishable for comparison in comparisons] == [False, False, False]
    assert (comparisons[0].cell, comparisons[0].baseline, comparisons[0].tally) == ("a", "b", Tally(9, 30, 1))
    assert comparisons[0].smallest_difference == smallest_mcnemar_difference(40, 10 / 40, 0.05 / 3)


def test_questions_that_share_documents_are_drawn_together() -> None:
    comparisons = compare_recorded(np.arange(40) // 2, resamples=300)
    assert all((comparison.difference.method or "").startswith("jackknife") for comparison in comparisons)
    assert all(
        comparison.significance and "randomisation" in comparison.significance.test for comparison in comparisons
    )
    assert comparisons[0].smallest_difference != compare_recorded()[0].smallest_difference
    # Documents of one question each are no documents to speak of.
    assert compare_recorded(np.arange(40)) == compare_recorded()


def test_a_metric_of_its_own_is_tested_by_randomisation() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 3, 80)
    verdict = np.where(rng.random((80, 2)) < [0.9, 0.5], gold[:, None], rng.integers(0, 3, (80, 2)))
    contributions = answer_contributions("macro_f1", gold, verdict, ("yes", "no", "maybe"))
    assert contributions is not None
    right = verdict == gold[:, None]
    (comparison,) = compare_pairs(
        contributions, "ab", [("a", "b")], np.random.default_rng(3), right=right, resamples=500
    )
    (again,) = compare_pairs(contributions, "ab", [("a", "b")], np.random.default_rng(3), right=right, resamples=500)
    assert comparison == again
    assert comparison.tally is not None
    assert comparison.tally.wins == int((right[:, 0] & ~right[:, 1]).sum())
    assert comparison.difference.value == pytest.approx(
        (contributions.scores()[0].value or 0) - (contributions.scores()[1].value or 0)
    )
    assert comparison.distinguishable
    assert comparison.smallest_difference == pytest.approx(0.2, abs=0.1)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_no_interval_contradicts_the_exact_test(both: int, first: int, second: int, neither: int) -> None:
    counts = PairedCounts(both, first, second, neither)
    test = mcnemar(counts)
    estimate = agreeing_with_test(newcombe_paired(counts), test)
    assert test.p_value is not None and estimate.low is not None and estimate.high is not None
    assert estimate.contains(0) is (test.p_value > 0.05)
    assert estimate.low < estimate.high
    assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize(("p_value", "low"), [(0.05, 0.0001), (0.04, 0.0046), (0.06, -0.0042)])
def test_the_limit_beside_0_is_the_tests_where_they_disagree(p_value: float, low: float) -> None:
    other = -0.02 if p_value <= 0.05 else 0.02
    interval = Estimate(0.1, 10, other, 0.3, 0.95, "jackknife")
    test = Significance(p_value, "randomisation", 5)
    estimate = agreeing_with_test(interval, test)
    assert (estimate.low, estimate.high) == pytest.approx((low, 0.3), abs=1e-4)
    mirrored = agreeing_with_test(Estimate(-0.1, 10, -0.3, -other, 0.95, "jackknife"), test)
    assert (mirrored.low, mirrored.high) == pytest.approx((-0.3, -low), abs=1e-4)


def test_what_agrees_with_its_test_or_has_none_stays() -> None:
    interval, none = Estimate(0.1, 10, 0.02, 0.3, 0.95, "jackknife"), Estimate(0.1, 10, reason="too few")
    assert agreeing_with_test(interval, Significance(0.02, "randomisation", 5)) is interval
    assert agreeing_with_test(none, Significance(0.02, "randomisation", 5)) is none
    assert agreeing_with_test(interval, Significance(None, "randomisation", 5, "not defined")) is interval


def test_a_family_of_several_metrics_is_corrected_together() -> None:
    one, other = compare_recorded()[:1], compare_recorded()[1:]
    apart = [comparison.adjusted_p_value for comparison in (*one, *other)]
    together = adjust_family([*one, *other])
    assert together == compare_recorded()
    assert apart == [comparison.adjusted_p_value for comparison in compare_recorded()]
    assert adjust_family(one)[0].adjusted_p_value == mcnemar(PairedCounts(24, 9, 1, 6)).p_value
    assert compare_recorded(tests_in_family=10)[0].smallest_difference == smallest_mcnemar_difference(
        40, 10 / 40, 0.005
    )


def test_losses_of_what_should_be_low_are_wins() -> None:
    comparisons = compare_recorded(higher_is_better=False)
    assert comparisons[0].tally == Tally(1, 30, 9)


def test_nothing_is_compared_with_nothing() -> None:
    empty = mean_contributions(np.zeros((0, 2)))
    assert compare_pairs(empty, "ab", [("a", "b")], np.random.default_rng(0)) == []
    f1 = answer_contributions("macro_f1", [0, 1], [[0, 0], [1, 1]], ("yes", "no"))
    with pytest.raises(ValueError, match="answers of shape"):
        compare_pairs(f1, "ab", [("a", "b")], np.random.default_rng(0), right=np.ones((2, 3)))


def test_gains_are_counted_beyond_rounding() -> None:
    assert tally(np.array([0.1 + 0.2, 0.5, 0.2]) - [0.3, 0.4, 0.9]) == Tally(1, 1, 1)
