"""The formulas of the metrics of answers.

Conventions, the same for every metric here:

- Nothing is dropped: a question without a verdict (unparsed, call failed, no verdict) counts as not right.
- A share of nothing is not scored, with the reason; it is never 0, 1 or NaN.
- Averages over classes run over the declared answers that some question has as its gold label (of the others
  these questions can say nothing); in them an undefined precision counts as 0. That is scikit-learn's
  `labels=<those classes>, zero_division=0` with a missing verdict as one more label outside of `labels`.
- Standing apart from its class, a precision without a prediction, or a recall without a gold label, is not
  scored; F1 is 2 TP / (gold + predicted), so it is 0 where nothing was predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally import AnswerMetric, GradedAnswers, QuestionValues, Status, SumValues
from ragtally.support.labels import one_hot

# How a confusion's name shows that there is no verdict: `confusion[yes,-]`.
NO_VERDICT = "-"

Floats = NDArray[np.float64]
Sums = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class ShareOfQuestions:
    """A metric that is the share of the questions with a property."""

    name: str
    has_property: Callable[[Status, str | None], bool]  # Of what became of a question, and its verdict

    def by_question(self, graded: GradedAnswers) -> Mapping[str, QuestionValues]:
        """See `ragtally.MeanMetric`."""
        pairs = zip(graded.status, graded.verdict, strict=True)
        return {self.name: QuestionValues([float(self.has_property(*pair)) for pair in pairs])}


@dataclass(frozen=True, slots=True)
class ShareOfVerdicts:
    """The share of the verdicts that are right."""

    name: str

    def counts(self, graded: GradedAnswers) -> Mapping[str, NDArray[np.bool_]]:
        """See `ragtally.SumsMetric`."""
        right = np.array([status is Status.RIGHT for status in graded.status], dtype=np.bool_)
        return {
            "right": right,
            "verdicts": np.array([verdict is not None for verdict in graded.verdict], dtype=np.bool_),
        }

    def formula(self, sums: Sums, answers: tuple[str, ...]) -> Mapping[str, SumValues]:
        """See `ragtally.SumsMetric`."""
        verdicts = sums["verdicts"]
        return {self.name: SumValues(sums["right"] / verdicts, verdicts, "no question has a verdict")}


@dataclass(frozen=True, slots=True)
class ClassSums:
    """Sums by class; each of shape [..., classes]."""

    right: Floats  # Questions whose gold label and verdict are the class
    predicted: Floats  # Questions whose verdict is the class
    gold: Floats  # Questions whose gold label is the class


@dataclass(frozen=True, slots=True)
class _OfClassSums:
    """What is common to the metrics that follow from each class's counts."""

    name: str

    def counts(self, graded: GradedAnswers) -> Mapping[str, NDArray[np.bool_]]:
        """See `ragtally.SumsMetric`."""
        gold, predicted = one_hot(graded.gold, graded.answers), one_hot(graded.verdict, graded.answers)
        return {"right": gold & predicted, "predicted": predicted, "gold": gold}


@dataclass(frozen=True, slots=True)
class Overall(_OfClassSums):
    """One number from the counts of all classes."""

    of_sums: Callable[[ClassSums], SumValues]

    def formula(self, sums: Sums, answers: tuple[str, ...]) -> Mapping[str, SumValues]:
        """See `ragtally.SumsMetric`."""
        return {self.name: self.of_sums(ClassSums(**sums))}


@dataclass(frozen=True, slots=True)
class PerClass(_OfClassSums):
    """One number per class."""

    of_sums: Callable[[ClassSums], SumValues]

    def formula(self, sums: Sums, answers: tuple[str, ...]) -> Mapping[str, SumValues]:
        """See `ragtally.SumsMetric`."""
        every = self.of_sums(ClassSums(**sums))
        assert every.denominator is not None
        return {
            f"{self.name}[{answer}]": SumValues(
                every.value[..., number], every.denominator[..., number], every.reason.format(answer)
            )
            for number, answer in enumerate(answers)
        }


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of questions by gold label and verdict."""

    name: str

    def counts(self, graded: GradedAnswers) -> Mapping[str, NDArray[np.bool_]]:
        """See `ragtally.SumsMetric`."""
        gold, predicted = one_hot(graded.gold, graded.answers), one_hot(graded.verdict, graded.answers)
        verdict = np.concatenate([predicted, ~predicted.any(axis=1, keepdims=True)], axis=1)
        return {"pair": gold[:, :, None] & verdict[:, None, :]}

    def formula(self, sums: Sums, answers: tuple[str, ...]) -> Mapping[str, SumValues]:
        """See `ragtally.SumsMetric`."""
        return {
            f"{self.name}[{gold},{verdict}]": SumValues(sums["pair"][..., row, column])
            for row, gold in enumerate(answers)
            for column, verdict in enumerate((*answers, NO_VERDICT))
        }


@dataclass(frozen=True, slots=True)
class ShareOfVotes:
    """The share of the votes that gave no ballot, for one of the two reasons."""

    name: str
    missing: Callable[[GradedAnswers], object]  # How many votes on each question

    def counts(self, graded: GradedAnswers) -> Mapping[str, Floats]:
        """See `ragtally.SumsMetric`."""
        missing = np.asarray(self.missing(graded), dtype=np.float64)
        return {"lost": missing, "votes": np.full(len(graded), graded.votes, dtype=np.float64)}

    def formula(self, sums: Sums, answers: tuple[str, ...]) -> Mapping[str, SumValues]:
        """See `ragtally.SumsMetric`."""
        return {self.name: SumValues(sums["lost"] / sums["votes"], sums["votes"], "no votes were asked for")}


def precision(sums: ClassSums) -> SumValues:
    """Of each class: the share of its verdicts that are right."""
    return SumValues(sums.right / sums.predicted, sums.predicted, "no verdict is {!r}")


def recall(sums: ClassSums) -> SumValues:
    """Of each class: the share of its questions whose verdict is right."""
    return SumValues(sums.right / sums.gold, sums.gold, "no question has the gold label {!r}")


def f1(sums: ClassSums) -> SumValues:
    """Of each class: the harmonic mean of precision and recall."""
    either = sums.gold + sums.predicted
    return SumValues(2 * sums.right / either, either - sums.right, "neither a gold label nor a verdict is {!r}")


def macro(of_class: Callable[[ClassSums], SumValues]) -> Callable[[ClassSums], SumValues]:
    """Average over the classes that occur as labels."""

    def mean(sums: ClassSums) -> SumValues:
        # A class that no question has as its gold label has no right verdicts, so its value is 0 already.
        return SumValues(total(np.nan_to_num(of_class(sums).value)) / total(sums.gold > 0))

    return mean


def cohen_kappa(sums: ClassSums) -> SumValues:
    """Agreement beyond chance, (p_o - p_e) / (1 - p_e), with "no verdict" as a category of its own."""
    # Source: J. Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological
    # Measurement 20(1), equation 1. In whole numbers, which are exact: (n right - chance) / (n n - chance).
    questions, chance = total(sums.gold), total(sums.gold * sums.predicted)
    value = (questions * total(sums.right) - chance) / (questions * questions - chance)
    return SumValues(value, reason="every gold label and every verdict is the same answer")


def total(by_class: NDArray[np.floating] | NDArray[np.bool_]) -> Floats:
    """Add up classes one after the other: `sum` chooses an order of its own, which differs between machines."""
    sums = np.zeros(by_class.shape[:-1])
    for number in range(by_class.shape[-1]):
        sums = sums + by_class[..., number]
    return sums


METRICS: Mapping[str, AnswerMetric] = {
    metric.name: metric
    for metric in (
        ShareOfQuestions("accuracy", lambda status, verdict: status is Status.RIGHT),
        ShareOfQuestions("coverage", lambda status, verdict: verdict is not None),
        PerClass("precision", precision),
        PerClass("recall", recall),
        PerClass("f1", f1),
        Overall("balanced_accuracy", macro(recall)),
        Overall("macro_precision", macro(precision)),
        Overall("macro_recall", macro(recall)),
        Overall("macro_f1", macro(f1)),
        ShareOfVerdicts("accuracy_of_covered"),
        Overall("cohen_kappa", cohen_kappa),
        Confusion("confusion"),
        ShareOfVotes("unparsed_share", lambda graded: graded.ballots_unparsed),
        ShareOfVotes("call_failed_share", lambda graded: graded.ballots_failed),
    )
}
