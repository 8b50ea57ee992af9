"""Metrics of answers: verdicts beside gold labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragtally import Component, Criterion, MetricTraits, hookimpl

if TYPE_CHECKING:
    from ragtally import AnswerMetric


@hookimpl
def register_metrics() -> list[Component]:
    """Offer the metrics of answers."""
    share = MetricTraits("answers", unit="share")
    of_any = MetricTraits("answers", unit="share", answers="both")
    of_open = MetricTraits("answers", unit="share", answers="open")
    neither = MetricTraits("answers", unit="share", answers="open", higher_is_better=None)
    fewer = MetricTraits("answers", unit="share", higher_is_better=False, answers="both")
    number = MetricTraits("answers")
    count = MetricTraits("answers", unit="count", higher_is_better=None)
    return [
        _component("accuracy", of_any, "Share of all questions whose verdict is right: the gold label, or graded."),
        _component(
            "balanced_accuracy",
            share,
            "Mean recall of the classes that occur as labels, so that each weighs the same.",
        ),
        _component("precision", share, "Per class: share of its verdicts that are right."),
        _component("recall", share, "Per class: share of its questions whose verdict is right."),
        _component("f1", share, "Per class: harmonic mean of precision and recall."),
        _component("macro_precision", share, "Mean precision of the classes that occur as labels."),
        _component("macro_recall", share, "Mean recall of the classes that occur as labels."),
        _component("macro_f1", share, "Mean F1 of the classes that occur as labels."),
        _component(
            "confusion",
            count,
            "Questions by gold label and verdict, as in confusion[yes,no]; - stands for no verdict.",
        ),
        _component("cohen_kappa", number, "Agreement with the gold labels beyond chance."),
        _component("coverage", of_any, "Share of all questions that have a verdict."),
        _component("accuracy_of_covered", of_any, "Share of the verdicts that are right."),
        _component("unparsed_share", fewer, "Share of the votes whose text the answer parser could not read."),
        _component("exact_match", of_open, "Share of all questions whose open answer is a reference, normalised."),
        _component("token_f1", of_open, "Mean F1 of the words that an open answer and its nearest reference share."),
        _component("rouge_l", of_open, "Mean ROUGE-L: F1 of the words in a common order with the nearest reference."),
        _component("abstained", neither, "Share of all questions with the verdict that they cannot be answered."),
        _component("judged", _of_judges("right"), "Share that judges call right, of the answers left to them."),
        _component("grounded", _of_judges("supported"), "Share of answers that judges find in their passages."),
        _component("call_failed_share", fewer, "Share of the votes that gave no answer at all."),
    ]


def _of_judges(criterion: Criterion) -> MetricTraits:
    return MetricTraits("answers", unit="share", answers="open", criterion=criterion)


def _component(name: str, traits: MetricTraits, summary: str) -> Component:
    def build() -> AnswerMetric:
        from ragtally_answer_metrics.formulas import METRICS
        from ragtally_answer_metrics.texts import TEXT_METRICS

        return METRICS.get(name) or TEXT_METRICS[name]

    return Component(name=name, build=build, summary=summary, traits=traits)
