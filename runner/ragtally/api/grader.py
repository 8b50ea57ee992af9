"""The contract of a grader: whether an open answer is right, by comparing texts or by asking language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from ragtally.api.calls import Prompt

Criterion = Literal["right", "supported", "same"]
"""What a judge is asked of an answer: whether it is right by its references, whether the passages that stood before
its reader support it, and whether it says the same as another answer, which stands in place of the references."""

JUDGE_ANSWERS = ("yes", "no")
"""What a judge may say."""

PANEL_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "from": {
        "type": "array",
        "items": {"x-ragtally-kind": "model"},
        "minItems": 1,
        "uniqueItems": True,
        "description": "The judges: names under `models`.",
        "x-ragtally-engine": True,
    },
    "votes": {
        "type": "integer",
        "minimum": 1,
        "default": 1,
        "description": "Ballots of each judge on each answer; all are pooled.",
        "x-ragtally-engine": True,
    },
    "rule": {
        "x-ragtally-kind": "rule",
        "description": "The vote rule that turns the ballots on an answer into right or wrong.",
        "x-ragtally-engine": True,
    },
    "sheet": {
        "type": ["string", "null"],
        "minLength": 1,
        "default": None,
        "description": "The CSV file into which `ragtally grade STUDY --read FILE` takes the grades of people, by "
        "which the judges' shares are corrected; data/raw/<study>/graded.csv where it is left out.",
        "x-ragtally-engine": True,
    },
}
"""The parameters of a grader that asks language models: who judges, how often, and how the ballots decide. The engine
takes care of them."""


@dataclass(frozen=True, slots=True)
class GraderTraits:
    """What the engine knows of a grader before it builds it.

    Attributes:
        criteria: What it asks language models of each answer; none for a grader that compares texts itself. One that
            asks declares `PANEL_PARAMETERS`, and `STRUCTURED_PARAMETER` as `structured`, of which `build` gets True
            or False; it returns a `PromptingGrader`.
    """

    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """An open answer with what it is compared with.

    Attributes:
        question: The question's words.
        verdict: The answer: a text, never empty. Who abstains is graded by the engine.
        references: The texts that are right, at least one; perhaps none where only support is asked for. For the
            criterion `same`, another answer to the question.
        language: Their language (`en`).
        passages: The texts that stood before the reader, where a judge is asked whether they support the answer.
    """

    question: str
    verdict: str
    references: Sequence[str]
    language: str = "en"
    passages: Sequence[str] = ()


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


@runtime_checkable
class PromptingGrader(Protocol):
    """A grader that has language models judge: it writes the prompts; the engine asks, and reads the replies."""

    def prompts(self, answers: Sequence[OpenAnswer], criterion: Criterion) -> Sequence[Prompt]:
        """Write one prompt per answer, to be replied to with one of `JUDGE_ANSWERS`.

        Args:
            answers: What is to be judged.
            criterion: What is asked of it.

        Returns:
            One prompt per answer, in order; the same ones for the same arguments.
        """
        ...

    def schema(self, criterion: Criterion) -> Mapping[str, Any]:
        """Write the JSON schema of a reply, for providers that keep to one.

        Args:
            criterion: What is asked.

        Returns:
            The schema of an object whose `answer` is one of `JUDGE_ANSWERS`, perhaps with a `reason` before it.
        """
        ...
