"""The suite for readers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from ragtally.api import CONDITIONS, Answers, Reader, Reading, Vote
from ragtally.testing import samples
from ragtally.testing.component import ComponentSuite

VOTES = (Vote("label", 0, 11), Vote("measure", 0, 12), Vote("measure", 1, 13))
_MEASURES = ("input_tokens", "output_tokens", "seconds", "dollars")


class ReaderSuite(ComponentSuite):
    """Checks a reader that need not be trained.

    Attributes:
        repeatable: Whether the same vote on the same reading must give the same answers; a sampled model
            behind a server cannot promise that.
    """

    kind = "reader"
    protocol = Reader
    repeatable: ClassVar[bool] = True

    @pytest.fixture
    def reading(self, traits: Any) -> Reading:
        """The questions, with answers to choose from where it chooses; override it for one that knows certain
        questions only.
        """
        questions = samples.reading()
        return replace(questions, answers=()) if traits.answers == "open" else questions

    @pytest.fixture
    def ready(self, build: Callable[[], Any]) -> Callable[[Vote], Any]:
        """Build a reader that is ready to cast a vote, again with each call."""
        return lambda vote: build()

    def test_the_traits_fit_together(self, traits: Any) -> None:
        """A condition is one that there is."""
        assert traits.condition is None or traits.condition in CONDITIONS, (
            f"there is no condition {traits.condition!r}"
        )
        assert traits.draws in ("fresh", "fixed", "recorded"), f"there is no kind of draw {traits.draws!r}"

    @pytest.mark.parametrize("vote", VOTES, ids=str)
    def test_every_question_gets_exactly_one_of_text_choice_and_error(
        self, ready: Callable[[Vote], Any], reading: Reading, vote: Vote
    ) -> None:
        """One row per question, choices among the declared answers, measures that can be."""
        _assert_answers(ready(vote).read(reading, vote), reading)

    def test_no_questions_get_no_answers(self, ready: Callable[[Vote], Any], reading: Reading) -> None:
        """Columns of no rows."""
        nothing = Reading([], [], [], reading.answers)
        _assert_answers(ready(VOTES[0]).read(nothing, VOTES[0]), nothing)

    def test_the_same_vote_gives_the_same_answers(self, ready: Callable[[Vote], Any], reading: Reading) -> None:
        """Checked where the reader is repeatable."""
        if self.repeatable:
            vote = VOTES[1]
            reader = ready(vote)
            first = content(reader.read(reading, vote))
            assert content(reader.read(reading, vote)) == first, "the same vote gives other answers the second time"
            assert content(ready(vote).read(reading, vote)) == first, (
                "another reader of the same vote answers otherwise"
            )

    def test_a_question_is_answered_alike_alone_and_among_others(
        self, ready: Callable[[Vote], Any], reading: Reading
    ) -> None:
        """Checked where the reader is repeatable: questions do not influence each other, rows stay in order."""
        if self.repeatable:
            vote = VOTES[1]
            reader = ready(vote)
            together = content(reader.read(reading, vote))
            alone = [content(reader.read(_row(reading, row), vote))[0] for row in range(len(reading))]
            assert alone == together, "a question alone is answered otherwise than among others"

    def test_fixed_draws_are_the_same_for_every_vote(
        self, ready: Callable[[Vote], Any], traits: Any, reading: Reading
    ) -> None:
        """Checked where the traits say so: another vote of such a reader would be the same vote counted twice."""
        if traits.draws == "fixed":
            answers = [content(ready(vote).read(reading, vote)) for vote in VOTES]
            assert answers[0] == answers[1] == answers[2], "votes differ, so draws are not fixed"

    def test_a_reader_with_a_condition_ignores_the_passages(
        self, ready: Callable[[Vote], Any], traits: Any, reading: Reading
    ) -> None:
        """Checked where the traits name a condition: such a reader is asked once, not once per retrieval."""
        if traits.condition is not None and self.repeatable:
            without = replace(reading, passages=[[] for _ in reading.id])
            reader = ready(VOTES[1])
            with_passages = content(reader.read(reading, VOTES[1]))
            assert content(reader.read(without, VOTES[1])) == with_passages, (
                "the answers depend on the passages, so the traits must name no condition"
            )

    def test_ids_tell_a_reader_nothing(self, ready: Callable[[Vote], Any], traits: Any, reading: Reading) -> None:
        """A reader reads questions and passages; one that looks questions up by id declares a condition."""
        if traits.condition is None and self.repeatable:
            new_ids = replace(reading, id=[f"renamed-{row}" for row in range(len(reading))])
            reader = ready(VOTES[1])
            answers = content(reader.read(reading, VOTES[1]))
            assert content(reader.read(new_ids, VOTES[1])) == answers, "the answers depend on the questions' ids"

    def test_the_reading_stays_as_it_is(self, ready: Callable[[Vote], Any], reading: Reading) -> None:
        """A reader only reads."""
        before = (list(reading.id), list(reading.question), [list(front) for front in reading.passages])
        ready(VOTES[0]).read(reading, VOTES[0])
        after = (list(reading.id), list(reading.question), [list(front) for front in reading.passages])
        assert after == before, "the reader changed the reading"


def content(answers: Answers) -> list[tuple[str | None, str | None, str | None]]:
    """List text, choice and error of each question, without what was measured."""
    return list(zip(answers.text, answers.choice, answers.error, strict=True))


def _assert_answers(answers: Answers, reading: Reading) -> None:
    assert isinstance(answers, Answers), "`read` returns Answers"
    for name in ("text", "choice", "error"):
        assert len(getattr(answers, name)) == len(reading), f"`{name}` must have one row per question"
    for row in content(answers):
        values = [value for value in row if value is not None]
        assert len(values) == 1, f"exactly one of text, choice and error must be set, not {row}"
        assert isinstance(values[0], str), f"{values[0]!r} is no text"
        is_answer = not reading.answers or row[1] in reading.answers
        assert row[1] is None or is_answer, f"the choice {row[1]!r} is no declared answer"
    for name in _MEASURES:
        column: Sequence[Any] | None = getattr(answers, name)
        if column is None:
            continue
        assert len(column) == len(reading), f"`{name}` must have one row per question, or be None"
        for value in column:
            assert value is None or (math.isfinite(value) and value >= 0), f"`{name}` cannot be {value!r}"


def _row(reading: Reading, row: int) -> Reading:
    return Reading([reading.id[row]], [reading.question[row]], [reading.passages[row]], reading.answers)
