"""Metrics of answers as sums over questions equal the metrics of the plugin, on any questions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ragtally_answer_metrics
from ragtally.analysis.answer_contributions import answer_codes, answer_contributions
from ragtally.api import GradedAnswers, Score, Status

ANSWERS = ("yes", "no", "maybe")
BY_CLASS = [f"{name}[{answer}]" for name in ("precision", "recall", "f1") for answer in ANSWERS]
OVERALL = ["accuracy", "coverage", "accuracy_of_covered", "cohen_kappa", "balanced_accuracy"]
MACRO = ["macro_precision", "macro_recall", "macro_f1"]
BUILD = {component.name: component.build for component in ragtally_answer_metrics.register_metrics()}
METRICS = {name: BUILD[name.partition("[")[0]]() for name in (*OVERALL, *MACRO, *BY_CLASS)}
QUESTION = st.tuples(st.sampled_from(ANSWERS), st.sampled_from([*ANSWERS, None]), st.sampled_from([*ANSWERS, None]))


def plugin_score(name: str, gold: list[str], verdict: list[str | None]) -> Score:
    return METRICS[name].score(GradedAnswers(gold, verdict, [Status.RIGHT] * len(gold), ANSWERS, 0, 0, 0))[name]


@settings(max_examples=25, deadline=None)
@given(st.lists(QUESTION, min_size=1, max_size=12), st.data())
def test_every_metric_is_the_plugins_on_any_resample(questions: list[tuple], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(questions) - 1), min_size=1, max_size=15))
    gold, *cells = (list(column) for column in zip(*questions, strict=True))
    verdict = np.stack([answer_codes(cell, ANSWERS) for cell in cells], axis=1)
    for name in METRICS:
        contributions = answer_contributions(name, answer_codes(gold, ANSWERS), verdict, ANSWERS)
        assert contributions is not None
        for cell, found in zip(cells, contributions.of_questions(rows).scores(), strict=True):
            expected = plugin_score(name, [gold[row] for row in rows], [cell[row] for row in rows])
            assert found.value == (None if expected.value is None else pytest.approx(expected.value, abs=1e-12)), name
            assert found.reason == expected.reason, name


@pytest.mark.parametrize("name", ["unparsed_share", "f1", "f1[perhaps]", "recall@5", "macro_f1 "])
def test_other_metrics_are_none_of_these(name: str) -> None:
    assert answer_contributions(name, [0, 1], [[0], [1]], ANSWERS) is None


def test_only_a_share_is_binary() -> None:
    flags = {
        name: answer_contributions(name, [0, 1], [[0], [-1]], ANSWERS).binary  # type: ignore[union-attr]
        for name in ("accuracy", "coverage", "macro_f1", "recall[yes]")
    }
    assert flags == {"accuracy": True, "coverage": True, "macro_f1": False, "recall[yes]": False}


def test_answers_that_are_not_declared_are_refused() -> None:
    assert answer_codes(["no", None, "yes"], ANSWERS).tolist() == [1, -1, 0]
    with pytest.raises(ValueError, match="perhaps"):
        answer_codes(["perhaps"], ANSWERS)
    with pytest.raises(ValueError, match="gold label"):
        answer_contributions("accuracy", [-1], [[0]], ANSWERS)
    with pytest.raises(ValueError, match="verdict"):
        answer_contributions("accuracy", [0], [[3]], ANSWERS)
    with pytest.raises(ValueError, match="do not fit"):
        answer_contributions("accuracy", [0, 1], [[0]], ANSWERS)
