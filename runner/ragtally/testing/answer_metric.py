"""The suite for metrics of answers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from ragtally.analysis.contributions import metric_contributions
from ragtally.api import (
    Component,
    GradedAnswers,
    MeanMetric,
    MetricTraits,
    Score,
    ScoreMetric,
    Status,
    SumsMetric,
)
from ragtally.metrics import metric_scores
from ragtally.testing.component import ComponentSuite
from ragtally.testing.samples import ANSWERS

_GOLD = ["yes", "yes", "no", "maybe", "no", "yes", "maybe", "no"]


class AnswerMetricSuite(ComponentSuite):
    """Checks a metric of answers on good, mixed, hopeless, one-sided and missing verdicts."""

    kind = "metric"
    protocol = MeanMetric | SumsMetric | ScoreMetric  # type: ignore[type-arg]

    @pytest.fixture
    def samples(self) -> Mapping[str, GradedAnswers]:
        """Graded answers by what they are like."""
        return {
            "perfect": grade(_GOLD, _GOLD),
            "mixed": grade(_GOLD, ["yes", "no", "no", None, "yes", "yes", "maybe", None]),
            "hopeless": grade(_GOLD, [None, "no", "yes", "no", None, "maybe", "yes", "maybe"]),
            "one class": grade(["yes"] * 3, ["yes", "no", None]),
            "no verdicts": grade(_GOLD, [None] * len(_GOLD)),
            "no questions": grade([], []),
        }

    def test_the_traits_say_what_it_measures(self, component: Component, traits: Any) -> None:
        """The engine has to know, and a table has to know which way is better."""
        assert_traits(component, traits, "answers")

    def test_scores_are_numbers_or_reasons(
        self, build: Callable[[], Any], component: Component, samples: Mapping[str, GradedAnswers]
    ) -> None:
        """Finite, over a count, named after the metric."""
        for like, sample in samples.items():
            assert_scores(metric_scores(build(), sample), component.name, like)

    def test_names_depend_on_the_answers_alone(
        self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]
    ) -> None:
        """A table has the same columns whatever the verdicts."""
        names = {like: tuple(metric_scores(build(), sample)) for like, sample in samples.items()}
        assert len(set(names.values())) == 1, f"the printed names change: {names}"

    def test_the_order_of_the_questions_does_not_matter(
        self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]
    ) -> None:
        """A metric is of a set of questions."""
        sample = samples["mixed"]
        reverse = of_questions(sample, range(len(sample) - 1, -1, -1))
        scores = metric_scores(build(), sample)
        assert_close(metric_scores(build(), reverse), scores, "the order of the questions matters")

    def test_what_questions_contribute_makes_up_the_score(
        self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]
    ) -> None:
        """On any resample, for one cell alone and for several side by side: intervals rest on it."""
        metric, cells = build(), [samples[like] for like in ("perfect", "mixed", "hopeless", "no verdicts")]
        for name in metric_scores(metric, cells[0]):
            contributions = metric_contributions(metric, name, cells)
            for rows in ([*range(len(_GOLD))], [0, 0, 3, 5, 5, 5], [2, 4]) if contributions else ():
                parts = [of_questions(cell, rows) for cell in cells]
                expected = {str(number): metric_scores(build(), cell)[name] for number, cell in enumerate(parts)}
                scores = contributions.of_questions(np.array(rows)).scores()  # type: ignore[union-attr]
                message = f"{name} is not the formula of what its questions contribute, on the questions {rows}"
                assert_close({str(number): one for number, one in enumerate(scores)}, expected, message)

    def test_better_verdicts_do_not_score_worse(
        self, build: Callable[[], Any], traits: Any, samples: Mapping[str, GradedAnswers]
    ) -> None:
        """Checked where the traits say which way is better."""
        assert_direction(build(), traits, samples["perfect"], samples["hopeless"])

    def test_a_metric_is_pure(self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]) -> None:
        """Nothing is changed, and the same verdicts give the same scores."""
        metric = build()
        for like, sample in samples.items():
            before = copy.deepcopy(sample)
            first = metric_scores(metric, sample)
            assert sample == before, f"{like}: the metric changed the verdicts"
            assert metric_scores(metric, sample) == first == metric_scores(build(), sample), f"{like}: scores change"


def grade(gold: Sequence[str], verdict: Sequence[str | None]) -> GradedAnswers:
    """Put verdicts beside gold labels; a missing verdict was unparsed, from one vote per question.

    Args:
        gold: Gold labels.
        verdict: Verdicts.

    Returns:
        What metrics read.
    """
    status = [
        Status.UNPARSED if answer is None else Status.RIGHT if answer == label else Status.WRONG
        for label, answer in zip(gold, verdict, strict=True)
    ]
    unparsed = [int(answer is None) for answer in verdict]
    return GradedAnswers(list(gold), list(verdict), status, ANSWERS, 1, unparsed, [0] * len(gold))


def of_questions(sample: GradedAnswers, rows: Sequence[int]) -> GradedAnswers:
    """Take some of the questions, any of them several times.

    Args:
        sample: Graded answers.
        rows: Which questions, in which order.

    Returns:
        Their graded answers.
    """
    columns = (sample.gold, sample.verdict, sample.status, sample.ballots_unparsed, sample.ballots_failed)
    gold, verdict, status, unparsed, failures = ([column[row] for row in rows] for column in columns)
    return GradedAnswers(gold, verdict, status, sample.answers, sample.votes, unparsed, failures)  # type: ignore[arg-type]


def assert_traits(component: Component, traits: Any, measures: str) -> None:
    """Check that a metric declares its traits.

    Args:
        component: The component.
        traits: Its traits.
        measures: What they have to say that it measures.
    """
    assert isinstance(component.traits, MetricTraits), "declare traits=MetricTraits(measures=..., unit=...)"
    assert traits.measures == measures, f"this suite is for metrics of {measures}"
    assert traits.unit in ("share", "number", "count"), f"{traits.unit!r} is no unit"


def assert_direction(metric: Any, traits: Any, good: Any, bad: Any) -> None:
    """Check that what is better does not score worse.

    Args:
        metric: The built metric.
        traits: Its traits.
        good: The best that there is to measure.
        bad: The worst.
    """
    if traits.higher_is_better is None:
        return
    sign = 1 if traits.higher_is_better else -1
    best, worst = metric_scores(metric, good), metric_scores(metric, bad)
    for name in best:
        first, second = best[name].value, worst[name].value
        if first is not None and second is not None:
            assert sign * first >= sign * second, f"{name}: the wrong way is declared better"


def assert_scores(scores: Mapping[str, Score], name: str, like: str) -> None:
    """Check that scores keep the contract.

    Args:
        scores: A metric's scores by printed name.
        name: The printed name without classes.
        like: What was scored, for the message.
    """
    assert scores, f"{like}: there is no score"
    for key, score in scores.items():
        assert isinstance(score, Score), f"{like}: {key} is no Score"
        assert key.partition("[")[0] == name, f"{like}: {key!r} is not named after {name!r}"
        assert type(score.denominator) is int and score.denominator >= 0, f"{like}: {key} counts from 0"
        assert score.value is None or math.isfinite(score.value), f"{like}: {key} is {score.value}"
        assert score.denominator or score.value is None, f"{like}: {key} is a number that rests on nothing"


def assert_close(scores: Mapping[str, Score], expected: Mapping[str, Score], message: str) -> None:
    """Check that two results are the same up to rounding.

    Args:
        scores: Scores.
        expected: What they should be.
        message: What it means where they are not.
    """
    assert list(scores) == list(expected), message
    for name, score in scores.items():
        value, other = score.value, expected[name].value
        same = value == other if value is None or other is None else math.isclose(value, other, abs_tol=1e-12)
        assert same and score.denominator == expected[name].denominator, f"{message}: {name}"
