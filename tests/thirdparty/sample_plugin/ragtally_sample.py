"""A plugin of a third party: the reader `negation_words` and the vote rule `first_ballot`."""

from __future__ import annotations

from collections.abc import Sequence

from ragtally import Answers, Component, ReaderTraits, Reading, Vote, hookimpl


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
