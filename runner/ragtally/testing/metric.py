"""What is checked of every metric, whether of answers or of retrieval."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ragtally.api import Component, MetricTraits, Score
from ragtally.metrics import metric_scores
from ragtally.testing.component import ComponentSuite


class MetricSuite(ComponentSuite, ABC):
    """The base of the two suites for metrics; subclass one of those.

    Attributes:
        measures: What the metric measures, set by the suite.
    """

    kind = "metric"
    measures: ClassVar[str]

    # Each suite has the fixture `samples`: what to measure, by what it is like: `perfect`, `mixed`, `hopeless`.

    @abstractmethod
    def of_questions(self, sample: Any, rows: Sequence[int]) -> Any:
        """Take some questions of a sample, in that order, any of them several times."""

    def printed_name(self, component: Component) -> str:
        """Say what the scores are named after."""
        return component.name

    def test_the_traits_say_what_it_measures(self, component: Component, traits: Any) -> None:
        """The engine has to know, and a table has to know which way is better."""
        assert isinstance(component.traits, MetricTraits), "declare traits=MetricTraits(measures=..., unit=...)"
        assert traits.measures == self.measures, f"this suite is for metrics of {self.measures}"
        assert traits.unit in ("share", "number", "count"), f"{traits.unit!r} is no unit"

    def test_scores_are_numbers_or_reasons(
        self, build: Callable[[], Any], component: Component, samples: Mapping[str, Any]
    ) -> None:
        """Finite, over a count, named after the metric; also of no questions."""
        nothing = self.of_questions(samples["mixed"], [])
        for like, sample in {**samples, "no questions": nothing}.items():
            _assert_scores(metric_scores(build(), sample), self.printed_name(component), like)

    def test_names_do_not_depend_on_what_is_measured(
        self, build: Callable[[], Any], samples: Mapping[str, Any]
    ) -> None:
        """A table has the same columns whatever the verdicts or hits."""
        names = {like: tuple(metric_scores(build(), sample)) for like, sample in samples.items()}
        assert len(set(names.values())) == 1, f"the printed names change: {names}"

    def test_the_order_of_the_questions_does_not_matter(
        self, build: Callable[[], Any], samples: Mapping[str, Any]
    ) -> None:
        """A metric is of a set of questions."""
        sample = samples["mixed"]
        scores = metric_scores(build(), sample)
        reverse = self.of_questions(sample, range(len(sample) - 1, -1, -1))
        assert_close(metric_scores(build(), reverse), scores, "the order of the questions matters")

    def test_what_is_better_does_not_score_worse(
        self, build: Callable[[], Any], traits: Any, samples: Mapping[str, Any]
    ) -> None:
        """Checked where the traits say which way is better."""
        if traits.higher_is_better is None:
            return
        sign = 1 if traits.higher_is_better else -1
        best, worst = metric_scores(build(), samples["perfect"]), metric_scores(build(), samples["hopeless"])
        for name in best:
            first, second = best[name].value, worst[name].value
            if first is not None and second is not None:
                assert sign * first >= sign * second, f"{name}: the wrong way is declared better"

    def test_a_metric_is_pure(self, build: Callable[[], Any], samples: Mapping[str, Any]) -> None:
        """Nothing is changed, and the same sample gives the same scores."""
        metric = build()
        for like, sample in samples.items():
            before = copy.deepcopy(sample)
            first = metric_scores(metric, sample)
            for name in sample.__slots__:
                value, copied = getattr(sample, name), getattr(before, name)
                same = np.array_equal(value, copied) if isinstance(value, np.ndarray) else value == copied
                assert same, f"{like}: the metric changed `{name}`"
            assert metric_scores(metric, sample) == first == metric_scores(build(), sample), f"{like}: scores change"


def assert_close(scores: Mapping[str, Score], expected: Mapping[str, Score], message: str) -> None:
    """Check that scores are the expected ones up to rounding."""
    assert list(scores) == list(expected), message
    for name, score in scores.items():
        value, other = score.value, expected[name].value
        same = value == other if value is None or other is None else math.isclose(value, other, abs_tol=1e-12)
        assert same and score.denominator == expected[name].denominator, f"{message}: {name}"


def _assert_scores(scores: Mapping[str, Score], name: str, like: str) -> None:
    assert scores, f"{like}: there is no score"
    for key, score in scores.items():
        assert isinstance(score, Score), f"{like}: {key} is no Score"
        assert key.partition("[")[0] == name, f"{like}: {key!r} is not named after {name!r}"
        assert type(score.denominator) is int and score.denominator >= 0, f"{like}: {key} counts from 0"
        assert score.value is None or math.isfinite(score.value), f"{like}: {key} is {score.value}"
        assert score.denominator or score.value is None, f"{like}: {key} is a number that rests on nothing"
