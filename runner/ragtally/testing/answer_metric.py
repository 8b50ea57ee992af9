"""The suite for metrics of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from ragtally.analysis.contributions import metric_contributions
from ragtally.api import (
    ABSTENTION,
    Component,
    GradedAnswers,
    MeanMetric,
    MetricTraits,
    ScoreMetric,
    Status,
    SumsMetric,
)
from ragtally.metrics import metric_scores
from ragtally.testing.metric import MetricSuite, assert_close
from ragtally.testing.samples import ANSWERS

_GOLD = ["yes", "yes", "no", "maybe", "no", "yes", "maybe", "no"]


class AnswerMetricSuite(MetricSuite):
    """Checks a metric of answers on good, mixed, hopeless, one-sided and missing verdicts."""

    protocol = MeanMetric | SumsMetric | ScoreMetric  # type: ignore[type-arg]
    measures = "answers"

    @pytest.fixture
    def samples(self, component: Component) -> Mapping[str, GradedAnswers]:
        """Graded answers by what they are like: open ones for a metric that takes no others."""
        if isinstance(component.traits, MetricTraits) and component.traits.answers == "open":
            return {
                "perfect": _grade_open(_REFERENCES, ["Paris", "42 km", ABSTENTION, "the red fox"]),
                "mixed": _grade_open(_REFERENCES, ["paris.", "43", "nobody", None]),
                "hopeless": _grade_open(_REFERENCES, [ABSTENTION, None, "x", "y"]),
                "one class": _grade_open([["a b c"]] * 3, ["b", None, "a b"]),
                "no verdicts": _grade_open(_REFERENCES, [None] * len(_REFERENCES)),
                "no questions": _grade_open([], []),
            }
        return {
            "perfect": _grade(_GOLD, _GOLD),
            "mixed": _grade(_GOLD, ["yes", "no", "no", None, "yes", "yes", "maybe", None]),
            "hopeless": _grade(_GOLD, [None, "no", "yes", "no", None, "maybe", "yes", "maybe"]),
            "one class": _grade(["yes"] * 3, ["yes", "no", None]),
            "no verdicts": _grade(_GOLD, [None] * len(_GOLD)),
            "no questions": _grade([], []),
        }

    def of_questions(self, sample: GradedAnswers, rows: Sequence[int]) -> GradedAnswers:
        """Take some of the questions, in that order, any of them several times."""
        columns = (sample.gold, sample.verdict, sample.status, sample.ballots_unparsed, sample.ballots_failed)
        gold, verdict, status, unparsed, failures = (
            [column[row] for row in rows] if len(column) else [] for column in columns
        )
        of_open = {
            name: None if column is None else [column[row] for row in rows]
            for name in ("references", "right_by_judges", "supported_by_judges")
            for column in (getattr(sample, name),)
        }
        return GradedAnswers(gold, verdict, status, sample.answers, sample.votes, unparsed, failures, **of_open)  # type: ignore[arg-type]

    def test_what_questions_contribute_makes_up_the_score(
        self, build: Callable[[], Any], samples: Mapping[str, GradedAnswers]
    ) -> None:
        """On any resample, for one cell alone and for several side by side: intervals rest on it."""
        metric, cells = build(), [samples[like] for like in ("perfect", "mixed", "hopeless", "no verdicts")]
        for name in metric_scores(metric, cells[0]):
            contributions = metric_contributions(metric, name, cells)
            last = len(cells[0]) - 1
            for rows in ([*range(last + 1)], [0, 0, 3, last, last, last], [2, last]) if contributions else ():
                parts = [self.of_questions(cell, rows) for cell in cells]
                expected = {str(number): metric_scores(build(), cell)[name] for number, cell in enumerate(parts)}
                scores = contributions.of_questions(np.array(rows)).scores()  # type: ignore[union-attr]
                message = f"{name} is not the formula of what its questions contribute, on the questions {rows}"
                assert_close({str(number): one for number, one in enumerate(scores)}, expected, message)


_REFERENCES = [["Paris"], ["42", "forty-two"], [], ["a red fox", "the fox"]]


def _grade_open(references: Sequence[Sequence[str]], verdict: Sequence[str | None]) -> GradedAnswers:
    status = [
        Status.UNPARSED if answer is None else Status.RIGHT if answer in texts else Status.WRONG
        for texts, answer in zip(references, verdict, strict=True)
    ]
    unparsed = [int(answer is None) for answer in verdict]
    # Judges were asked about all that somebody said.
    judgments = [
        None if answer in (None, ABSTENTION) else own is Status.RIGHT
        for answer, own in zip(verdict, status, strict=True)
    ]
    columns = (list(verdict), status, (), 1, unparsed, [0] * len(verdict), references)
    return GradedAnswers([], *columns, right_by_judges=judgments, supported_by_judges=judgments)


def _grade(gold: Sequence[str], verdict: Sequence[str | None]) -> GradedAnswers:
    # One vote per question; a missing verdict could not be parsed.
    status = [
        Status.UNPARSED if answer is None else Status.RIGHT if answer == label else Status.WRONG
        for label, answer in zip(gold, verdict, strict=True)
    ]
    unparsed = [int(answer is None) for answer in verdict]
    return GradedAnswers(list(gold), list(verdict), status, ANSWERS, 1, unparsed, [0] * len(gold))
