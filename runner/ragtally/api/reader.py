"""The contract of a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from ragtally.api.answers import Answers, Vote
from ragtally.api.calls import Prompt
from ragtally.api.dataset import AnswerKinds
from ragtally.api.reading import Examples, Reading

TRAIN_PARAMETER: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "split": {
            "type": "string",
            "default": "train",
            "description": "The split whose questions it learns from; of examples always train.",
        },
        "from": {
            "enum": ["gold", "base", "examples"],
            "default": "gold",
            "description": "What it learns: gold, all questions of the split with their gold labels; base, those "
            "that the voters of `base` can answer, with the verdict as silver label where there is no gold label; "
            "examples, what the study's own `examples` come to.",
        },
        "curation": {
            "enum": ["full", "validators", "none"],
            "default": "full",
            "description": "Which examples: full, those that validators and people accept, in the words that people "
            "left; validators, those that validators accept, whatever people say; none, all that were written first, "
            "repetitions among them.",
        },
        "test_documents": {
            "type": "boolean",
            "default": False,
            "description": "Whether it may learn examples from documents that the study's questions are about.",
        },
    },
    "additionalProperties": False,
    "default": {"split": "train"},
    "description": "What the reader learns from.",
    "x-ragtally-engine": True,
}
"""The schema of the parameter `train`, which every reader that trains must declare."""

Structured = bool | Literal["auto", "prompt"]
"""How a reader has answers written as JSON; see `STRUCTURED_PARAMETER`."""

STRUCTURED_PARAMETER: Mapping[str, Any] = {
    "enum": ["auto", True, "prompt", False],
    "default": "auto",
    "description": "Whether answers are held to a JSON schema that allows the declared answers alone: true; auto, "
    "where the model's provider is known to do so and `max_tokens` leaves room; prompt, only asked for as JSON; "
    "false, asked for in words.",
}
"""The schema of the parameter `structured`, for a reader whose traits pass it on.

The engine settles what `auto` comes to, so that addresses do not depend on a way of writing: `build` then gets True
where the answer is asked for as JSON, and False where it is not.
"""

PARSER_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "options": {
        "type": ["object", "null"],
        "additionalProperties": {"type": "string", "minLength": 1},
        "minProperties": 1,
        "default": None,
        "description": "Other spellings by which a reply may name the answers, such as the letters of a list: "
        "{A: yes, B: no}.",
        "x-ragtally-identity": False,
    },
    "answer_key": {
        "type": ["array", "null"],
        "items": {"type": "string", "minLength": 1},
        "minItems": 1,
        "default": None,
        "description": "The keys of a JSON object under which a reply gives its answer, besides `answer` and "
        "the like: [answer_choice].",
        "x-ragtally-identity": False,
    },
}
"""Parameters for readers whose replies are text: what the answer parser must know to read them. They are no part of
what was asked, so other values read the same replies again."""


@dataclass(frozen=True, slots=True)
class ReaderTraits:
    """What the engine knows of a reader before it builds it.

    Attributes:
        draws: `"fresh"` where another vote is another draw, `"fixed"` where every vote is the same answer
            (a deterministic reader), `"recorded"` where votes differ but cannot be drawn again.
        condition: None for a reader that reads the passages put before it; otherwise the condition under
            which all of its answers were or are made, whatever the passages: such a reader is one cell per
            vote setting and is never multiplied by the grid.
        trains: Whether it must be trained first (`TrainableReader`). Such a reader declares the
            parameter `"train": TRAIN_PARAMETER`, which the engine takes care of.
        in_pieces: Whether its training may be cut into pieces (`PiecewiseReader`).
        questions_at_once: For one that takes long over each question: how many questions are worth a piece of work of
            their own, which other processes may do and a kill costs at most; None where all are read at once. What it
            answers must not depend on which others are read with a question.
        prompts: Whether it asks a language model (`PromptingReader`). Such a reader has a parameter `model`
            with `"x-ragtally-kind": "model"`; whether its draws are fresh follows from the model. One that also
            `trains` has its model fine-tuned by the provider first: it is a `TuningReader`, no `TrainableReader`.
        examples: How many labelled examples its prompts show; where there are any, the reader declares the
            parameter `"train": TRAIN_PARAMETER` for the split that they come from.
        structured: How answers are written as JSON: the reader's parameter `structured`
            (`STRUCTURED_PARAMETER`); False for a reader that has none. A reader that is ever asked to constrain its
            answers is a `ConstrainedReader`.
        words: The words by which a model is asked to name the answers, as pairs of answer and word; empty
            where the answers' own words are used.
        options: Other spellings by which replies name the answers, as pairs of spelling and answer.
        answer_key: The keys of a JSON object under which replies give their answer.
        answers: Whether it gives `"labels"`, one of the declared answers, `"open"` answers, which are texts, or both.
    """

    draws: Literal["fresh", "fixed", "recorded"] = "fresh"
    condition: str | None = None
    trains: bool = False
    in_pieces: bool = False
    questions_at_once: int | None = None
    prompts: bool = False
    examples: int = 0
    structured: Structured = False
    words: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    answer_key: tuple[str, ...] = ()
    answers: AnswerKinds = "labels"

    @property
    def tunes(self) -> bool:
        """Whether its model is fine-tuned by the provider first."""
        return self.trains and self.prompts


@runtime_checkable
class Reader(Protocol):
    """Answers questions from the passages put before it."""

    def read(self, reading: Reading, vote: Vote) -> Answers:
        """Answer every question once.

        Args:
            reading: Questions with passages and the declared answers.
            vote: Which vote this is, with its seed.

        Returns:
            One row per question, in order.
        """
        ...


@runtime_checkable
class TrainableReader(Reader, Protocol):
    """A reader that learns from labelled questions; one model a vote."""

    def train(self, examples: Examples, vote: Vote) -> None:
        """Learn from examples with their gold contexts.

        Args:
            examples: Labelled questions of the training split, all of them or those of the base.
            vote: The vote that this model will cast, with the seed for whatever is random.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the model (no pickle).

        Args:
            folder: An existing folder to write files into.
        """
        ...

    def load(self, folder: Path) -> None:
        """Read what `save` wrote, in place of `train`.

        Args:
            folder: The folder that `save` was given.
        """
        ...


@runtime_checkable
class ReportingReader(TrainableReader, Protocol):
    """A reader that says what its training came to."""

    def report(self) -> Mapping[str, Any]:
        """Say what was chosen, and how good a model chosen in that way is.

        Returns:
            What `train.json` says of the model: texts, numbers, lists and mappings by name.
        """
        ...


@runtime_checkable
class PromptingReader(Protocol):
    """A reader that asks a language model: it writes the prompts, the engine sends, pays and keeps the calls."""

    def prompts(self, reading: Reading, examples: Examples | None) -> Sequence[Prompt]:
        """Write one prompt per question.

        Args:
            reading: Questions with passages and the declared answers.
            examples: The labelled examples to show, with their gold contexts; None where the traits ask for none.

        Returns:
            One prompt per question, in order; the same ones for the same arguments.
        """
        ...


@runtime_checkable
class ConstrainedReader(PromptingReader, Protocol):
    """A prompting reader that can say by a JSON schema which answers there are."""

    def schema(self, answers: tuple[str, ...]) -> Mapping[str, Any]:
        """Write the schema of an answer to its prompts.

        Args:
            answers: The declared answers.

        Returns:
            The schema of an object whose properties are texts, in the order in which they are to be written; all are
            required, and no others allowed. The one that holds the answer has an `enum`.
        """
        ...


@runtime_checkable
class TemplatedReader(PromptingReader, Protocol):
    """A prompting reader that can also say its prompts as one template, for `ragtally export pipeline`."""

    def template(self, answers: tuple[str, ...], examples: Examples | None) -> Prompt | None:
        """Write the prompt of any question as Jinja templates, as Haystack's ChatPromptBuilder renders them.

        Args:
            answers: The declared answers.
            examples: As in `prompts`.

        Returns:
            The messages. Those of `system` and `user` are templates that see `question` (text) and `documents`
            (with `content`, best first; empty without a context); those of `assistant` are plain text. None where
            the prompts cannot be written so.
        """
        ...
