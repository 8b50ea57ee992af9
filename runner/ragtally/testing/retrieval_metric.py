"""The suite for metrics of retrieval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import Component, MeanMetric, RankingRelevance, ScoreMetric
from ragtally.metrics import metric_scores
from ragtally.testing.answer_metric import assert_close, assert_direction, assert_scores, assert_traits
from ragtally.testing.component import ComponentSuite

CUT_OFF = 3
_DEPTH = 8
_QUESTIONS = 12
_CHARACTERS = 100


class RetrievalMetricSuite(ComponentSuite):
    """Checks a metric of retrieval at the cut-off 3 on good, mixed and hopeless rankings of depth 8."""

    kind = "metric"
    protocol = MeanMetric | ScoreMetric  # type: ignore[type-arg]

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        """Ask for the cut-off beside the parameters of the suite."""
        return {"k": CUT_OFF, **self.parameters}

    @pytest.fixture
    def samples(self) -> Mapping[str, RankingRelevance]:
        """Rankings by what they are like."""
        random = np.random.default_rng(7).random((_QUESTIONS, _DEPTH)) < 0.3
        nothing = np.zeros((_QUESTIONS, _DEPTH), dtype=bool)
        first = nothing.copy()
        first[:, :2] = True
        return {"perfect": ranking(first), "mixed": ranking(random), "hopeless": ranking(nothing)}

    def test_the_traits_say_what_it_measures(self, component: Component, traits: Any) -> None:
        """The engine has to know, and a table has to know which way is better."""
        assert_traits(component, traits, "retrieval")
        assert component.name.endswith("@k"), "the name of a metric with a cut-off ends in @k"

    def test_scores_are_numbers_or_reasons(
        self, build: Callable[[], Any], component: Component, samples: Mapping[str, RankingRelevance]
    ) -> None:
        """Finite, over a count, named after the metric and its cut-off; also of no questions."""
        name = f"{component.name.removesuffix('k')}{CUT_OFF}"
        for like, sample in {**samples, "no questions": rows(samples["mixed"], slice(0, 0))}.items():
            assert_scores(metric_scores(build(), sample), name, like)

    def test_names_do_not_depend_on_the_rankings(
        self, build: Callable[[], Any], samples: Mapping[str, RankingRelevance]
    ) -> None:
        """A table has the same columns whatever the hits."""
        names = {tuple(metric_scores(build(), sample)) for sample in samples.values()}
        assert len(names) == 1, f"the printed names change: {names}"

    def test_what_comes_after_the_cut_off_does_not_matter(
        self, build: Callable[[], Any], samples: Mapping[str, RankingRelevance]
    ) -> None:
        """The k of the name is kept."""
        sample = samples["mixed"]
        after = np.arange(_DEPTH) >= CUT_OFF
        without_tail = replace(
            sample,
            hit=sample.hit & ~after,
            relevant=sample.relevant & ~after,
            relevant_document=sample.relevant_document & ~after,
            grade=np.where(after, 0, sample.grade),
            covered=np.where(after, sample.covered[:, [CUT_OFF - 1]], sample.covered),
        )
        assert_close(
            metric_scores(build(), without_tail), metric_scores(build(), sample), f"hits after the {CUT_OFF}rd matter"
        )

    def test_the_order_of_the_questions_does_not_matter(
        self, build: Callable[[], Any], samples: Mapping[str, RankingRelevance]
    ) -> None:
        """A metric is of a set of questions."""
        reverse = rows(samples["mixed"], slice(None, None, -1))
        assert_close(
            metric_scores(build(), reverse),
            metric_scores(build(), samples["mixed"]),
            "the order of the questions matters",
        )

    def test_better_rankings_do_not_score_worse(
        self, build: Callable[[], Any], traits: Any, samples: Mapping[str, RankingRelevance]
    ) -> None:
        """Checked where the traits say which way is better."""
        assert_direction(build(), traits, samples["perfect"], samples["hopeless"])

    def test_a_metric_is_pure(self, build: Callable[[], Any], samples: Mapping[str, RankingRelevance]) -> None:
        """Nothing is changed, and the same rankings give the same scores."""
        metric, sample = build(), samples["mixed"]
        before = {name: getattr(sample, name).copy() for name in sample.__slots__}
        first = metric_scores(metric, sample)
        assert metric_scores(metric, sample) == first == metric_scores(build(), sample), "scores change"
        for name, column in before.items():
            assert np.array_equal(getattr(sample, name), column), f"the metric changed `{name}`"


def ranking(relevant: np.ndarray[Any, np.dtype[np.bool_]]) -> RankingRelevance:
    """Make rankings of full depth: each question has its evidence in two chunks of fifty characters, of grade 2.

    Args:
        relevant: Whether the hit at a rank is relevant, shape [questions, depth]; from the third on a question's
            relevant hits are chunks that overlap the first two.

    Returns:
        What metrics read.
    """
    count = np.minimum(np.cumsum(relevant, axis=1), 2)
    ranks = np.arange(1, relevant.shape[1] + 1)
    total = np.maximum(relevant.sum(axis=1), 2).astype(np.int64)
    return RankingRelevance(
        hit=np.ones_like(relevant),
        relevant=relevant,
        relevant_document=relevant | (ranks % 4 == 0),
        grade=relevant.astype(np.int32) * 2,
        relevant_total=total,
        ideal=(ranks <= total[:, None]).astype(np.int32) * 2,
        evidence_total=np.full(len(relevant), _CHARACTERS, dtype=np.int64),
        covered=(count * _CHARACTERS // 2).astype(np.int64),
        coverable=np.broadcast_to(np.minimum(ranks, 2) * _CHARACTERS // 2, relevant.shape).astype(np.int64),
    )


def rows(sample: RankingRelevance, subset: slice) -> RankingRelevance:
    """Take some of the questions.

    Args:
        sample: Rankings.
        subset: Which questions, in which order.

    Returns:
        Their rankings.
    """
    return RankingRelevance(**{name: getattr(sample, name)[subset] for name in sample.__slots__})
