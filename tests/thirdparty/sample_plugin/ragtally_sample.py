"""A plugin of a third party: a reader, a vote rule, and two metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragtally import Answers, Component, MetricTraits, ReaderTraits, Reading, Vote, hookimpl

if TYPE_CHECKING:
    from ragtally import AnswerMetric


class NegationWords:
    """Writes the second answer where the passages hold a negation, else the first; the engine parses it."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = frozenset(words)

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """Answer every question, the same at every vote."""
        texts = [self._write(passages, reading.answers) for passages in reading.passages]
        nothing = [None] * len(texts)
        return Answers(text=texts, choice=nothing, error=nothing)

    def _write(self, passages: Sequence[str], answers: Sequence[str]) -> str:
        words = {word.strip(".,;:()") for passage in passages for word in passage.casefold().split()}
        return f"I looked for negations.\nAnswer: {answers[bool(words & self._words)]}"


class FirstBallot:
    """The first ballot that could be read alone decides."""

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        """Decide one question."""
        return next((ballot for ballot in ballots if ballot is not None), None)


@hookimpl
def register_readers() -> list[Component]:
    """Offer the reader."""
    return [
        Component(
            name="negation_words",
            build=NegationWords,
            summary="The second of the declared answers where the passages hold a negation, else the first.",
            params={
                "words": {
                    "type": "array",
                    "items": {"type": "string"},
                    "default": ["no", "not", "without", "neither"],
                    "description": "The words that count as negations.",
                }
            },
            traits=ReaderTraits(draws="fixed"),
        )
    ]


@hookimpl
def register_vote_rules() -> list[Component]:
    """Offer the rule."""
    return [Component(name="first_ballot", build=FirstBallot, summary="The first readable ballot alone decides.")]


@hookimpl
def register_metrics() -> list[Component]:
    """Offer the metrics."""
    return [
        Component(
            name="yes_rate",
            build=_yes_rate,
            summary="Share of the questions whose verdict is the first of the declared answers.",
            traits=MetricTraits(measures="answers", unit="share", higher_is_better=None),
        ),
        Component(
            name="balanced_f1",
            build=_balanced_f1,
            summary="Geometric mean of every class's F1, which no neglected class leaves high.",
            traits=MetricTraits(measures="answers"),
        ),
    ]


def _yes_rate() -> AnswerMetric:
    # What is heavy (numpy, here) is imported when it is needed: every command imports every plugin.
    from ragtally_sample_metrics import YesRate

    return YesRate()


def _balanced_f1() -> AnswerMetric:
    from ragtally_sample_metrics import BalancedF1

    return BalancedF1()
