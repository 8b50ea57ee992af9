"""Intervals of proportions, against published tables and statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from ragtally.analysis.estimate import Estimate
from ragtally.analysis.proportions import PairedCounts, count_pairs, newcombe, newcombe_paired, wilson


def limits(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(successes: int, trials: int, low: float, high: float) -> None:
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
    assert limits(wilson(successes, trials)) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombe_as_published(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10.
    assert limits(newcombe(*first, *second)) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "low", "high", "digits"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404, 4),
        # Altman et al. (2000), Statistics with confidence, table 6.2.
        ((14, 5, 0, 22), 0.011, 0.226, 3),
        # Fagerland, Lydersen, Laake (2014), Statistics in Medicine 33, 2850-2875: airway hyper-responsiveness.
        ((1, 1, 7, 12), -0.507, -0.026, 3),
    ],
)
def test_paired_newcombe_as_published(counts: tuple[int, ...], low: float, high: float, digits: int) -> None:
    assert limits(newcombe_paired(PairedCounts(*counts))) == pytest.approx((low, high), abs=0.5 * 10**-digits)


@given(st.integers(1, 400), st.data(), st.floats(0.5, 0.999))
def test_wilson_is_that_of_statsmodels(trials: int, data: st.DataObject, confidence: float) -> None:
    successes = data.draw(st.integers(0, trials))
    expected = proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
    estimate = wilson(successes, trials, confidence)
    low, high = limits(estimate)
    assert (estimate.value, estimate.denominator) == (successes / trials, trials)
    assert (low, high) == pytest.approx(expected, abs=1e-9)
    assert 0 <= low <= successes / trials <= high <= 1


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_newcombe_is_that_of_statsmodels(first: int, second: int, data: st.DataObject) -> None:
    one, other = data.draw(st.integers(0, first)), data.draw(st.integers(0, second))
    low, high = confint_proportions_2indep(one, first, other, second, method="newcomb", compare="diff")
    assert limits(newcombe(one, first, other, second)) == pytest.approx((low, high), abs=1e-9)


PAIRS = st.tuples(*[st.integers(0, 40)] * 4).filter(any).map(lambda counts: PairedCounts(*counts))


@given(PAIRS)
def test_a_paired_interval_contains_the_difference_and_turns_with_the_pair(counts: PairedCounts) -> None:
    estimate = newcombe_paired(counts)
    low, high = limits(estimate)
    assert estimate.value == (counts.first_only - counts.second_only) / counts.questions
    assert -1 <= low <= estimate.value <= high <= 1
    reverse = PairedCounts(counts.both, counts.second_only, counts.first_only, counts.neither)
    assert limits(newcombe_paired(reverse)) == pytest.approx((-high, -low), abs=1e-12)


def test_pairs_that_agree_make_the_interval_narrower() -> None:
    agreeing, independent = newcombe_paired(PairedCounts(60, 12, 6, 22)), newcombe(72, 100, 66, 100)
    (low, high), (lowest, highest) = limits(agreeing), limits(independent)
    assert lowest < low < high < highest


def test_no_questions_have_no_interval() -> None:
    for missing in (
        wilson(0, 0),
        newcombe(0, 0, 1, 2),
        newcombe(1, 2, 0, 0),
        newcombe_paired(PairedCounts(0, 0, 0, 0)),
    ):
        assert (missing.value, missing.low, missing.reason) == (None, None, "there are no questions")


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2), (0, -1)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(successes, trials)
    with pytest.raises(ValueError, match="not a proportion"):
        newcombe(1, 2, successes, trials)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_every_question_is_counted_once(pairs: list[tuple[bool, bool]]) -> None:
    counts = count_pairs(*zip(*pairs, strict=True))
    assert counts.both == pairs.count((True, True))
    assert counts.first_only == pairs.count((True, False))
    assert counts.second_only == pairs.count((False, True))
    assert counts.neither == pairs.count((False, False))
    assert (counts.questions, counts.discordant) == (len(pairs), counts.first_only + counts.second_only)


def test_columns_that_are_not_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="not pairs"):
        count_pairs([True], [True, False])
    with pytest.raises(ValueError, match="never negative"):
        PairedCounts(1, -1, 0, 0)
