"""Discordant counts and McNemar's exact test, against hand-computed values, scipy and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from ragtally.analysis.binomial import binomial_cdf
from ragtally.analysis.mcnemar import PairedCounts, WinsTiesLosses, count_pairs, mcnemar, wins_ties_losses

#         0  1  2  3  4  5  6  7  8  9 10 11
FIRST = [1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0]
SECOND = [1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_two_recorded_answer_sets_by_hand() -> None:
    counts = count_pairs(FIRST, SECOND)
    assert counts == PairedCounts(both=2, first_only=6, second_only=1, neither=3)
    assert (counts.questions, counts.discordant) == (12, 7)
    # Of 7 tosses at most 1: (1 + 7) / 128, twice.
    assert mcnemar(counts).p_value == pytest.approx(16 / 128, abs=1e-15)
    assert mcnemar(counts).discordant == 7


@pytest.mark.parametrize(
    ("first_only", "second_only", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 2 / 32),
        (6, 0, 2 / 64),
        (3, 3, 1.0),
        (4, 3, 1.0),
        (1, 7, 2 * 9 / 256),  # airway hyper-responsiveness, Fagerland et al. (2014): p = 0.070
        (2, 8, 2 * 56 / 1024),
    ],
)
def test_p_values_by_hand(first_only: int, second_only: int, p_value: float) -> None:
    for counts in (PairedCounts(9, first_only, second_only, 3), PairedCounts(0, second_only, first_only, 40)):
        assert mcnemar(counts).p_value == pytest.approx(p_value, abs=1e-14)


def test_a_published_example() -> None:
    # Approval of the prime minister in two surveys, Agresti, Categorical Data Analysis, table 11.1.
    assert mcnemar(PairedCounts(794, 150, 86, 570)).p_value == pytest.approx(3.716e-5, rel=1e-3)


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_p_value_is_scipys_and_statsmodels(first_only: int, second_only: int) -> None:
    found = mcnemar(PairedCounts(1, first_only, second_only, 1)).p_value
    if first_only + second_only:
        assert found == pytest.approx(binomtest(first_only, first_only + second_only).pvalue, abs=1e-12)
    expected = statsmodels_mcnemar([[1, first_only], [second_only, 1]], exact=True).pvalue
    assert found == pytest.approx(expected, abs=1e-12)


def test_no_questions_have_no_p_value() -> None:
    assert mcnemar(PairedCounts(0, 0, 0, 0)).reason == "there are no questions"


def test_the_binomial_distribution_is_scipys() -> None:
    trials = np.array([0, 1, 7, 50, 1000])[:, None, None]
    count = np.array([-1, 0, 1, 3, 25, 480, 1000, 1001])[:, None]
    share = np.array([0.0, 0.1, 0.5, 1.0])
    assert binomial_cdf(count, trials, share) == pytest.approx(binom.cdf(count, trials, share), abs=1e-13)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_every_question_is_counted_once(pairs: list[tuple[bool, bool]]) -> None:
    first, second = zip(*pairs, strict=True)
    counts = count_pairs(first, second)
    assert counts.both == pairs.count((True, True))
    assert counts.first_only == pairs.count((True, False))
    assert counts.second_only == pairs.count((False, True))
    assert counts.neither == pairs.count((False, False))
    tally = wins_ties_losses(first, second)
    assert tally == WinsTiesLosses(counts.first_only, counts.both + counts.neither, counts.second_only)


def test_wins_of_scores_are_counted_beyond_rounding() -> None:
    first, second = [0.1 + 0.2, 0.5, 0.2], [0.3, 0.4, 0.9]
    assert wins_ties_losses(first, second) == WinsTiesLosses(1, 1, 1)
    assert wins_ties_losses([1, 2], [2, 3], higher_is_better=False) == WinsTiesLosses(2, 0, 0)


def test_columns_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        count_pairs([True], [True, False])
    with pytest.raises(ValueError, match="no pairs"):
        wins_ties_losses([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="never negative"):
        PairedCounts(1, -1, 0, 0)
