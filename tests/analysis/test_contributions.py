"""Metrics as sums over questions: what is a mean, and of what."""

from __future__ import annotations

import numpy as np
import pytest

import ragtally_retrieval_metrics
from ragtally.analysis.contributions import (
    Contributions,
    contributions_by_question,
    join_cells,
    mean_contributions,
    ratio_contributions,
)
from ragtally.api import RankingRelevance, Score
from ragtally.relevance import select_rows


def values(contributions: Contributions) -> list[float | None]:
    return [score.value for score in contributions.scores()]


def test_a_mean_by_cell() -> None:
    contributions = mean_contributions([[1, 0.5], [0, 0.25], [1, 0.0]])
    assert values(contributions) == pytest.approx([2 / 3, 0.25])
    assert [score.denominator for score in contributions.scores()] == [3, 3]
    assert not contributions.binary
    assert mean_contributions([[True, False]]).binary


def test_a_ratio_has_no_value_over_nothing() -> None:
    contributions = ratio_contributions([[1, 0], [1, 0]], [[1, 0], [1, 0]], "no verdict is 'yes'")
    assert contributions.scores() == [Score(1.0, 2), Score(None, 2, "no verdict is 'yes'")]


def test_questions_and_cells_can_be_kept() -> None:
    contributions = mean_contributions([[1, 0, 1], [0, 0, 1], [0, 1, 0]])
    assert values(contributions.of_questions([0, 2]).of_cells([2, 0])) == [0.5, 0.5]
    assert values(contributions.of_questions(np.array([False, True, False]))) == [0, 0, 1]


def test_cells_without_questions_have_no_value() -> None:
    assert mean_contributions(np.zeros((0, 2))).scores() == [Score(None, 0, "there are no questions")] * 2


BUILD = {component.name: component.build for component in ragtally_retrieval_metrics.register_metrics()}


def ranking(questions: int) -> RankingRelevance:
    rng = np.random.default_rng(4)
    relevant = rng.random((questions, 6)) < 0.3
    total = relevant.sum(axis=1) + rng.integers(0, 3, questions)
    covered = np.cumsum(relevant * 5, axis=1)
    return RankingRelevance(
        hit=np.ones_like(relevant),
        relevant=relevant,
        relevant_document=relevant,
        grade=relevant.astype(np.int32),
        relevant_total=total,
        ideal=(np.arange(6) < total[:, None]).astype(np.int32),
        evidence_total=total * 5,
        covered=covered,
        coverable=np.minimum(np.arange(1, 7) * 5, total[:, None] * 5),
    )


@pytest.mark.parametrize("name", ["recall", "mrr", "ndcg", "precision"])
def test_a_plugins_mean_over_questions_is_found_out(name: str) -> None:
    judged = ranking(40)
    metric = BUILD[f"{name}@k"](k=5)
    found = contributions_by_question(lambda rows: metric.score(select_rows(judged, rows))[f"{name}@5"], 40)
    assert found is not None
    assert values(found) == pytest.approx([metric.score(judged)[f"{name}@5"].value])


def test_what_is_no_mean_over_questions_is_found_out() -> None:
    column = np.array([0.1, 0.9, 0.4, 0.2, 0.8])
    assert contributions_by_question(lambda rows: Score(float(np.median(column[rows])), len(rows)), 5) is None
    assert contributions_by_question(lambda rows: Score(float(column[rows].sum()), len(rows)), 5) is None
    few = Score(None, 5, "too many")
    assert contributions_by_question(lambda rows: few if len(rows) > 3 else Score(0.0, len(rows)), 5) is None


def test_a_mean_over_all_joins_one_over_some() -> None:
    column = [None, 0.5, 1.0, 0.0]

    def score(rows: np.ndarray) -> Score:
        there = [column[row] for row in rows if column[row] is not None]
        return Score(sum(there) / len(there), len(there)) if there else Score(None, 0, "nothing")

    some, every = contributions_by_question(score, 4), mean_contributions([[1], [0], [0], [0]])
    assert some is not None
    assert values(join_cells([some, every])) == [0.5, 0.25]
    assert join_cells([every, every]).binary
    with pytest.raises(ValueError, match="different"):
        join_cells([every, every.of_questions([0, 1])])


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one row a question"):
        mean_contributions([1, 2, 3])
    with pytest.raises(ValueError, match="finite"):
        mean_contributions([[float("nan")]])
