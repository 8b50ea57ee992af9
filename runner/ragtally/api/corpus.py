"""Documents, questions and the evidence that ties them together, as a dataset component yields them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents in columns. A document is what the gold context of one question comes from.

    Attributes:
        id: Unique identifiers.
        text: The whole texts.
        section_starts: Per document, the character offset at which each of its sections starts.
        section_ends: Per document, the offset just past each section's last character.
        file: Per document, the name of the larger whole that it is a part of, in the order of the parts; what
            `whole_document` puts before a reader. None where every document is whole.
        section_names: Per document, what people call each of its sections, as in `page 3`; None where they have no
            names.
    """

    id: Sequence[str]
    text: Sequence[str]
    section_starts: Sequence[Sequence[int]]
    section_ends: Sequence[Sequence[int]]
    section_names: Sequence[Sequence[str] | None] | None = None
    file: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions in columns.

    Attributes:
        id: Unique identifiers.
        text: The questions' words.
        label: The gold answers; None where a question has none.
        split: The name of the split that each question is in, such as `"train"`.
        references: The texts that are right answers to each question, for open answers: one, several, or none where
            the question cannot be answered; None for a dataset without such texts.
    """

    id: Sequence[str]
    text: Sequence[str]
    label: Sequence[str | None]
    split: Sequence[str]
    references: Sequence[Sequence[str]] | None = None

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the answers stand: spans of documents in columns, several rows a question where need be.

    Attributes:
        question: Question identifiers.
        document: Document identifiers.
        start: Character offsets of the first character of each span in its document's text.
        end: Character offsets just past the last character.
        grade: How relevant each span is, 1 or more; None where all are equally so (grade 1). What is not relevant is
            no evidence.
    """

    question: Sequence[str]
    document: Sequence[str]
    start: Sequence[int]
    end: Sequence[int]
    grade: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.question)


QuoteMatch = Literal["verbatim", "normalised", "aligned", "lost"]
"""How words that a question quotes were found in a document: as they are; but for white space, hyphens and the forms
of letters and marks; as words that are nearly the same; or not at all."""


@dataclass(frozen=True, slots=True)
class Quotes:
    """Words by which questions say where their answers stand, as a parser's texts have them, in columns.

    Attributes:
        question: Question identifiers; several rows a question where need be.
        text: The words as the question quotes them; a page or document that it names, where it quotes none.
        match: How they were found.
        similarity: How alike both are, from 0 to 1; None where they were lost.
        fault: What to say where no parser's text has them; None where that is no error.
        place: Where the question quotes them, for that error.
    """

    question: Sequence[str]
    text: Sequence[str]
    match: Sequence[QuoteMatch]
    similarity: Sequence[float | None]
    fault: Sequence[str | None]
    place: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.question)


@dataclass(frozen=True, slots=True)
class DatasetBatch:
    """A piece of a dataset; a dataset yields as many as it likes, so that it need never be whole in memory.

    Attributes:
        documents: Documents of the corpus (gold contexts and distractors alike).
        questions: Questions; their documents may be in any batch.
        evidence: Evidence of any of the questions.
        left_out: How much of the dataset's files is no part of the dataset, by what it is, as in
            `{"questions without relevance judgements": 3}`; counts of all pieces are added up and reported.
        quotes: How the quotes of the questions were found; None for a dataset that no parser was chosen for.
        people: Names that the files say to be people's, which `redact` replaces.
    """

    documents: Documents
    questions: Questions
    evidence: Evidence
    left_out: Mapping[str, int] = field(default_factory=dict)
    quotes: Quotes | None = None
    people: Sequence[str] = ()
