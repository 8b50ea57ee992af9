"""Ballots to verdicts and statuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import ABSTENTION, GradedAnswers, PluginError, Status, VoteRule
from ragtally.voting import Ballots, answer_pairs, decide, decide_open, grade_open, grade_verdicts, select_ballots

ANSWERS = ("yes", "no", "maybe")
FAILED = "failed"
"""Stands for a failed call in the tables below."""


def judge_verdicts(ballots: Ballots, rule: VoteRule, gold: Sequence[str], answers: tuple[str, ...]) -> GradedAnswers:
    return grade_verdicts(ballots, decide(ballots, rule), gold, answers)


def test_there_must_be_one_verdict_a_question() -> None:
    with pytest.raises(ValueError, match="2 questions"):
        grade_verdicts(Ballots([["yes", "no"]], [[False, False]]), ["yes"], ["yes", "no"], ANSWERS)


class Majority:
    """More than half of the votes asked for; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        self.asked += 1
        answer, votes = Counter(ballots).most_common(1)[0]
        return answer if 2 * votes > len(ballots) else None


class Stubborn:
    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        return "yes"


def cast(*questions: tuple[str | None, ...]) -> Ballots:
    """Ballots from one tuple a question, with one entry a vote."""
    votes = list(zip(*questions, strict=True))
    return Ballots(
        choice=[[None if entry == FAILED else entry for entry in column] for column in votes],
        failed=[[entry == FAILED for entry in column] for column in votes],
    )


@pytest.mark.parametrize(
    ("ballots", "verdict", "status"),
    [
        (("yes",), "yes", Status.RIGHT),
        (("no",), "no", Status.WRONG),
        ((None,), None, Status.UNPARSED),
        ((FAILED,), None, Status.CALL_FAILED),
        (("yes", "yes", None), "yes", Status.RIGHT),
        (("no", "no", FAILED), "no", Status.WRONG),
        (("yes", "no", "maybe"), None, Status.NO_VERDICT),
        (("yes", None, None), None, Status.NO_VERDICT),
        (("yes", FAILED, FAILED), None, Status.NO_VERDICT),
        ((None, FAILED, FAILED), None, Status.UNPARSED),
        ((None, None, None), None, Status.UNPARSED),
        ((FAILED, FAILED, FAILED), None, Status.CALL_FAILED),
    ],
)
def test_what_becomes_of_a_question(ballots: tuple[str | None, ...], verdict: str | None, status: Status) -> None:
    answers = judge_verdicts(cast(ballots), Majority(), ["yes"], ANSWERS)
    assert answers.verdict == [verdict]
    assert answers.status == [status]
    assert answers.votes == len(ballots)
    assert answers.ballots_unparsed == [ballots.count(None)]
    assert answers.ballots_failed == [ballots.count(FAILED)]


@st.composite
def elections(draw: st.DrawFn) -> tuple[Ballots, list[str]]:
    votes = draw(st.integers(1, 5))
    entry = st.sampled_from([*ANSWERS, None, FAILED])
    questions = draw(st.lists(st.tuples(*[entry] * votes), min_size=1, max_size=8))
    return cast(*questions), [draw(st.sampled_from(ANSWERS)) for _ in questions]


@given(elections())
def test_statuses_and_ballots_add_up(election: tuple[Ballots, list[str]]) -> None:
    ballots, gold = election
    answers = judge_verdicts(ballots, Majority(), gold, ANSWERS)
    parsed = sum(choice is not None for column in ballots.choice for choice in column)
    assert parsed + sum(answers.ballots_unparsed) + sum(answers.ballots_failed) == answers.votes * len(answers)
    assert len(answers.status) == len(answers.verdict) == len(answers) == len(ballots)
    for verdict, status, label in zip(answers.verdict, answers.status, answers.gold, strict=True):
        assert (status is Status.RIGHT) == (verdict == label)
        assert (status is Status.WRONG) == (verdict is not None and verdict != label)


@given(elections(), st.data())
def test_questions_are_decided_independently_of_each_other(
    election: tuple[Ballots, list[str]], data: st.DataObject
) -> None:
    ballots, gold = election
    rows = data.draw(st.lists(st.integers(0, len(gold) - 1), unique=True, min_size=1))
    everything = judge_verdicts(ballots, Majority(), gold, ANSWERS)
    some = judge_verdicts(select_ballots(ballots, rows), Majority(), [gold[row] for row in rows], ANSWERS)
    assert some.verdict == [everything.verdict[row] for row in rows]
    assert some.status == [everything.status[row] for row in rows]


def test_no_questions_are_judged_to_nothing() -> None:
    answers = judge_verdicts(Ballots([[], []], [[], []]), Majority(), [], ANSWERS)
    assert (len(answers), answers.ballots_unparsed) == (0, [])


def test_a_rule_is_asked_once_about_equal_ballots() -> None:
    rule = Majority()
    assert decide(cast(("yes", "no"), ("yes", "yes"), ("yes", "no")), rule) == [None, "yes", None]
    assert rule.asked == 2


def test_a_rule_that_invents_a_verdict_is_named() -> None:
    with pytest.raises(PluginError, match="Stubborn decides for 'yes'"):
        decide(cast(("no", None)), Stubborn())


@pytest.mark.parametrize(
    ("choice", "failed", "message"),
    [
        ([], [], "at least one vote"),
        ([["yes"]], [], "as many columns"),
        ([["yes"], ["yes", "no"]], [[False], [False, False]], "one ballot per question"),
        ([["yes"]], [[False, False]], "one ballot per question"),
        ([["yes"]], [[True]], "failed call has no ballot"),
    ],
)
def test_ballots_that_contradict_themselves(
    choice: list[list[str | None]], failed: list[list[bool]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Ballots(choice, failed)


@pytest.mark.parametrize(
    ("ballots", "gold", "message"),
    [(("yes",), ["yes", "no"], "2 gold labels"), (("yes",), ["perhaps"], "perhaps"), (("nope",), ["yes"], "nope")],
)
def test_labels_and_ballots_must_fit_the_declared_answers(
    ballots: tuple[str, ...], gold: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        judge_verdicts(cast(ballots), Majority(), gold, ANSWERS)


@pytest.mark.parametrize(
    ("cast", "verdict"),
    [
        (["The Tarn.", "tarn", "Ouse"], "The Tarn."),
        (["Ouse", "tarn", "the Tarn!"], "tarn"),
        (["Tarn", "Ouse", "Lune"], None),
        ([ABSTENTION, ABSTENTION, "cannot answer"], ABSTENTION),
        (["cannot answer", ABSTENTION, "I"], None),
        ([None, "a", "the"], None),
        ([None, "Tarn", "Tarn"], "Tarn"),
    ],
)
def test_open_ballots_are_pooled_by_their_normalised_text(cast: list[str | None], verdict: str | None) -> None:
    ballots = Ballots([[ballot] for ballot in cast], [[False]] * len(cast))
    assert decide_open(ballots, Majority(), "en") == [verdict]


@pytest.mark.parametrize(
    ("cast", "same", "verdict"),
    [
        (["Tarn", "the river Tarn", "Ouse"], [("Tarn", "the river Tarn")], "Tarn"),
        (["Ouse", "River Tarn", "tarn", None], [("River Tarn", "tarn")], None),
        # Words that differ in what normalisation drops are one answer before anybody is asked.
        (["River Tarn", "Tarn", "the Tarn!"], [], "Tarn"),
        # The third says the same as the second alone, which is not the first of its pool.
        (["a b", "b c", "c d"], [("a b", "b c"), ("b c", "c d")], "a b"),
        (["a b", "b c", "c d", "c d"], [("a b", "b c"), ("b c", "c d")], None),
    ],
)
def test_answers_that_say_the_same_are_pooled_with_the_first_of_them(
    cast: list[str | None], same: list[tuple[str, str]], verdict: str | None
) -> None:
    ballots = Ballots([["x", ballot] for ballot in cast], [[False, False]] * len(cast))
    assert decide_open(ballots, Majority(), "en", {1: same}) == ["x", verdict]
    pairs = list(answer_pairs(ballots, "en"))
    assert set(same) <= {pair for row, pair in pairs if row == 1} and {row for row, _ in pairs} == {1}


def test_who_abstains_or_says_nothing_is_compared_with_nobody() -> None:
    ballots = Ballots([[ABSTENTION], ["Tarn"], ["the tarn"], [None], ["Ouse"]], [[False]] * 5)
    assert list(answer_pairs(ballots, "en")) == [(0, ("Tarn", "Ouse"))]


def test_an_open_verdict_is_right_wrong_or_not_graded_and_without_one_it_says_why() -> None:
    ballots = Ballots([["Tarn", "Ouse", "Lune", None, None]], [[False, False, False, False, True]])
    references = [["Tarn"], ["Tarn"], ["Tarn"], ["Tarn"], []]
    verdicts = ["Tarn", "Ouse", "Lune", None, None]
    graded = grade_open(ballots, verdicts, [True, False, None, None, None], references, "en")
    expected = [Status.RIGHT, Status.WRONG, Status.NOT_GRADED, Status.UNPARSED, Status.CALL_FAILED]
    assert graded.status == expected
    assert (graded.references, graded.answers, len(graded)) == (references, (), 5)
    assert (graded.ballots_unparsed, graded.ballots_failed) == ([0, 0, 0, 1, 0], [0, 0, 0, 0, 1])
