"""Paired tests, Holm's correction and power: against hand-computed values, scipy, statsmodels and enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, multinomial, norm
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from ragtally.analysis.contributions import Contributions, mean_contributions, ratio_contributions
from ragtally.analysis.proportions import PairedCounts, count_pairs
from ragtally.analysis.significance import (
    Significance,
    binomial_cdf,
    holm,
    mcnemar,
    randomisation_tests,
    smallest_mcnemar_difference,
    smallest_normal_difference,
)
from sample_results import answer_contributions

#         0  1  2  3  4  5  6  7  8  9 10 11
FIRST = [1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0]
SECOND = [1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_two_recorded_answer_sets_by_hand() -> None:
    counts = count_pairs(FIRST, SECOND)
    assert counts == PairedCounts(both=2, first_only=6, second_only=1, neither=3)
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
    result = mcnemar(PairedCounts(1, first_only, second_only, 1)).p_value
    if first_only + second_only:
        assert result == pytest.approx(binomtest(first_only, first_only + second_only).pvalue, abs=1e-12)
    expected = statsmodels_mcnemar([[1, first_only], [second_only, 1]], exact=True).pvalue
    assert result == pytest.approx(expected, abs=1e-12)


def test_no_questions_have_no_p_value() -> None:
    assert mcnemar(PairedCounts(0, 0, 0, 0)).reason == "there are no questions"


def test_the_binomial_distribution_is_scipys() -> None:
    trials = np.array([0, 1, 7, 50, 1000])[:, None, None]
    count = np.array([-1, 0, 1, 3, 25, 480, 1000, 1001])[:, None]
    share = np.array([0.0, 0.1, 0.5, 1.0])
    assert binomial_cdf(count, trials, share) == pytest.approx(binom.cdf(count, trials, share), abs=1e-13)


ANSWERS = ("yes", "no", "maybe")


def contributions(metric: str, gold: np.ndarray, verdict: np.ndarray) -> Contributions:
    result = answer_contributions(metric, gold, verdict, ANSWERS)
    assert result is not None
    return result


def answers(questions: int, seed: int, skill: tuple[float, ...] = (0.6, 0.6)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, questions)
    right = rng.random((questions, len(skill))) < skill
    return gold, np.where(right, gold[:, None], rng.integers(0, 3, (questions, len(skill))))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("cluster", [None, np.arange(8) // 2])
def test_few_questions_are_swapped_in_every_way(seed: int, cluster: np.ndarray | None) -> None:
    gold, verdict = answers(8, seed, (0.9, 0.3))
    unit = np.arange(8) if cluster is None else cluster

    def macro_f1(column: np.ndarray) -> float:
        return float(np.mean([f1(column, answer) for answer in np.unique(gold)]))

    def f1(column: np.ndarray, answer: int) -> float:
        right = ((column == answer) & (gold == answer)).sum()
        return 2 * right / ((column == answer).sum() + (gold == answer).sum())

    differences = []
    for swap in itertools.product([False, True], repeat=int(unit.max()) + 1):
        swap_answers = np.where(np.array(swap)[unit][:, None], verdict[:, ::-1], verdict)
        differences.append(abs(macro_f1(swap_answers[:, 0]) - macro_f1(swap_answers[:, 1])))
    expected = np.mean(np.array(differences) >= differences[0] - 1e-10)
    (result,) = randomisation_tests(
        contributions("macro_f1", gold, verdict), [(0, 1)], np.random.default_rng(0), cluster=cluster
    )
    assert result.test == "exact randomisation"
    assert result.p_value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("first_only", "second_only"), [(0, 0), (1, 0), (9, 2), (8, 4), (30, 14), (40, 35)])
def test_of_right_answers_it_is_mcnemars(first_only: int, second_only: int) -> None:
    first = [1] * (20 + first_only) + [0] * (second_only + 7)
    second = [1] * 20 + [0] * first_only + [1] * second_only + [0] * 7
    expected = mcnemar(count_pairs(first, second)).p_value
    (result,) = randomisation_tests(
        mean_contributions(np.stack([first, second], axis=1)), [(0, 1)], np.random.default_rng(0), 20_000
    )
    assert result.discordant == first_only + second_only
    exact = result.discordant <= 12
    assert result.p_value == pytest.approx(expected, abs=1e-12 if exact else 0.012)


def test_of_a_mean_it_is_scipys() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.random(60), rng.random(60) - 0.1
    (result,) = randomisation_tests(
        mean_contributions(np.stack([first, second], axis=1)), [(0, 1)], np.random.default_rng(0), 9999
    )
    expected = scipy.stats.permutation_test(
        (first, second),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        rng=np.random.default_rng(1),
    ).pvalue
    assert result.p_value == pytest.approx(expected, abs=0.025)


def test_a_pair_does_not_depend_on_the_others_or_on_their_order() -> None:
    gold, verdict = answers(200, 4, (0.6, 0.7, 0.5))
    some = contributions("macro_f1", gold, verdict)
    alone = randomisation_tests(some, [(0, 1)], np.random.default_rng(3), 500)[0]
    among = randomisation_tests(some, [(2, 1), (0, 1), (1, 0)], np.random.default_rng(3), 500)
    assert alone == among[1]
    assert among[2].p_value == alone.p_value


def test_a_true_difference_is_found() -> None:
    gold, verdict = answers(300, 5, (0.8, 0.5))
    (result,) = randomisation_tests(contributions("macro_f1", gold, verdict), [(0, 1)], np.random.default_rng(0), 999)
    assert result.p_value == 1 / 1000
    assert result.test == "randomisation, 999 swaps"


def test_a_metric_that_is_not_defined_is_not_tested() -> None:
    some = ratio_contributions([[1, 0], [0, 0]], [[1, 0], [1, 0]], "no verdict is 'yes'")
    (result,) = randomisation_tests(some, [(0, 1)], np.random.default_rng(0))
    assert (result.p_value, result.reason) == (None, "no verdict is 'yes'")
    with pytest.raises(ValueError, match="nothing to test with"):
        randomisation_tests(some, [(0, 1)], np.random.default_rng(0), resamples=0)


def test_holm_by_hand() -> None:
    # Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1 is not below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-15)


def test_a_test_that_could_not_be_done_is_no_member_of_the_family() -> None:
    assert holm([None, 0.02, None, 0.5]) == [None, 0.04, None, 0.5]
    assert holm([]) == []


@pytest.mark.parametrize(
    "p_values", [[0.01, 0.01, 0.04, 0.9, 0.02, 0.01], [0.004, 0.03, 0.03, 0.0, 1.0, 0.049, 0.011, 0.5]]
)
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist(), abs=1e-15)


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.05]), max_size=12))
def test_holm_by_definition(p_values: list[float]) -> None:
    def adjusted(own: float) -> float:
        smaller = [p_value for p_value in p_values if p_value <= own]
        return min(1.0, max(p_value * sum(other >= p_value for other in p_values) for p_value in smaller))

    assert holm(p_values) == pytest.approx([adjusted(p_value) for p_value in p_values], abs=1e-15)


def test_what_is_not_a_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="not a probability"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="not a probability"):
        Significance(float("nan"), "made up", 0)
    with pytest.raises(ValueError, match="reason"):
        Significance(None, "made up", 0)


def power_by_enumeration(questions: int, discordant: float, difference: float, level: float) -> float:
    """Sum up the probabilities of all outcomes that the test rejects."""
    better, worse = (discordant + difference) / 2, (discordant - difference) / 2
    wins, losses = (column.ravel() for column in np.mgrid[: questions + 1, : questions + 1])
    wins, losses = wins[wins + losses <= questions], losses[wins + losses <= questions]
    outcomes = np.column_stack([wins, losses, questions - wins - losses])
    rejections = 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5) <= level
    return float(multinomial(questions, [better, worse, 1 - better - worse]).pmf(outcomes) @ rejections)


@pytest.mark.parametrize(("questions", "discordant"), [(500, 0.2), (1000, 0.1), (5000, 0.15), (211_000, 0.1)])
def test_the_smallest_difference_comes_close_to_connors(questions: int, discordant: float) -> None:
    result = smallest_mcnemar_difference(questions, discordant)
    assert result is not None
    # Connor (1987), equation 3, solved for the number of questions.
    level, power = norm.ppf(0.975), norm.ppf(0.8)
    needed = (level * math.sqrt(discordant) + power * math.sqrt(discordant - result**2)) ** 2 / result**2
    # The exact test needs a few questions more than the approximation says.
    assert 1.0 < questions / needed < 1.1


@pytest.mark.parametrize("level", [0.05, 0.01])
@pytest.mark.parametrize(
    ("questions", "discordant"), [(12, 0.5), (14, 0.8), (11, 1.0), (30, 0.4), (100, 0.05), (500, 0.2), (500, 0.0)]
)
def test_it_is_the_smallest(questions: int, discordant: float, level: float) -> None:
    result = smallest_mcnemar_difference(questions, discordant, level)
    assert result is not None
    below, above = (
        power_by_enumeration(questions, max(discordant, difference), difference, level)
        for difference in (result - 1e-6, result)
    )
    assert below < 0.8 <= above


def test_more_questions_find_smaller_differences() -> None:
    result = [smallest_mcnemar_difference(questions, 0.2) for questions in (50, 200, 800, 3200)]
    assert result == sorted(result, key=lambda value: -(value or 0))


@pytest.mark.parametrize("questions", [0, 1, 5])
def test_too_few_questions_find_nothing(questions: int) -> None:
    assert smallest_mcnemar_difference(questions, 0.2) is None


def test_any_other_metric_by_its_standard_error() -> None:
    # 1.959964 + 0.841621
    assert smallest_normal_difference(0.01) == pytest.approx(0.02801585, abs=1e-8)
    assert smallest_normal_difference(None) is None
    assert smallest_normal_difference(0.0) is None
