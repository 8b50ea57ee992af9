"""A number is written one way: with its interval, its unit and its denominator."""

from __future__ import annotations

import pytest

from ragtally.analysis.estimate import Estimate
from ragtally.present.numbers import (
    PORTION,
    Portion,
    count,
    dollars,
    form_of,
    p_value,
    seconds,
)

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("estimate", "unit", "page", "terminal"),
    [
        (Estimate(0.8431, 102, 0.76, 0.9011), "share", "84.3 % [76.0, 90.1] of 102", "84.3 % [76.0, 90.1]"),
        (Estimate(0.5, 2_000, reason="a count has none"), "share", "50.0 % of 2,000", "50.0 %"),
        (Estimate(0.8431, 102, 0.76, 0.9011), "number", "0.843 [0.760, 0.901] over 102", "0.843 [0.760, 0.901]"),
        (Estimate(None, 0, reason="no label"), "share", "not scored: no label", "-"),
    ],
)
def test_a_number_has_its_interval_and_its_denominator(
    estimate: Estimate, unit: str, page: str, terminal: str
) -> None:
    form = form_of(unit)
    assert (form.write(estimate).replace(NBSP, " "), form.brief(estimate).replace(NBSP, " ")) == (page, terminal)


def test_a_count_is_whole_and_a_bare_number_has_no_denominator() -> None:
    assert form_of("count").write(Estimate(12.0, 40, reason="a count has none")) == "12 over 40"
    assert form_of("number").write(0.5) == "0.500"


def test_an_unknown_price_is_unknown_and_never_zero() -> None:
    assert [dollars(value) for value in (None, 0.0, 0.00123, 1234.5)] == ["unknown", "$0", "$0.00123", "$1,234.50"]
    assert [dollars(value) for value in (4.567e-6, 2e-5, 0.9999, -0.5)] == ["$0.00000457", "$0.00002", "$1", "$-0.5"]
    assert [seconds(value).replace(NBSP, " ") for value in (None, 0.01234, 12_345.6)] == [
        "unknown", "0.0123 s", "12,346 s",
    ]  # fmt: skip
    assert (count(1, "question"), count(2, "question")) == ("1 question", "2 questions")


def test_a_difference_rounded_to_nothing_has_no_minus() -> None:
    assert form_of("share", with_sign=True).write(Estimate(-0.00001, 10, -0.1, 0.1)).startswith("+0.0")


def test_a_small_p_value_is_not_written_as_zero() -> None:
    assert [p_value(value) for value in (None, 0.00004, 0.0654)] == ["none", "<0.0001", "0.0654"]


def test_a_count_of_none_has_no_share() -> None:
    assert PORTION.write(Portion(0, 0)) == "0"
    assert PORTION.write(Portion(3, 4)).replace(NBSP, " ") == "3 (75.0 % of 4)"
