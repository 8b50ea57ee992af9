"""The suite for graders."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from ragtally.api import Grade, Grader, OpenAnswer
from ragtally.testing.component import ComponentSuite

_TEXTS = (
    "Paris",
    "the Paris.",
    "in Paris, France",
    "42",
    "42.0 km",
    "1,234",
    "l'été",
    "北京",
    "?",
    "no",
    "word " * 300,
)


class GraderSuite(ComponentSuite):
    """Checks a grader on words, numbers, signs and long answers, in every pair."""

    kind = "grader"
    protocol = Grader

    def test_every_answer_gets_a_grade(self, build: Callable[[], Any]) -> None:
        """Whatever the answer and the references are."""
        grader = build()
        for verdict, reference in itertools.product(_TEXTS, repeat=2):
            grade = grader.grade(OpenAnswer("What?", verdict, (reference,)))
            assert isinstance(grade, Grade), f"{verdict!r} beside {reference!r} gets {grade!r}, which is no Grade"

    def test_a_reference_itself_is_not_wrong(self, build: Callable[[], Any]) -> None:
        """Who answers in the words of a reference cannot be wrong."""
        grader = build()
        for text in _TEXTS:
            grade = grader.grade(OpenAnswer("What?", text, (text,)))
            assert grade is not Grade.WRONG, f"{text!r} is a reference, and is called wrong"

    def test_a_grader_is_pure(self, build: Callable[[], Any]) -> None:
        """The same answer has the same grade, from any grader of the same parameters and in any order."""
        grader, again = build(), build()
        answers = [OpenAnswer("What?", *pair) for pair in itertools.product(_TEXTS, [_TEXTS[:2], _TEXTS[2:5]])]
        grades = [grader.grade(answer) for answer in answers]
        assert grades == [again.grade(answer) for answer in reversed(answers)][::-1], "an answer has two grades"

    def test_the_order_of_references_does_not_matter(self, build: Callable[[], Any]) -> None:
        """They are all right."""
        grader = build()
        for verdict, one, other in itertools.permutations(_TEXTS, 3):
            grades = {grader.grade(OpenAnswer("What?", verdict, pair)) for pair in ((one, other), (other, one))}
            assert len(grades) == 1, f"the grade of {verdict!r} depends on the order of {one!r} and {other!r}"
