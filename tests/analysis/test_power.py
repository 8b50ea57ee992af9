"""The smallest difference that could have been found: against enumeration and Connor's formula."""

from __future__ import annotations

import math

import pytest
from scipy.stats import binomtest, multinomial, norm

from ragtally.analysis.power import mcnemar_power, smallest_mcnemar_difference, smallest_normal_difference


@pytest.mark.parametrize(
    ("questions", "discordant", "difference"), [(12, 0.5, 0.3), (14, 0.8, 0.8), (9, 0.0, 0.0), (11, 1.0, 0.2)]
)
def test_power_is_the_sum_over_all_outcomes(questions: int, discordant: float, difference: float) -> None:
    better, worse = (discordant + difference) / 2, (discordant - difference) / 2
    outcomes = multinomial(questions, [better, worse, 1 - better - worse])
    expected = sum(
        outcomes.pmf([wins, losses, questions - wins - losses])
        for wins in range(questions + 1)
        for losses in range(questions + 1 - wins)
        if wins + losses and binomtest(wins, wins + losses).pvalue <= 0.05
    )
    assert mcnemar_power(questions, discordant, difference) == pytest.approx(expected, abs=1e-9)
    assert mcnemar_power(questions, discordant, -difference) == mcnemar_power(questions, discordant, difference)


@pytest.mark.parametrize(("questions", "discordant"), [(500, 0.2), (1000, 0.1), (5000, 0.15), (211_000, 0.1)])
def test_the_smallest_difference_comes_close_to_connors(questions: int, discordant: float) -> None:
    found = smallest_mcnemar_difference(questions, discordant)
    assert found.value is not None
    # Connor (1987), equation 3, solved for the number of questions.
    level, power = norm.ppf(0.975), norm.ppf(0.8)
    needed = (level * math.sqrt(discordant) + power * math.sqrt(discordant - found.value**2)) ** 2 / found.value**2
    # The exact test needs a few questions more than the approximation says.
    assert 1.0 < questions / needed < 1.1


@pytest.mark.parametrize(("questions", "discordant"), [(30, 0.4), (100, 0.05), (500, 0.2), (500, 0.0)])
def test_it_is_the_smallest(questions: int, discordant: float) -> None:
    found = smallest_mcnemar_difference(questions, discordant, level=0.01, power=0.9).value
    assert found is not None

    def power(difference: float) -> float:
        return mcnemar_power(questions, max(discordant, difference), difference, level=0.01)

    assert power(found + 1e-6) >= 0.9 > power(found - 1e-6)


def test_more_questions_find_smaller_differences() -> None:
    found = [smallest_mcnemar_difference(questions, 0.2).value for questions in (50, 200, 800, 3200)]
    assert found == sorted(found, key=lambda value: -(value or 0))


@pytest.mark.parametrize("questions", [0, 1, 5])
def test_too_few_questions_find_nothing(questions: int) -> None:
    found = smallest_mcnemar_difference(questions, 0.2)
    assert found.value is None
    assert found.reason == f"{questions} questions are too few to find any difference with 80% probability"


def test_any_other_metric_by_its_standard_error() -> None:
    # 1.959964 + 0.841621
    assert smallest_normal_difference(0.01).value == pytest.approx(0.02801585, abs=1e-8)
    assert smallest_normal_difference(None).reason == "there is no standard error"
    assert smallest_normal_difference(0.0).reason == "the two do not differ in any resample"


@pytest.mark.parametrize(("discordant", "difference"), [(0.1, 0.2), (1.2, 0.1), (-0.1, 0.0)])
def test_what_cannot_be_is_refused(discordant: float, difference: float) -> None:
    with pytest.raises(ValueError, match="no difference"):
        mcnemar_power(100, discordant, difference)
    with pytest.raises(ValueError, match="level"):
        mcnemar_power(100, 0.1, 0.1, level=1.0)
