"""The metrics of open answers: verdicts beside reference texts.

Each question has a number from 0 to 1, and the metric is their mean. Where a question has several references, the
nearest one counts. As in SQuAD 2.0, to abstain counts 1 where a question has no reference and 0 where it has one, and
any answer to a question without references counts 0; so does a question without a verdict. What judges say is a share
of the answers that they were asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragtally import ABSTENTION, AnswerMetric, GradedAnswers, QuestionValues
from ragtally.support.answer_text import is_exact, rouge_l, token_f1


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like its references an answer is."""

    name: str
    compare: Callable[[str, Sequence[str], str], float]  # An answer, references and their language

    def by_question(self, graded: GradedAnswers) -> Mapping[str, QuestionValues]:
        """See `ragtally.MeanMetric`."""
        pairs = zip(graded.verdict, graded.references or (), strict=True)
        return {self.name: QuestionValues([self._value(*pair, graded.language) for pair in pairs])}

    def _value(self, verdict: str | None, references: Sequence[str], language: str) -> float:
        if verdict is None:
            return 0.0
        if verdict == ABSTENTION or not references:
            return float(verdict == ABSTENTION and not references)
        return float(self.compare(verdict, references, language))


@dataclass(frozen=True, slots=True)
class Abstentions:
    """The share of the questions that somebody says cannot be answered."""

    name: str

    def by_question(self, graded: GradedAnswers) -> Mapping[str, QuestionValues]:
        """See `ragtally.MeanMetric`."""
        return {self.name: QuestionValues([float(verdict == ABSTENTION) for verdict in graded.verdict])}


@dataclass(frozen=True, slots=True)
class Judgments:
    """The share of the answers that judges were asked about of which they say yes; no verdict is no yes."""

    name: str
    column: Callable[[GradedAnswers], Sequence[bool | None] | None]
    reason: str  # Why there is no share where they were asked about none

    def by_question(self, graded: GradedAnswers) -> Mapping[str, QuestionValues]:
        """See `ragtally.MeanMetric`."""
        column = self.column(graded)
        values = [None if one is None else float(one) for one in column or [None] * len(graded)]
        return {self.name: QuestionValues(values, self.reason)}


TEXT_METRICS: Mapping[str, AnswerMetric] = {
    metric.name: metric
    for metric in (
        Likeness("exact_match", is_exact),
        Likeness("token_f1", token_f1),
        Likeness("rouge_l", rouge_l),
        Abstentions("abstained"),
        Judgments("judged", lambda answers: answers.right_by_judges, "no answer was left to the judges"),
        Judgments("grounded", lambda answers: answers.supported_by_judges, "no answer was given from passages"),
    )
}
