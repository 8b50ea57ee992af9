"""The suite for metrics that judge answers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from ragtally.api import AnswerMetric, Component, GradedAnswers, MetricTraits, Score, Status
from ragtally.testing.component import ComponentSuite
from ragtally.testing.samples import ANSWERS

_GOLD = ["yes", "yes", "no", "maybe", "no", "yes", "maybe", "no"]


class AnswerMetricSuite(ComponentSuite):
    """Checks a metric of answers on good, mixed, hopeless, one-sided and missing verdicts."""

    kind = "metric"
    protocol = AnswerMetric

    @pytest.fixture
    def samples(self) -> Mapping[str, GradedAnswers]:
        """Verdicts by what they are like."""
        return {
            "perfect": judged(_GOLD, _GOLD),
            "mixed": judged(_GOLD, ["yes", "no", "no", None, "yes", "yes", "maybe", None]),
            "hopeless": judged(_GOLD, [None, "no", "yes", "no", None, "maybe", "yes", "maybe"]),
            "one class": judged(["yes"] * 3, ["yes", "no", None]),
            "no verdicts": judged(_GOLD, [None] * len(_GOLD)),
            "no questions": judged([], []),
        }

    def test_the_traits_say_what_it_judges(self, component: Component, traits: Any) -> None:
        """The engine has to know, and a table has to know which way is better."""
        assert isinstance(component.traits, MetricTraits), (
            "declare traits=MetricTraits(judges=..., higher_is_better=...)"
        )
        assert traits.measures == "answers", "a metric of answers judges answers"

    def test_scores_are_numbers_or_reasons(
        self, build: Callable[[], Any], component: Component, samples: Mapping[str, GradedAnswers]
    ) -> None:
        """Finite, over a count, named after the metric."""
        for like, sample in samples.items():
            assert_scores(build().score(sample), component.name, like)

    def test_names_depend_on_the_answers_alone(
        self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]
    ) -> None:
        """A table has the same columns whatever the verdicts."""
        names = {like: list(build().score(sample)) for like, sample in samples.items()}
        assert len({tuple(of_one) for of_one in names.values()}) == 1, f"the printed names change: {names}"

    def test_the_order_of_the_questions_does_not_matter(
        self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]
    ) -> None:
        """A metric is of a set of questions."""
        sample = samples["mixed"]
        turned = judged(list(reversed(sample.gold)), list(reversed(sample.verdict)))
        assert_close(build().score(turned), build().score(sample), "the order of the questions matters")

    def test_better_verdicts_do_not_score_worse(
        self, build: Callable[[], Any], traits: Any, samples: Mapping[str, GradedAnswers]
    ) -> None:
        """Checked where the traits say which way is better."""
        if traits.higher_is_better is not None:
            sign = 1 if traits.higher_is_better else -1
            best, worst = build().score(samples["perfect"]), build().score(samples["hopeless"])
            for name in best:
                if best[name].value is not None and worst[name].value is not None:
                    assert sign * best[name].value >= sign * worst[name].value, (
                        f"{name}: the wrong way is declared better"
                    )

    def test_a_metric_is_pure(self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]) -> None:
        """Nothing is changed, and the same verdicts give the same scores."""
        metric = build()
        for like, sample in samples.items():
            before = copy.deepcopy(sample)
            first = metric.score(sample)
            assert sample == before, f"{like}: the metric changed the verdicts"
            assert dict(metric.score(sample)) == dict(first) == dict(build().score(sample)), f"{like}: scores change"


def judged(gold: Sequence[str], verdict: Sequence[str | None]) -> GradedAnswers:
    """Put verdicts beside gold labels; a missing verdict was unparsed, from one vote a question.

    Args:
        gold: Gold labels.
        verdict: Verdicts.

    Returns:
        What metrics read.
    """
    status = [
        Status.UNPARSED if said is None else Status.RIGHT if said == label else Status.WRONG
        for label, said in zip(gold, verdict, strict=True)
    ]
    return GradedAnswers(list(gold), list(verdict), status, ANSWERS, len(gold), list(verdict).count(None), 0)


def assert_scores(scores: Mapping[str, Score], name: str, like: str) -> None:
    """Check that scores keep the contract.

    Args:
        scores: A metric's scores by printed name.
        name: The printed name without classes.
        like: What was scored, for the message.
    """
    assert scores, f"{like}: there is no score"
    for printed, score in scores.items():
        assert isinstance(score, Score), f"{like}: {printed} is no Score"
        assert printed.partition("[")[0] == name, f"{like}: {printed!r} is not named after {name!r}"
        assert type(score.denominator) is int and score.denominator >= 0, f"{like}: {printed} counts from 0"
        assert score.value is None or math.isfinite(score.value), f"{like}: {printed} is {score.value}"
        assert score.denominator or score.value is None, f"{like}: {printed} is a number that rests on nothing"


def assert_close(scores: Mapping[str, Score], wanted: Mapping[str, Score], message: str) -> None:
    """Check that two results are the same up to rounding.

    Args:
        scores: Scores.
        wanted: What they should be.
        message: What it means where they are not.
    """
    assert list(scores) == list(wanted), message
    for name, score in scores.items():
        value, other = score.value, wanted[name].value
        same = value == other if value is None or other is None else math.isclose(value, other, abs_tol=1e-12)
        assert same and score.denominator == wanted[name].denominator, f"{message}: {name}"
