"""What `ragtally check --data` finds: counts with their denominators, and some pairs to look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that are nearly the same."""

    first: str  # The id of one
    second: str  # The id of the other
    similarity: float  # Their Jaccard similarity
    first_text: str  # The words of one, cut where they are many
    second_text: str  # The words of the other, likewise
    # What else there is to say of one: a question's split and label, the splits that a document is a gold document
    # in.
    first_about: str
    second_about: str  # The same of the other


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Near-duplicates among all documents, or among all questions, of a dataset."""

    texts: int  # How many there are
    without_words: int  # How many of them have no word, and so are compared with nothing
    exact: int  # How many have an exact duplicate: the same words in the same order
    near: int  # How many have a near-duplicate, exact ones included
    groups: int  # How many groups near-duplicates form, where a text is in the group of each of its near-duplicates
    largest_group: int  # How many texts the largest group has; 0 without any
    pairs: tuple[Pair, ...]  # Some pairs, the most similar ones first


@dataclass(frozen=True, slots=True)
class Overlap:
    """The questions asked, compared with the questions of a split that they are not in, and their gold documents."""

    split: str
    questions: int  # How many questions it has
    learnt_by: tuple[str, ...]  # The readers that learn from it, or whose prompts show examples from it
    asked_in_it: int  # How many of the questions asked are in this very split, and not counted below
    asked: int  # How many are not in it: the denominator of what follows
    same_question: int  # How many stand in the split word for word
    near_question: int  # How many have a near-duplicate in the split, exact ones included
    same_document: int  # How many have a gold document that is the gold document of a question of the split
    near_document: int  # How many have a gold document that is, or is nearly, one of the split's
    affected: int  # How many have a near-duplicate of either kind there
    question_pairs: tuple[Pair, ...]  # Some pairs of questions, the one asked first
    document_pairs: tuple[Pair, ...]  # Some pairs of different gold documents, the one of a question asked first


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Near-duplicate questions with different labels."""

    labelled: int  # How many questions of the dataset have a label
    contradicted: int  # How many of them have a near-duplicate with another label
    asked: int  # How many of the questions asked have a label
    asked_contradicted: int  # How many of these have a near-duplicate with another label, asked or not
    pairs: tuple[Pair, ...]  # Some pairs, the most similar ones first


@dataclass(frozen=True, slots=True)
class CopiedEvidence:
    """Questions asked whose gold document has a near-duplicate in the corpus."""

    asked: int  # How many of the questions asked have a gold document
    exact: int  # How many have a gold document that stands in the corpus once more word for word
    near: int  # How many have a gold document with a near-duplicate, exact ones included


@dataclass(frozen=True, slots=True)
class DataReport:
    """The near-duplicates in a study's data."""

    study: str  # The study's name
    spec: str  # Its file
    dataset: str  # The dataset's name
    similarity: float  # From which Jaccard similarity on texts are near-duplicates
    document_shingle: int  # Documents are compared as sets of runs of so many words
    question_shingle: int  # The same of questions
    split: str | None  # The split that is asked; None for all
    asked: int  # How many questions are asked
    documents: Duplicates  # All documents
    questions: Duplicates  # All questions
    overlaps: tuple[Overlap, ...]  # The questions asked against each split that some of them are not in
    contradictions: Contradictions  # Different labels of nearly the same question
    copied_evidence: CopiedEvidence  # Gold documents that stand in the corpus more than once
