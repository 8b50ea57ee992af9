"""What the graders call right, wrong, unlike and not comparable."""

from __future__ import annotations

from typing import Any

import pytest

from ragtally.api import Choice, Grade, OpenAnswer
from ragtally.registry import load_registry

RIGHT, WRONG, NO_MATCH, NOT_COMPARABLE = Grade.RIGHT, Grade.WRONG, Grade.NO_MATCH, Grade.NOT_COMPARABLE


def grade(name: str, verdict: str, *references: str, language: str = "en", **parameters: Any) -> Grade:
    registry = load_registry()
    grader = registry.build(registry.complete(Choice("grader", name, parameters)))
    result: Grade = grader.grade(OpenAnswer("What?", verdict, references, language))
    return result


@pytest.mark.parametrize(
    ("verdict", "references", "language", "expected"),
    [
        ("The Tarn.", ("tarn",), "en", RIGHT),
        ("tarn", ("Ouse", "the Tarn"), "en", RIGHT),
        ("the river Tarn", ("Tarn",), "en", NO_MATCH),
        ("o Tejo", ("Tejo",), "pt", RIGHT),
        ("o Tejo", ("Tejo",), "en", NO_MATCH),
    ],
)
def test_exact(verdict: str, references: tuple[str, ...], language: str, expected: Grade) -> None:
    assert grade("exact", verdict, *references, language=language) is expected


@pytest.mark.parametrize(
    ("verdict", "reference", "expected"),
    [
        ("It lies on the river Tarn.", "Tarn", RIGHT),
        ("Nine and twenty people", "nine twenty", NO_MATCH),
        ("1300 people", "300", NO_MATCH),
        ("anything", "the", NO_MATCH),
        ("word " * 60 + "Tarn", "Tarn", NO_MATCH),
    ],
)
def test_contains(verdict: str, reference: str, expected: Grade) -> None:
    assert grade("contains", verdict, reference) is expected


def test_contains_has_no_limit_where_there_is_to_be_none() -> None:
    assert grade("contains", "word " * 60 + "Tarn", "Tarn", most_words=None) is RIGHT


def test_token_f1_is_right_from_its_threshold_on() -> None:
    # Two of three words and two of two: F1 is 0.8.
    assert grade("token_f1", "river Tarn valley", "river Tarn", at_least=0.8) is RIGHT
    assert grade("token_f1", "river Tarn valley", "river Tarn", at_least=0.81) is NO_MATCH


@pytest.mark.parametrize(
    ("verdict", "reference", "parameters", "expected"),
    [
        ("42", "42", {}, RIGHT),
        ("It is 42.0 in all.", "42", {}, RIGHT),
        ("43", "42", {}, WRONG),
        ("42.3", "42", {"tolerance": 0.01}, RIGHT),
        ("42.5", "42", {"tolerance": 0.01}, WRONG),
        ("1,234", "1234", {}, RIGHT),
        ("1.234", "1234", {"language": "pt"}, RIGHT),
        ("1.234", "1.234", {}, RIGHT),
        ("3,5", "3.5", {"language": "de"}, RIGHT),
        ("3,5", "3.5", {}, RIGHT),
        ("1.234,5", "1,234.5", {}, RIGHT),
        ("1 234 567", "1234567", {}, RIGHT),
        ("-5", "5", {}, WRONG),
        ("−5 °C", "-5", {}, RIGHT),
        ("2e3", "2000", {}, RIGHT),
        ("½", "0.5", {}, NO_MATCH),
        ("2.5 km", "2500 m", {"units": {"m": 1, "km": 1000}}, RIGHT),
        ("2.5 miles", "2.5 km", {"units": {"m": 1, "km": 1000}}, WRONG),
        ("24 sacks", "24", {}, RIGHT),
        ("24 %", "24", {}, RIGHT),
        ("24 %", "24 points", {}, WRONG),
        ("about a dozen", "12", {}, NO_MATCH),
        ("12 or 13", "12", {}, NO_MATCH),
        ("Tarn", "Ouse", {}, NOT_COMPARABLE),
        ("3", "1 to 3", {}, NOT_COMPARABLE),
        ("COVID-19", "19", {}, NO_MATCH),
    ],
)
def test_numeric(verdict: str, reference: str, parameters: dict[str, Any], expected: Grade) -> None:
    assert grade("numeric", verdict, reference, **parameters) is expected
