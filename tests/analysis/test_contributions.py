"""Metrics as sums over questions: what each contributes makes up the plugin's own score, on any questions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.analysis.contributions import (
    Contributions,
    StudyMetrics,
    mean_contributions,
    metric_contributions,
    partial_mean_contributions,
    ratio_contributions,
)
from ragtally.api import Component, MetricTraits, PluginError, QuestionValues, RagtallyError, Score, SumValues
from ragtally.metrics import metric_scores
from ragtally.registry import Registry, RegistryEntry
from ragtally_answer_metrics.formulas import METRICS
from sample_results import answer_contributions, graded_codes, results_of, with_metric

ANSWERS = ("yes", "no", "maybe")
CODES = st.integers(-1, len(ANSWERS) - 1)
QUESTION = st.tuples(st.integers(0, len(ANSWERS) - 1), CODES, CODES)


def values(contributions: Contributions) -> list[float | None]:
    return [score.value for score in contributions.scores()]


@settings(max_examples=25, deadline=None)
@given(st.lists(QUESTION, min_size=1, max_size=12), st.data())
def test_every_metric_in_the_box_is_its_score_on_any_resample(questions: list[tuple], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(questions) - 1), min_size=1, max_size=15))
    gold, *cells = (np.array(column) for column in zip(*questions, strict=True))
    for metric in METRICS.values():
        expected = [metric_scores(metric, graded_codes(gold[rows], cell[rows], ANSWERS)) for cell in cells]
        for name in expected[0]:
            contributions = answer_contributions(name, gold, np.stack(cells, axis=1), ANSWERS)
            for scores, found in zip(expected, contributions.of_questions(rows).scores(), strict=True):
                value = scores[name].value
                assert found.value == (None if value is None else pytest.approx(value, abs=1e-12)), name
                assert (found.denominator, found.reason) == (scores[name].denominator, scores[name].reason), name


def test_only_a_mean_of_ones_and_zeros_is_binary() -> None:
    flags = {
        name: answer_contributions(name, [0, 1], [[0], [-1]], ANSWERS).binary
        for name in ("accuracy", "coverage", "macro_f1", "recall[yes]")
    }
    assert flags == {"accuracy": True, "coverage": True, "macro_f1": False, "recall[yes]": False}


def test_what_all_cells_share_is_summed_once() -> None:
    contributions = answer_contributions("f1[yes]", [0, 1], [[0, 1], [1, 0]], ANSWERS)
    assert contributions.shared.shape == (2, 3)
    assert contributions.own.shape == (2, 2, 6)
    assert values(contributions.of_cells([1])) == [0.0]


def test_a_mean_by_cell() -> None:
    contributions = mean_contributions([[1, 0.5], [0, 0.25], [1, 0.0]])
    assert values(contributions) == pytest.approx([2 / 3, 0.25])
    assert [score.denominator for score in contributions.scores()] == [3, 3]
    assert not contributions.binary
    assert mean_contributions([[True, False]]).binary
    assert mean_contributions(np.zeros((0, 2))).scores() == [Score(None, 0, "no questions were asked")] * 2


def test_a_ratio_has_no_value_over_nothing() -> None:
    contributions = ratio_contributions([[1, 0], [1, 0]], [[1, 0], [1, 0]], "no verdict is 'yes'")
    assert contributions.scores() == [Score(1.0, 2), Score(None, 0, "no verdict is 'yes'")]
    assert contributions.by_question is None


def test_a_mean_over_some_questions_rests_on_these() -> None:
    contributions = partial_mean_contributions([[0.5, np.nan], [np.nan, np.nan], [1.0, np.nan]], "nothing")
    assert contributions.scores() == [Score(0.75, 2), Score(None, 0, "nothing")]
    assert contributions.by_question is not None
    assert contributions.by_question.tolist() == [[0.5, 0], [0, 0], [1, 0]]


def test_questions_and_cells_can_be_selected() -> None:
    contributions = mean_contributions([[1, 0, 1], [0, 0, 1], [0, 1, 0]])
    assert values(contributions.of_questions([0, 2]).of_cells([2, 0])) == [0.5, 0.5]
    assert values(contributions.of_questions(np.array([False, True, False]))) == [0, 0, 1]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one row per question"):
        mean_contributions([1, 2, 3])
    with pytest.raises(ValueError, match="finite"):
        mean_contributions([[float("nan")]])


class Fixed:
    """A metric that says the same of whatever it is given."""

    def __init__(self, **members: object) -> None:
        self.__dict__.update(members)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (Fixed(by_question=lambda graded: {"m": QuestionValues([1.0])}), "shape"),
        (Fixed(by_question=lambda graded: {"m": QuestionValues([1.0, float("inf")])}), "infinite"),
        (Fixed(counts=lambda graded: {"n": [1]}, formula=lambda sums, answers: {"m": SumValues(sums["n"])}), "'n'"),
        (Fixed(counts=lambda graded: {"n": [1, np.nan]}, formula=lambda sums, answers: {}), "finite"),
        (Fixed(), "none of the methods"),
    ],
)
def test_a_metric_that_breaks_its_contract_is_named(metric: object, message: str) -> None:
    graded = graded_codes([0, 1], [0, 0], ANSWERS)
    with pytest.raises(PluginError, match=message):
        metric_scores(metric, graded)


def test_a_metric_that_only_scores_contributes_nothing() -> None:
    graded = graded_codes([0, 1], [0, 0], ANSWERS)
    assert metric_contributions(Fixed(score=lambda graded: {"m": Score(1.0, 2)}), "m", [graded]) is None


def test_why_a_metric_of_a_study_has_no_interval() -> None:
    results = results_of({"a": "yyn", "b": "yny"})
    cells = [graded_codes([0, 0, 0], [0, 0, 1], ("yes", "no"))]

    def reason(metrics: StudyMetrics, name: str = "accuracy") -> str | Contributions:
        return metrics.contributions(name, cells)

    assert isinstance(reason(StudyMetrics(results)), Contributions)
    assert "no installed plugin offers the metric 'accuracy'" in str(reason(StudyMetrics(results, Registry({}))))
    assert "version 1 is installed" in str(reason(StudyMetrics(with_metric(results, "accuracy", version=0))))
    assert "count" in str(reason(StudyMetrics(with_metric(results, "accuracy", unit="count"))))
    assert "measured where" in str(reason(StudyMetrics(with_metric(results, "accuracy", component=None))))
    alone = Component("accuracy", lambda: Fixed(score=lambda graded: {}), "Alone.", traits=MetricTraits("answers"))
    registry = Registry({("metric", "accuracy"): RegistryEntry(alone, "metric", "here", "here 1")})
    assert "only its value" in str(reason(StudyMetrics(results, registry)))


def test_an_installed_metric_that_the_study_did_not_score_can_be_computed() -> None:
    results = results_of({"a": "yyn", "b": "yny"})
    cells = [graded_codes([0, 0, 1], [0, 0, 0], ("yes", "no"))]
    contributions = StudyMetrics(results).contributions("precision[yes]", cells)
    assert isinstance(contributions, Contributions)
    assert contributions.scores() == [Score(2 / 3, 3)]
    with pytest.raises(RagtallyError, match="no metric 'acuracy'") as caught:
        StudyMetrics(results).info("acuracy")
    assert "accuracy" in str(caught.value.hint)
