"""What a reader gets: questions with the passages in front of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CONDITIONS = (
    "closed_book", "gold_context", "wrong_context", "retrieved", "conclusion", "whole_document", "whole_corpus",
)  # fmt: skip
"""Under which a reader answers: with no context, the question's own, another question's, what was retrieved,
(recorded answers only) the study's own conclusion, the whole of the gold documents, or all documents."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Questions with the passages that reach the reader, in columns, one row per question.

    Attributes:
        id: The questions' identifiers.
        question: The questions' words.
        passages: Per question the passages' texts, best first; empty under `closed_book`.
        answers: The declared answers (classes), in the spec's order; empty where answers are open, which are texts.
    """

    id: Sequence[str]
    question: Sequence[str]
    passages: Sequence[Sequence[str]]
    answers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled questions with their gold contexts, to train a reader on.

    Attributes:
        reading: Questions with the passages of their gold context.
        label: The gold answers, one per question, each one of `reading.answers`.
    """

    reading: Reading
    label: Sequence[str]

    def __len__(self) -> int:
        return len(self.label)
