"""The paired randomisation test: against all swaps, McNemar's exact test and scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

from made_results import answer_contributions
from ragtally.analysis.contributions import Contributions, mean_contributions, ratio_contributions
from ragtally.analysis.mcnemar import count_pairs, mcnemar
from ragtally.analysis.randomisation import randomisation_tests

ANSWERS = ("yes", "no", "maybe")


def contributions(metric: str, gold: np.ndarray, verdict: np.ndarray) -> Contributions:
    found = answer_contributions(metric, gold, verdict, ANSWERS)
    assert found is not None
    return found


def answers(questions: int, seed: int, skill: tuple[float, ...] = (0.6, 0.6)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, questions)
    right = rng.random((questions, len(skill))) < skill
    return gold, np.where(right, gold[:, None], rng.integers(0, 3, (questions, len(skill))))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("cluster", [None, np.arange(8) // 2])
def test_few_questions_are_swapped_in_every_way(seed: int, cluster: np.ndarray | None) -> None:
    gold, said = answers(8, seed, (0.9, 0.3))
    unit = np.arange(8) if cluster is None else cluster

    def macro_f1(column: np.ndarray) -> float:
        return float(np.mean([f1(column, answer) for answer in np.unique(gold)]))

    def f1(column: np.ndarray, answer: int) -> float:
        right = ((column == answer) & (gold == answer)).sum()
        return 2 * right / ((column == answer).sum() + (gold == answer).sum())

    differences = []
    for swap in itertools.product([False, True], repeat=int(unit.max()) + 1):
        swapped = np.where(np.array(swap)[unit][:, None], said[:, ::-1], said)
        differences.append(abs(macro_f1(swapped[:, 0]) - macro_f1(swapped[:, 1])))
    expected = np.mean(np.array(differences) >= differences[0] - 1e-10)
    (found,) = randomisation_tests(
        contributions("macro_f1", gold, said), [(0, 1)], np.random.default_rng(0), cluster=cluster
    )
    assert found.test == "exact randomisation"
    assert found.p_value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("first_only", "second_only"), [(0, 0), (1, 0), (9, 2), (8, 4), (30, 14), (40, 35)])
def test_of_right_answers_it_is_mcnemars(first_only: int, second_only: int) -> None:
    first = [1] * (20 + first_only) + [0] * (second_only + 7)
    second = [1] * 20 + [0] * first_only + [1] * second_only + [0] * 7
    expected = mcnemar(count_pairs(first, second)).p_value
    (found,) = randomisation_tests(
        mean_contributions(np.stack([first, second], axis=1)), [(0, 1)], np.random.default_rng(0), 20_000
    )
    assert found.discordant == first_only + second_only
    exact = found.discordant <= 12
    assert found.p_value == pytest.approx(expected, abs=1e-12 if exact else 0.012)


def test_of_a_mean_it_is_scipys() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.random(60), rng.random(60) - 0.1
    (found,) = randomisation_tests(
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
    assert found.p_value == pytest.approx(expected, abs=0.025)


def test_a_pair_does_not_depend_on_the_others_or_on_their_order() -> None:
    gold, said = answers(200, 4, (0.6, 0.7, 0.5))
    some = contributions("macro_f1", gold, said)
    alone = randomisation_tests(some, [(0, 1)], np.random.default_rng(3), 500)[0]
    among = randomisation_tests(some, [(2, 1), (0, 1), (1, 0)], np.random.default_rng(3), 500)
    assert alone == among[1]
    assert among[2].p_value == alone.p_value


def test_a_true_difference_is_found() -> None:
    gold, said = answers(300, 5, (0.8, 0.5))
    (found,) = randomisation_tests(contributions("macro_f1", gold, said), [(0, 1)], np.random.default_rng(0), 999)
    assert found.p_value == 1 / 1000
    assert found.test == "randomisation, 999 swaps"


def test_a_metric_that_is_not_defined_is_not_tested() -> None:
    some = ratio_contributions([[1, 0], [0, 0]], [[1, 0], [1, 0]], "no verdict is 'yes'")
    (found,) = randomisation_tests(some, [(0, 1)], np.random.default_rng(0))
    assert (found.p_value, found.reason) == (None, "no verdict is 'yes'")
    with pytest.raises(ValueError, match="nothing to test with"):
        randomisation_tests(some, [(0, 1)], np.random.default_rng(0), resamples=0)
