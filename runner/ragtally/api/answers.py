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
        choice: An answer taken as it is, one of the declared answers; where answers are open any text, or
            `ABSTENTION`.
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


ABSTENTION = "(cannot answer)"
"""The ballot and the verdict of who says that the question cannot be answered from what is there."""


class Status(StrEnum):
    """What became of a question in a cell; exactly one of these."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_GRADED = "not graded"
    UNPARSED = "unparsed"
    CALL_FAILED = "call failed"
    NO_VERDICT = "no verdict"


@dataclass(frozen=True, slots=True)
class GradedAnswers:
    """Verdicts beside gold labels or references, in columns, one row per question; what answer metrics read.

    Attributes:
        gold: Gold (or silver) labels; empty where answers are open.
        verdict: What the votes decided; None for unparsed, call failed and no verdict. An open answer is a text, or
            `ABSTENTION`.
        status: What became of each question; the one place that says whether an answer is right.
        answers: The declared answers (classes), in the spec's order; empty where answers are open.
        votes: How many votes were asked for on each question.
        ballots_unparsed: How many votes on each question have a text that could not be read.
        ballots_failed: How many votes on each question gave no answer at all.
        references: Where answers are open, the texts that are right, by question: none for a question that cannot be
            answered. None where answers are labels.
        language: The language of open answers, by which articles and words are told (`en`).
        right_by_judges: Of each open answer whether judges call it right: False too where their ballots do not
            decide; None where they were not asked, since another grader had decided. None without judges.
        supported_by_judges: Likewise, whether they find it supported by the passages before its reader; None where
            there was nothing to ask, as of an answer that abstains.
    """

    gold: Sequence[str]
    verdict: Sequence[str | None]
    status: Sequence[Status]
    answers: tuple[str, ...]
    votes: int
    ballots_unparsed: Sequence[int]
    ballots_failed: Sequence[int]
    references: Sequence[Sequence[str]] | None = None
    language: str = "en"
    right_by_judges: Sequence[bool | None] | None = None
    supported_by_judges: Sequence[bool | None] | None = None

    def __len__(self) -> int:
        return len(self.status)
