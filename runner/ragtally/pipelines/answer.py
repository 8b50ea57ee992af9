"""The components of *answer*: prompt, parse, vote, and the votes of readers that ask no language model.

Each has a method that a step calls with the columns of all questions, and `run` calls the same for one question. What
it works with comes built from a step, and as plain data from an export.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from ragtally.api import Examples, Prompt, PromptingReader, Reader, Reading, Vote, VoteRule
from ragtally.parsing import Reason, parse, parse_open
from ragtally.pipelines.chat import chat_messages
from ragtally.pipelines.choices import build
from ragtally.pipelines.haystack import ChatMessage, Document, component
from ragtally.support.answer_schema import object_of
from ragtally.voting import Ballots, decide, decide_open

Json = dict[str, Any]


class PromptOutput(TypedDict):
    """The messages for a language model."""

    prompt: list[ChatMessage]


class BallotsOutput(TypedDict):
    """One ballot per vote; None where it could not be read."""

    ballots: list[str | None]


class ParsedVote(NamedTuple):
    """How one vote was read."""

    ballot: str | None  # None where it could not be read
    reason: str | None  # By what it was read, or why it could not be; None where there was no answer at all


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
    """Reads replies as one of the answers, or as open answers where none are declared."""

    def __init__(
        self,
        answers: list[str],
        votes: int = 1,
        words: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
        answer_key: list[str] | None = None,
        constrained: bool = False,
    ) -> None:
        self.answers, self.votes, self.constrained = answers, votes, constrained
        self.words, self.options, self.answer_key = words, options, answer_key
        word_of = words or {}
        self._answer_of = {word_of.get(answer, answer): answer for answer in answers}
        self._options = {letter: word_of.get(answer, answer) for letter, answer in (options or {}).items()}
        component.set_input_types(self, **{f"vote_{number}": list[ChatMessage] for number in range(1, votes + 1)})

    def read(self, text: str | None, choice: str | None, finish_reason: str | None = None) -> ParsedVote:
        """Read one vote; where a reader chose instead of saying, its choice counts."""
        if text is None:
            return ParsedVote(choice, None if choice is None else str(Reason.CHOSEN))
        cut_off = finish_reason == "length"
        if not self.answers:
            result = parse_open(text, self.answer_key or (), cut_off=cut_off)
            return ParsedVote(result.choice, str(result.reason))
        result = parse(text, tuple(self._answer_of), self._options, self.answer_key or (), cut_off=cut_off)
        # A server that ignores the schema has JSON written too, since the prompt asks for it: in a fence, say.
        is_held = self.constrained and result.reason is Reason.JSON and object_of(text) is not None
        reason = Reason.CONSTRAINED if is_held else result.reason
        return ParsedVote(self._answer_of.get(result.choice or ""), str(reason))

    @component.output_types(ballots=list[str | None])
    def run(self, **replies: list[ChatMessage]) -> BallotsOutput:
        """Read many votes on one question."""
        messages = [replies[f"vote_{number}"][0] for number in range(1, self.votes + 1)]
        votes = [self.read(message.text or "", None, message.meta.get("finish_reason")) for message in messages]
        return {"ballots": [vote.ballot for vote in votes]}


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
        options: dict[str, str] | None = None,
        answer_key: list[str] | None = None,
    ) -> None:
        self.folder, self.reader, self.answers, self.votes = folder, reader, answers, votes
        self.words, self.options, self.answer_key = words, options, answer_key
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
        parser = ParseReplies(self.answers, 1, self.words, self.options, self.answer_key)
        ballots: list[str | None] = []
        for reader, vote in zip(self._loaded, self.votes, strict=True):
            answers = reader.read(reading, Vote(vote["purpose"], vote["index"], vote["seed"]))
            votes = map(parser.read, answers.text, answers.choice)
            ballots.extend(vote.ballot for vote in votes)
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


@component
class DecideOpenVerdict:
    """Turns ballots of open answers into a verdict; those that are equal once normalised count as one answer."""

    def __init__(self, rule: Json | VoteRule, language: str) -> None:
        self.rule, self.language = rule, language

    def verdicts(
        self, ballots: Ballots, same: Mapping[int, Collection[tuple[str, str]]] | None = None
    ) -> list[str | None]:
        """Decide many questions; by row the pairs of answers that say the `same` count as one answer too."""
        return decide_open(ballots, build(self.rule), self.language, same)

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
