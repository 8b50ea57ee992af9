"""The made-up numbers, names and recipes behind the dataset synthetic."""

from __future__ import annotations

import re
from math import erfc, isclose, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally_synthetic.draws import Draws
from ragtally_synthetic.names import condition_name, drug_name
from ragtally_synthetic.numbers import Finding, _p_value, draw_numbers
from ragtally_synthetic.outcomes import OUTCOMES
from ragtally_synthetic.results import PLAIN, WITH_QUALIFICATION
from ragtally_synthetic.wording import FINDINGS_IN_WORDS, QUALIFICATIONS

NUMBER = re.compile(r"-?\d*\.?\d+")


def test_names_are_never_used_twice() -> None:
    for name in (drug_name, condition_name):
        numbers = [*range(20_000), *range(3_000_000, 3_020_000), *range(500_000_000, 500_020_000)]
        names = {name(number, 12345) for number in numbers}
        assert len(names) == len(numbers)
        assert all(re.fullmatch(r"[a-z]{8,}", one) for one in names)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(list(Finding)), st.sampled_from(OUTCOMES), st.integers(0, 2**32))
def test_numbers_show_their_finding(finding: Finding, outcome: Any, seed: int) -> None:
    numbers = draw_numbers(finding, outcome, Draws((seed,)))
    null = 1.0 if outcome.unit is None else 0.0
    low, high = map(float, bounds(numbers.interval))
    p_value = float(NUMBER.findall(numbers.p_value)[0])
    significant = finding in (Finding.BENEFIT, Finding.HARM)
    assert (low > null or high < null) == significant
    assert (p_value < 0.05) == significant
    assert finding is not Finding.UNCERTAIN or 0.05 < p_value < 0.1
    assert finding is not Finding.NULL or p_value > 0.2
    if significant:
        good = (low > null) != outcome.lower_is_better
        assert good == (finding is Finding.BENEFIT)
        assert numbers.rises == (low > null)


def bounds(interval: str) -> tuple[str, str]:
    text = interval.removeprefix("95% confidence interval").removeprefix("95% CI").lstrip(":, ")
    low, high = text.split(" to ") if " to " in text else text.split("-")
    return low, high


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from([one for one in OUTCOMES if one.unit is not None]), st.integers(0, 2**32))
def test_interval_and_p_value_come_from_one_normal_test(outcome: Any, seed: int) -> None:
    numbers = draw_numbers(Finding.NULL, outcome, Draws((seed,)))
    low, high = map(float, bounds(numbers.interval))
    error = (high - low) / (2 * 1.96)
    z = (low + high) / 2 / error
    p_value = float(NUMBER.findall(numbers.p_value)[0])
    # What is printed is rounded: half a unit of the last place, over the standard error, at the density's peak.
    rounding = 0.5 * 10 ** -len(bounds(numbers.interval)[0].split(".")[1])
    assert isclose(erfc(abs(z) / sqrt(2)), p_value, abs_tol=0.8 * 1.6 * rounding / error + 0.006)


@pytest.mark.parametrize("p_value", [0.9949, 0.995, 0.9996, 1.0])
def test_a_p_value_near_one_never_reads_as_zero(p_value: float) -> None:
    for seed in range(50):
        assert float(NUMBER.findall(_p_value(p_value, Draws((seed,))))[0]) >= 0.99


def test_every_recipe_has_words() -> None:
    assert set(PLAIN) == set(WITH_QUALIFICATION) == {"yes", "no", "maybe"}
    for recipes in (*PLAIN.values(), *WITH_QUALIFICATION.values()):
        for recipe in recipes:
            assert FINDINGS_IN_WORDS[recipe.finding]
            assert not recipe.qualification or QUALIFICATIONS[recipe.qualification]


def test_both_halves_together_tell_the_answer_and_neither_alone() -> None:
    told = [(recipe, answer) for answer, recipes in WITH_QUALIFICATION.items() for recipe in recipes]
    assert len({recipe for recipe, _ in told}) == len(set(told))
    assert {answer for recipe, answer in told if recipe.finding is Finding.BENEFIT} == {"yes", "no", "maybe"}
    assert {answer for recipe, answer in told if recipe.finding is Finding.NULL} == {"yes", "no", "maybe"}
    for answer, recipes in WITH_QUALIFICATION.items():
        alike = [recipe for recipe in recipes if recipe.qualification == "the same"]
        assert len(alike) / len(recipes) == pytest.approx(0.6), answer
