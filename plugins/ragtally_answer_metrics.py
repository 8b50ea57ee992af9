"""Metrics of answers: verdicts beside gold labels.

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

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragtally import Component, MetricTraits, Score, hookimpl

if TYPE_CHECKING:
    from ragtally import GradedAnswers

# How a confusion's name shows that there is no verdict: `confusion[yes,-]`.
NO_VERDICT = "-"


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """A metric of answers."""

    name: str  # The metric's printed name, before the class where there is one a class
    # Turns counts into scores by what follows the name in print: nothing, or `[yes]`.
    formula: Callable[[Tally], Mapping[str, Score]]

    def score(self, judged: GradedAnswers) -> Mapping[str, Score]:
        """Score verdicts; see `ragtally.api.metric.AnswerMetric`."""
        return {f"{self.name}{suffix}": score for suffix, score in self.formula(tally(judged)).items()}


@dataclass(frozen=True, slots=True)
class Tally:
    """All that answer metrics need to know."""

    judged: GradedAnswers  # The verdicts that were counted
    pair: Counter[tuple[str, str | None]]  # How many questions have a gold label and a verdict (None for none)
    gold: Counter[str]  # How many questions have a gold label
    predicted: Counter[str | None]  # How many questions have a verdict

    @property
    def questions(self) -> int:
        """How many questions were asked."""
        return len(self.judged)

    @property
    def right(self) -> int:
        """How many verdicts are the gold label."""
        return sum(self.pair[label, label] for label in self.gold)

    @property
    def classes(self) -> list[str]:
        """The declared answers that some question has as its gold label."""
        return [answer for answer in self.judged.answers if self.gold[answer]]


def tally(judged: GradedAnswers) -> Tally:
    """Count verdicts by gold label."""
    pair = Counter(zip(judged.gold, judged.verdict, strict=True))
    return Tally(judged, pair, Counter(judged.gold), Counter(judged.verdict))


def _share(part: int, whole: int, reason: str) -> Score:
    return Score(part / whole, whole) if whole else Score(None, 0, reason)


def _of_questions(part: int, counts: Tally) -> Score:
    return _share(part, counts.questions, "no questions were asked")


def _precision(counts: Tally, label: str) -> Score:
    return _share(counts.pair[label, label], counts.predicted[label], f"no verdict is {label!r}")


def _recall(counts: Tally, label: str) -> Score:
    return _share(counts.pair[label, label], counts.gold[label], f"no question has the gold label {label!r}")


def _f1(counts: Tally, label: str) -> Score:
    right, either = counts.pair[label, label], counts.gold[label] + counts.predicted[label]
    if not either:
        return Score(None, 0, f"neither a gold label nor a verdict is {label!r}")
    return Score(2 * right / either, either - right)


ClassScore = Callable[[Tally, str], Score]


def _per_class(of_class: ClassScore) -> Callable[[Tally], Mapping[str, Score]]:
    return lambda counts: {f"[{label}]": of_class(counts, label) for label in counts.judged.answers}


def _mean(of_class: ClassScore) -> Callable[[Tally], Mapping[str, Score]]:
    def formula(counts: Tally) -> Mapping[str, Score]:
        if not counts.questions:
            return {"": Score(None, 0, "no questions were asked")}
        values = [of_class(counts, label).value or 0.0 for label in counts.classes]
        return {"": Score(math.fsum(values) / len(values), counts.questions)}

    return formula


def _accuracy(counts: Tally) -> Mapping[str, Score]:
    return {"": _of_questions(counts.right, counts)}


def _coverage(counts: Tally) -> Mapping[str, Score]:
    return {"": _of_questions(counts.questions - counts.predicted[None], counts)}


def _accuracy_of_covered(counts: Tally) -> Mapping[str, Score]:
    covered = counts.questions - counts.predicted[None]
    return {"": _share(counts.right, covered, "no question has a verdict")}


def _unparsed_share(counts: Tally) -> Mapping[str, Score]:
    judged = counts.judged
    return {"": _share(judged.ballots_unparsed, judged.ballots_asked, "no votes were asked for")}


def _call_failed_share(counts: Tally) -> Mapping[str, Score]:
    judged = counts.judged
    return {"": _share(judged.ballots_failed, judged.ballots_asked, "no votes were asked for")}


def _confusion(counts: Tally) -> Mapping[str, Score]:
    answers = counts.judged.answers
    cells: list[tuple[str, str | None]] = [(gold, verdict) for gold in answers for verdict in (*answers, None)]
    return {
        f"[{gold},{NO_VERDICT if verdict is None else verdict}]": Score(
            float(counts.pair[gold, verdict]), counts.questions
        )
        if counts.questions
        else Score(None, 0, "no questions were asked")
        for gold, verdict in cells
    }


def _cohen_kappa(counts: Tally) -> Mapping[str, Score]:
    """Agreement beyond chance, (p_o - p_e) / (1 - p_e), with "no verdict" as a category of its own."""
    # Source: J. Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological
    # Measurement 20(1), equation 1. In whole numbers: (n right - chance) / (n n - chance).
    questions = counts.questions
    if not questions:
        return {"": Score(None, 0, "no questions were asked")}
    chance = sum(counts.gold[label] * counts.predicted[label] for label in counts.gold)
    if chance == questions * questions:
        return {"": Score(None, questions, "every gold label and every verdict is the same answer")}
    return {"": Score((questions * counts.right - chance) / (questions * questions - chance), questions)}


@hookimpl
def register_metrics() -> list[Component]:
    """Offer the metrics of answers."""
    return [
        _component("accuracy", _accuracy, "Share of all questions whose verdict is the gold label."),
        _component(
            "balanced_accuracy",
            _mean(_recall),
            "Mean recall of the classes that occur as labels, so that each weighs the same.",
        ),
        _component("precision", _per_class(_precision), "Per class: share of its verdicts that are right."),
        _component("recall", _per_class(_recall), "Per class: share of its questions whose verdict is right."),
        _component("f1", _per_class(_f1), "Per class: harmonic mean of precision and recall."),
        _component("macro_precision", _mean(_precision), "Mean precision of the classes that occur as labels."),
        _component("macro_recall", _mean(_recall), "Mean recall of the classes that occur as labels."),
        _component("macro_f1", _mean(_f1), "Mean F1 of the classes that occur as labels."),
        _component(
            "confusion",
            _confusion,
            "Questions by gold label and verdict, as in confusion[yes,no]; - stands for no verdict.",
            higher_is_better=None,
        ),
        _component("cohen_kappa", _cohen_kappa, "Agreement with the gold labels beyond chance."),
        _component("coverage", _coverage, "Share of all questions that have a verdict."),
        _component("accuracy_of_covered", _accuracy_of_covered, "Share of the verdicts that are right."),
        _component(
            "unparsed_share",
            _unparsed_share,
            "Share of the votes whose text the answer parser could not read.",
            higher_is_better=False,
        ),
        _component(
            "call_failed_share",
            _call_failed_share,
            "Share of the votes that gave no answer at all.",
            higher_is_better=False,
        ),
    ]


def _component(
    name: str,
    formula: Callable[[Tally], Mapping[str, Score]],
    summary: str,
    *,
    higher_is_better: bool | None = True,
) -> Component:
    return Component(
        name=name,
        build=lambda: AnswerScore(name, formula),
        summary=summary,
        traits=MetricTraits(measures="answers", higher_is_better=higher_is_better),
    )
