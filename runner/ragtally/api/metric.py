"""The contracts of a metric: what each question contributes to a number, and the number itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from ragtally.api.answers import GradedAnswers
from ragtally.api.dataset import AnswerKinds
from ragtally.api.grader import Criterion
from ragtally.api.retrieval import RankingRelevance

if TYPE_CHECKING:
    from numpy.typing import NDArray

Items = TypeVar("Items", GradedAnswers, RankingRelevance, contravariant=True)


@dataclass(frozen=True, slots=True)
class MetricTraits:
    """What the engine knows of a metric before it builds it.

    Attributes:
        measures: Whether it reads `GradedAnswers` or a `RankingRelevance`; the latter's names end in `@k` and
            `build` gets the cut-off as `k`.
        higher_is_better: Whether a larger number is a better one; None where neither is (a confusion count). Such
            a metric never decides which cell is the best.
        unit: `"share"`, a number from 0 to 1 such as a share or a mean of shares, is written in percent in tables
            and reports; `"number"` as it is; `"count"` counts these very questions, so that it has no interval.
        answers: Of a metric of answers, which it measures: those that are `"labels"` of declared answers, `"open"`
            ones, or both (it reads the status alone, say).
        criterion: What judges must have been asked of each answer; None where none need be.
    """

    measures: Literal["answers", "retrieval"]
    higher_is_better: bool | None = True
    unit: Literal["share", "number", "count"] = "number"
    answers: AnswerKinds = "labels"
    criterion: Criterion | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One number, how many items it rests on, and why it is missing where it is.

    Attributes:
        value: The number; None where it is not scored, never NaN.
        denominator: How many items (questions, ballots, predictions) the number is a share or mean of.
        reason: Why there is no number; None where there is one.
    """

    value: float | None
    denominator: int
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a score has either a value or a reason why it has none")
        if self.value is not None and self.value != self.value:
            raise ValueError("a score is never NaN: give None and the reason")


@dataclass(frozen=True, slots=True)
class QuestionValues:
    """One value per question, of which the metric is the mean.

    Attributes:
        values: One number per question; None (or NaN) for a question to which the metric does not apply.
        reason: Why there is no mean where it applies to none.
    """

    values: Sequence[float | None] | NDArray[Any]
    reason: str = "it applies to none of the questions"


@dataclass(frozen=True, slots=True)
class SumValues:
    """A metric's values for many sets of questions at once.

    Attributes:
        value: The values, of the sums' shape without your own axes; NaN where there is none, as 0 / 0 is.
        denominator: How many items each value rests on, of the same shape; None for the questions.
        reason: Why there is no value where there is none.
    """

    value: NDArray[Any]
    denominator: NDArray[Any] | None = None
    reason: str = "it is not defined for these questions"


@runtime_checkable
class MeanMetric(Protocol[Items]):
    """A metric that is the mean of one value per question; pure."""

    def by_question(self, items: Items, /) -> Mapping[str, QuestionValues]:
        """Give each question its value.

        Args:
            items: Graded answers of one cell, or the relevance of one ranking, over one set of questions.

        Returns:
            Values by printed name: the metric's own name (`recall@5`), or one name per class (`precision[yes]`).
        """
        ...


@runtime_checkable
class SumsMetric(Protocol):
    """A metric of answers that is a formula of sums over questions, as F1 is; pure.

    The score is the formula of the sums over all questions. Intervals and tests take the sums over thousands of
    resamples as one matrix product, and the formula of all of these at once.
    """

    def counts(self, answers: GradedAnswers, /) -> Mapping[str, NDArray[Any]]:
        """Say what each question contributes.

        Args:
            answers: Graded answers of one cell over one set of questions.

        Returns:
            Finite numbers by a name of your own; the first axis is the questions, any others are yours (one entry
            per class, say).
        """
        ...

    def formula(self, sums: Mapping[str, NDArray[Any]], answers: tuple[str, ...], /) -> Mapping[str, SumValues]:
        """Turn sums over questions into values.

        Args:
            sums: By the names of `counts`, the sums over the questions; float64, of the shape [..., your axes]. So
                address your axes from the end, as in `right.sum(axis=-1)`. Dividing by 0 is allowed and gives NaN.
            answers: The declared answers (classes), in the spec's order.

        Returns:
            Values of the shape [...], by printed name as in `MeanMetric.by_question`; the names depend on `answers`
            alone.
        """
        ...


@runtime_checkable
class ScoreMetric(Protocol[Items]):
    """A metric that is none of these; pure. It gets a value, but no interval and no test, and cannot decide."""

    def score(self, items: Items, /) -> Mapping[str, Score]:
        """Compute the values.

        Args:
            items: As in `MeanMetric.by_question`.

        Returns:
            Scores by printed name, likewise.
        """
        ...


AnswerMetric = MeanMetric[GradedAnswers] | SumsMetric | ScoreMetric[GradedAnswers]
"""What `build` returns for a metric that measures answers."""
RetrievalMetric = MeanMetric[RankingRelevance] | ScoreMetric[RankingRelevance]
"""What `build` returns for a metric that measures retrieval."""
