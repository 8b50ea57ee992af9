"""The suite for metrics of retrieval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import Component, MeanMetric, RankingRelevance, ScoreMetric
from ragtally.metrics import metric_scores
from ragtally.testing.metric import MetricSuite, assert_close

_CUT_OFF = 3
_DEPTH = 8
_QUESTIONS = 12
_CHARACTERS = 100


class RetrievalMetricSuite(MetricSuite):
    """Checks a metric of retrieval at the cut-off 3 on good, mixed and hopeless rankings of depth 8."""

    protocol = MeanMetric | ScoreMetric  # type: ignore[type-arg]
    measures = "retrieval"

    def folder_parameters(self, folder: Path) -> Mapping[str, Any]:
        """Ask for the cut-off beside the parameters of the suite."""
        return {"k": _CUT_OFF, **self.parameters}

    @pytest.fixture
    def samples(self) -> Mapping[str, RankingRelevance]:
        """Rankings by what they are like."""
        random = np.random.default_rng(7).random((_QUESTIONS, _DEPTH)) < 0.3
        nothing = np.zeros((_QUESTIONS, _DEPTH), dtype=bool)
        first = nothing.copy()
        first[:, :2] = True
        return {"perfect": _ranking(first), "mixed": _ranking(random), "hopeless": _ranking(nothing)}

    def of_questions(self, sample: RankingRelevance, rows: Sequence[int]) -> RankingRelevance:
        """Take some of the questions, in that order, any of them several times."""
        index = np.array(rows, dtype=np.int64)
        return RankingRelevance(**{name: getattr(sample, name)[index] for name in sample.__slots__})

    def printed_name(self, component: Component) -> str:
        """Say what the scores are named after: the metric with its cut-off."""
        return f"{component.name.removesuffix('k')}{_CUT_OFF}"

    def test_the_name_has_a_cut_off(self, component: Component) -> None:
        """A spec says at which rank: `recall@5`."""
        assert component.name.endswith("@k"), "the name of a metric with a cut-off ends in @k"

    def test_what_comes_after_the_cut_off_does_not_matter(
        self, build: Callable[[], Any], samples: Mapping[str, RankingRelevance]
    ) -> None:
        """The k of the name holds."""
        sample = samples["mixed"]
        after = np.arange(_DEPTH) >= _CUT_OFF
        without_tail = replace(
            sample,
            hit=sample.hit & ~after,
            relevant=sample.relevant & ~after,
            relevant_document=sample.relevant_document & ~after,
            grade=np.where(after, 0, sample.grade),
            covered=np.where(after, sample.covered[:, [_CUT_OFF - 1]], sample.covered),
        )
        scores = metric_scores(build(), sample)
        assert_close(metric_scores(build(), without_tail), scores, f"hits after the {_CUT_OFF}rd matter")


def _ranking(relevant: np.ndarray[Any, np.dtype[np.bool_]]) -> RankingRelevance:
    # Rankings of full depth, from whether the hit at a rank is relevant, shape [questions, depth]. Each question has
    # its evidence in two chunks of fifty characters, of grade 2; further relevant hits overlap those.
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
