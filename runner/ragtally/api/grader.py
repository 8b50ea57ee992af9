"""The contract of a grader: whether an open answer is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """An open answer with what it is compared with.

    Attributes:
        question: The question's words.
        verdict: The answer: a text, never empty. Who abstains is graded by the engine.
        references: The texts that are right, at least one.
        language: Their language (`en`).
    """

    question: str
    verdict: str
    references: Sequence[str]
    language: str = "en"


class Grade(StrEnum):
    """What a grader says of an answer.

    Attributes:
        RIGHT: It is right, whatever later graders would say.
        WRONG: It is wrong, likewise.
        NO_MATCH: It is like none of the references as this grader compares; a later grader may find otherwise, and
            where none does the answer is wrong.
        NOT_COMPARABLE: This grader cannot compare these; where no grader can, the answer is not graded.
    """

    RIGHT = "right"
    WRONG = "wrong"
    NO_MATCH = "no match"
    NOT_COMPARABLE = "not comparable"


@runtime_checkable
class Grader(Protocol):
    """Compares an open answer with its references; pure."""

    def grade(self, answer: OpenAnswer) -> Grade:
        """Grade one answer.

        Args:
            answer: The answer with its references.

        Returns:
            The grade; the first grader of a spec that says right or wrong decides.
        """
        ...
