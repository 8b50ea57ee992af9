"""What `ragtally check --data` finds: counts with their denominators, and some pairs to look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that are nearly the same.

    Attributes:
        first: The id of one.
        second: The id of the other.
        similarity: Their Jaccard similarity.
        first_text: The words of one, cut where they are many.
        second_text: The words of the other, likewise.
        first_about: What else there is to say of one: a question's split and label, the splits that a document is
            a gold document in.
        second_about: The same of the other.
    """

    first: str
    second: str
    similarity: float
    first_text: str
    second_text: str
    first_about: str
    second_about: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Near-duplicates among all documents, or among all questions, of a dataset.

    Attributes:
        texts: How many there are.
        without_words: How many of them have no word, and so are compared with nothing.
        exact: How many have an exact duplicate: the same words in the same order.
        near: How many have a near-duplicate, exact ones included.
        groups: How many groups near-duplicates form, where a text is in the group of each of its near-duplicates.
        largest_group: How many texts the largest group has; 0 without any.
        pairs: Some pairs, the most similar ones first.
    """

    texts: int
    without_words: int
    exact: int
    near: int
    groups: int
    largest_group: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The questions asked, compared with the questions of a split that they are not in, and their gold documents.

    Attributes:
        split: The split.
        questions: How many questions it has.
        learnt_by: The readers that learn from it, or whose prompts show examples from it.
        asked_in_it: How many of the questions asked are in this very split, and not counted below.
        asked: How many are not in it: the denominator of what follows.
        same_question: How many stand in the split word for word.
        near_question: How many have a near-duplicate in the split, exact ones included.
        same_document: How many have a gold document that is the gold document of a question of the split.
        near_document: How many have a gold document that is, or is nearly, one of the split's.
        affected: How many have a near-duplicate of either kind there.
        question_pairs: Some pairs of questions, the one asked first.
        document_pairs: Some pairs of different gold documents, the one of a question asked first.
    """

    split: str
    questions: int
    learnt_by: tuple[str, ...]
    asked_in_it: int
    asked: int
    same_question: int
    near_question: int
    same_document: int
    near_document: int
    affected: int
    question_pairs: tuple[Pair, ...]
    document_pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Near-duplicate questions with different labels.

    Attributes:
        labelled: How many questions of the dataset have a label.
        contradicted: How many of them have a near-duplicate with another label.
        asked: How many of the questions asked have a label.
        asked_contradicted: How many of these have a near-duplicate with another label, asked or not.
        pairs: Some pairs, the most similar ones first.
    """

    labelled: int
    contradicted: int
    asked: int
    asked_contradicted: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class CopiedEvidence:
    """Questions asked whose gold document has a near-duplicate in the corpus.

    Attributes:
        asked: How many of the questions asked have a gold document.
        exact: How many have a gold document that stands in the corpus once more word for word.
        near: How many have a gold document with a near-duplicate, exact ones included.
    """

    asked: int
    exact: int
    near: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """The near-duplicates in a study's data.

    Attributes:
        study: The study's name.
        spec: Its file.
        dataset: The dataset's name.
        similarity: From which Jaccard similarity on texts are near-duplicates.
        document_shingle: Documents are compared as sets of runs of so many words.
        question_shingle: The same of questions.
        split: The split that is asked; None for all.
        asked: How many questions are asked.
        documents: All documents.
        questions: All questions.
        overlaps: The questions asked against each split that some of them are not in.
        contradictions: Different labels of nearly the same question.
        copied_evidence: Gold documents that stand in the corpus more than once.
    """

    study: str
    spec: str
    dataset: str
    similarity: float
    document_shingle: int
    question_shingle: int
    split: str | None
    asked: int
    documents: Duplicates
    questions: Duplicates
    overlaps: tuple[Overlap, ...]
    contradictions: Contradictions
    copied_evidence: CopiedEvidence
