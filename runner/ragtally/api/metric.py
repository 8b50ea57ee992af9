"""The contract of a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from ragtally.api.answers import GradedAnswers
from ragtally.api.retrieval import RankingRelevance
from ragtally.api.scores import Score


@dataclass(frozen=True, slots=True)
class MetricTraits:
    """What the engine knows of a metric before it builds it.

    Attributes:
        judges: Whether it reads `GradedAnswers` answers or a `RankingRelevance`; the latter's names end in `@k` and
            `build` gets the cut-off as `k`.
        higher_is_better: Whether a larger number is a better one; None where neither is (a confusion count).
    """

    measures: Literal["answers", "retrieval"]
    higher_is_better: bool | None = True


@runtime_checkable
class AnswerMetric(Protocol):
    """Turns verdicts beside gold labels into numbers; pure."""

    def score(self, judged: GradedAnswers) -> Mapping[str, Score]:
        """Score the verdicts.

        Args:
            judged: Verdicts and gold labels of one cell over one set of questions.

        Returns:
            Scores by printed name: the metric's own name, or one name per class, as in `precision[yes]`.
        """
        ...


@runtime_checkable
class RetrievalMetric(Protocol):
    """Turns a ranking judged against the evidence into numbers; pure.

    A metric that is a mean over questions also says what each question contributes (`QuestionMetric`); without
    that, its number has no interval and cannot be compared.
    """

    def score(self, judged: RankingRelevance) -> Mapping[str, Score]:
        """Score the rankings.

        Args:
            judged: The judged hits of one retriever over one set of questions.

        Returns:
            Scores by printed name, as in `recall@5`.
        """
        ...


@runtime_checkable
class QuestionMetric(RetrievalMetric, Protocol):
    """A metric of retrieval that is a mean over questions; optional."""

    def by_question(self, judged: RankingRelevance) -> Mapping[str, Any]:
        """Score each question alone.

        Args:
            judged: As in `score`.

        Returns:
            By the printed names of `score`, an object with `value` (float64, shape [questions]) and `applies` (bool,
            likewise): whether the question counts. The mean of the values that apply is the score.
        """
        ...
