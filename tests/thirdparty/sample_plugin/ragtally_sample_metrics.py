"""The metrics `yes_rate` and `balanced_f1`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import GradedAnswers, QuestionValues, SumValues
from ragtally.support.labels import one_hot


class YesRate:
    """How often the verdict is the first of the declared answers: one value per question."""

    def by_question(self, graded: GradedAnswers) -> Mapping[str, QuestionValues]:
        """Give each question its value; the metric is their mean."""
        first = graded.answers[0]
        return {"yes_rate": QuestionValues([float(verdict == first) for verdict in graded.verdict])}


class BalancedF1:
    """The geometric mean of every class's F1: a formula of sums over questions."""

    def counts(self, graded: GradedAnswers) -> Mapping[str, NDArray[Any]]:
        """Count right verdicts, verdicts and gold labels per class; shape [questions, classes]."""
        gold, verdict = one_hot(graded.gold, graded.answers), one_hot(graded.verdict, graded.answers)
        return {"right": gold & verdict, "gold": gold, "verdict": verdict}

    def formula(self, sums: Mapping[str, NDArray[Any]], answers: tuple[str, ...]) -> Mapping[str, SumValues]:
        """Compute it from sums of shape [..., classes]."""
        f1 = 2 * sums["right"] / (sums["gold"] + sums["verdict"])
        value = np.prod(f1, axis=-1) ** (1 / len(answers))
        return {"balanced_f1": SumValues(value, reason="a class occurs neither as a label nor as a verdict")}
