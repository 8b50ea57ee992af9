"""Haystack components from a reader's words to a verdict; each loads what it needs when it warms up or first runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from ragtally.api import Reader, Vote, VoteRule
from ragtally.parsing import parse_ballot
from ragtally.pipelines.choices import choice_of
from ragtally.pipelines.quiet import ChatMessage, Document, component
from ragtally.pipelines.reading import plugins, reading_of
from ragtally.voting import Ballots, decide

Json = dict[str, Any]


class Cast(TypedDict):
    """What `ReadReplies` and `CastVotes` give."""

    ballots: list[str | None]


class Decided(TypedDict):
    """What `DecideVerdict` gives."""

    verdict: str | None
    ballots: list[str | None]


@component
class ReadReplies:
    """Reads the replies of each vote as one of the answers, as the study did."""

    def __init__(self, answers: list[str], votes: int, words: dict[str, str] | None = None) -> None:
        self.answers, self.votes, self.words = answers, votes, words
        component.set_input_types(self, **{f"vote_{number}": list[ChatMessage] for number in range(1, votes + 1)})

    @component.output_types(ballots=list[str | None])
    def run(self, **replies: list[ChatMessage]) -> Cast:
        """Read each vote."""
        texts = [replies[f"vote_{number}"][0].text or "" for number in range(1, self.votes + 1)]
        return {"ballots": [parse_ballot(text, self.answers, self.words or {}) for text in texts]}


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
            reader = plugins().build(choice_of(self.reader))
            if vote["model"] is not None:
                reader.load(Path(self.folder) / vote["model"])
            self._loaded.append(reader)

    @component.output_types(ballots=list[str | None])
    def run(self, question: str, documents: list[Document] | None = None) -> Cast:
        """Read."""
        self.warm_up()
        reading = reading_of(question, documents or [], self.answers)
        ballots: list[str | None] = []
        for reader, vote in zip(self._loaded, self.votes, strict=True):
            said = reader.read(reading, Vote(vote["purpose"], vote["index"], vote["seed"]))
            text = said.text[0]
            ballots.append(said.choice[0] if text is None else parse_ballot(text, self.answers, self.words or {}))
        return {"ballots": ballots}


@component
class DecideVerdict:
    """Turns ballots into a verdict by the study's vote rule."""

    def __init__(self, rule: Json) -> None:
        self.rule = rule

    @component.output_types(verdict=str | None, ballots=list[str | None])
    def run(self, ballots: list[str | None]) -> Decided:
        """Decide."""
        rule: VoteRule = plugins().build(choice_of(self.rule))
        (verdict,) = decide(Ballots([[ballot] for ballot in ballots], [[False] for _ in ballots]), rule)
        return {"verdict": verdict, "ballots": ballots}
