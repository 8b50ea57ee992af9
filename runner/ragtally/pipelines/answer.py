"""The components of *answer*: prompt, parse, vote, and the votes of readers that ask no language model.

Each has a method that a step calls with the columns of all questions, and `run` calls the same for one question. What
it works with comes built from a step, and as plain data from an export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from ragtally.api import Examples, Prompt, PromptingReader, Reader, Reading, Vote, VoteRule
from ragtally.parsing import parse_ballot
from ragtally.pipelines.chat import chat_messages
from ragtally.pipelines.choices import build
from ragtally.pipelines.haystack import ChatMessage, Document, component
from ragtally.voting import Ballots, decide

Json = dict[str, Any]


class PromptOutput(TypedDict):
    """The messages for a language model."""

    prompt: list[ChatMessage]


class BallotsOutput(TypedDict):
    """One ballot per vote; None where it could not be read."""

    ballots: list[str | None]


class VerdictOutput(TypedDict):
    """What the votes come to."""

    verdict: str | None
    ballots: list[str | None]


@component
class WritePrompt:
    """Writes the prompts of a reader that asks a language model."""

    def __init__(
        self,
        reader: Json | PromptingReader,
        answers: list[str] | None = None,
        examples: list[Json] | None = None,
    ) -> None:
        self.reader, self.answers, self.examples = reader, answers, examples

    def prompts(self, reading: Reading, examples: Examples | None) -> list[Prompt]:
        """Write one prompt per question."""
        reader: PromptingReader = build(self.reader)
        return list(reader.prompts(reading, examples))

    @component.output_types(prompt=list[ChatMessage])
    def run(self, question: str, documents: list[Document] | None = None) -> PromptOutput:
        """Write one prompt."""
        answers = self.answers or []
        examples = examples_from(self.examples or [], answers)
        (prompt,) = self.prompts(_reading(question, documents, answers), examples)
        return {"prompt": chat_messages(prompt)}


@component
class ParseReplies:
    """Reads replies as one of the answers."""

    def __init__(self, answers: list[str], votes: int = 1, words: Mapping[str, str] | None = None) -> None:
        self.answers, self.votes, self.words = answers, votes, words
        component.set_input_types(self, **{f"vote_{number}": list[ChatMessage] for number in range(1, votes + 1)})

    def ballots(self, texts: Sequence[str | None], choices: Sequence[str | None]) -> list[str | None]:
        """Read one vote on many questions; where a reader chose instead of saying, its choice counts."""
        words = self.words or {}
        return [
            choice if text is None else parse_ballot(text, self.answers, words)
            for text, choice in zip(texts, choices, strict=True)
        ]

    @component.output_types(ballots=list[str | None])
    def run(self, **replies: list[ChatMessage]) -> BallotsOutput:
        """Read many votes on one question."""
        texts = [replies[f"vote_{number}"][0].text or "" for number in range(1, self.votes + 1)]
        return {"ballots": self.ballots(texts, [None] * self.votes)}


@component
class CastVotes:
    """Lets a reader that asks no language model cast its votes."""

    def __init__(
        self,
        folder: str,
        reader: Json,
        answers: list[str],
        votes: list[Json],
        words: dict[str, str] | None = None,
    ) -> None:
        self.folder, self.reader, self.answers, self.votes, self.words = folder, reader, answers, votes, words
        self._loaded: list[Reader] = []

    def warm_up(self) -> None:
        """Load the model of each vote."""
        if self._loaded:
            return
        for vote in self.votes:
            reader = build(self.reader)
            if vote["model"] is not None:
                reader.load(Path(self.folder) / vote["model"])
            self._loaded.append(reader)

    @component.output_types(ballots=list[str | None])
    def run(self, question: str, documents: list[Document] | None = None) -> BallotsOutput:
        """Read."""
        self.warm_up()
        reading = _reading(question, documents, self.answers)
        parser = ParseReplies(self.answers, words=self.words)
        ballots: list[str | None] = []
        for reader, vote in zip(self._loaded, self.votes, strict=True):
            answers = reader.read(reading, Vote(vote["purpose"], vote["index"], vote["seed"]))
            ballots.extend(parser.ballots(answers.text, answers.choice))
        return {"ballots": ballots}


@component
class DecideVerdict:
    """Turns ballots into a verdict by a vote rule."""

    def __init__(self, rule: Json | VoteRule) -> None:
        self.rule = rule

    def verdicts(self, ballots: Ballots) -> list[str | None]:
        """Decide many questions."""
        return decide(ballots, build(self.rule))

    @component.output_types(verdict=str | None, ballots=list[str | None])
    def run(self, ballots: list[str | None]) -> VerdictOutput:
        """Decide one question."""
        (verdict,) = self.verdicts(Ballots([[ballot] for ballot in ballots], [[False] for _ in ballots]))
        return {"verdict": verdict, "ballots": ballots}


def examples_from(rows: Sequence[Mapping[str, Any]], answers: Sequence[str]) -> Examples | None:
    """Read the labelled examples that a prompt shows; None where there are none."""
    if not rows:
        return None
    columns = {name: [row[name] for row in rows] for name in ("question", "passages", "label")}
    identifiers = [f"example {number}" for number in range(len(rows))]
    return Examples(Reading(identifiers, columns["question"], columns["passages"], tuple(answers)), columns["label"])


def _reading(question: str, documents: Sequence[Document] | None, answers: Sequence[str]) -> Reading:
    """One question with its passages as a reader takes it."""
    texts = [document.content or "" for document in documents or ()]
    return Reading(["question"], [question], [texts], tuple(answers))
