"""Votes, raw answers, and answers judged against the gold label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class Vote:
    """One draw of a reader over a list of questions.

    Attributes:
        purpose: `"label"` for the votes that label and select the base, `"measure"` for those that are scored.
        index: The vote's number from 0.
        seed: The seed of this draw; differs by purpose and index.
    """

    purpose: Literal["label", "measure"]
    index: int
    seed: int


@dataclass(frozen=True, slots=True)
class Answers:
    """What a reader said, in columns, one row per question in the order asked.

    Exactly one of `text`, `choice` and `error` is set in a row.

    Attributes:
        text: Raw text, to be read by the answer parser.
        choice: An answer taken as it is, one of the declared answers.
        error: Why there is no answer at all (a failed call, no recorded answer).
        input_tokens: Tokens put in; None where unknown. None for the whole column where there are none.
        output_tokens: Tokens that came out, likewise.
        seconds: Seconds the answer took, likewise.
        dollars: What the answer cost in US dollars, likewise.
    """

    text: Sequence[str | None]
    choice: Sequence[str | None]
    error: Sequence[str | None]
    input_tokens: Sequence[int | None] | None = None
    output_tokens: Sequence[int | None] | None = None
    seconds: Sequence[float | None] | None = None
    dollars: Sequence[float | None] | None = None

    def __len__(self) -> int:
        return len(self.choice)


class Status(StrEnum):
    """What became of a question in a cell; exactly one of these."""

    RIGHT = "right"
    WRONG = "wrong"
    UNPARSED = "unparsed"
    CALL_FAILED = "call failed"
    NO_VERDICT = "no verdict"


@dataclass(frozen=True, slots=True)
class GradedAnswers:
    """Verdicts beside gold labels, in columns, one row per question; what answer metrics read.

    Attributes:
        gold: Gold (or silver) labels.
        verdict: What the votes decided; None for unparsed, call failed and no verdict.
        status: What became of each question.
        answers: The declared answers (classes), in the spec's order.
        votes: How many votes were asked for on each question.
        ballots_unparsed: How many votes on each question have a text that could not be read.
        ballots_failed: How many votes on each question gave no answer at all.
    """

    gold: Sequence[str]
    verdict: Sequence[str | None]
    status: Sequence[Status]
    answers: tuple[str, ...]
    votes: int
    ballots_unparsed: Sequence[int]
    ballots_failed: Sequence[int]

    def __len__(self) -> int:
        return len(self.gold)
