"""Chunks, queries, hits, and hits judged against the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spans:
    """Chunks as spans of documents, in columns, ordered by document and then by start.

    Attributes:
        document: Row of each chunk's document in the `Documents` it was cut from; int32, shape [chunks].
        start: Character offset of each chunk's first character; int32, shape [chunks].
        end: Character offset just past each chunk's last character; int32, shape [chunks].
    """

    document: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.document)


@dataclass(frozen=True, slots=True)
class Passages:
    """Chunks with their texts, as a retriever indexes them; a passage's row is its identity.

    Attributes:
        text: The chunks' texts, one a chunk.
        spans: Where the chunks stand.
    """

    text: Sequence[str]
    spans: Spans

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class QuestionEvidence:
    """The evidence of a list of questions, by rows instead of identifiers, ordered by question.

    Attributes:
        question: Row of the question in the list; int32, shape [spans].
        document: Row of the document; int32, shape [spans].
        start: Character offset of the span's first character; int32, shape [spans].
        end: Character offset just past its last character; int32, shape [spans].
        grade: How relevant the span is, 1 or more; int32, shape [spans]. None where all are of grade 1.
    """

    question: NDArray[np.int32]
    document: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    grade: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.question)


@dataclass(frozen=True, slots=True)
class Queries:
    """What a retriever is asked, in columns, one row per question.

    Attributes:
        id: The questions' identifiers.
        text: The questions' words.
        vectors: The questions' embeddings, float32 of shape [questions, dimensions]; given only to a
            retriever whose traits read `"vectors"`.
        evidence: Where the answers stand; given only to a retriever whose traits read `"evidence"`.
    """

    id: Sequence[str]
    text: Sequence[str]
    vectors: NDArray[np.float32] | None = None
    evidence: QuestionEvidence | None = None

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Hits:
    """Ranked passages per question, best first; equal scores are ordered by passage row.

    Attributes:
        passage: Rows of passages, int32 of shape [questions, limit]; -1 after the last hit of a question.
        score: Their scores, higher is better, float32 of the same shape; 0 where `passage` is -1.
    """

    passage: NDArray[np.int32]
    score: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What other retrievers found, for one that builds on them.

    Attributes:
        hits: One ranking a retriever, in the order of the spec; rows of `passages`.
        passages: The chunks that were searched; their texts are cut out only when they are looked at.
        windows: The larger chunks to be found instead, where the retriever has a parameter `window`; None otherwise.
        replies: What a language model said to each question's prompt, None for a call that failed; given only to a
            retriever whose traits say that it prompts.
    """

    hits: tuple[Hits, ...]
    passages: Passages
    windows: Spans | None = None
    replies: Sequence[str | None] | None = None


@dataclass(frozen=True, slots=True)
class RankingRelevance:
    """Hits compared with the evidence; all arrays have one row per question.

    A chunk is relevant when it overlaps the question's evidence by at least one character, and its grade is the
    largest of the evidence that it overlaps; a document is relevant when it holds evidence of the question.

    Attributes:
        hit: Whether there is a hit at a rank; bool, shape [questions, depth].
        relevant: Whether the hit at a rank is relevant; bool, shape [questions, depth].
        relevant_document: Whether the hit at a rank is from a relevant document; bool, same shape.
        grade: Grade of the hit at a rank, 0 where it is not relevant; int32, shape [questions, depth].
        relevant_total: How many chunks of the corpus are relevant; int64, shape [questions].
        ideal: Grades of the relevant chunks of the corpus, the largest first, 0 after the last; int32, shape
            [questions, depth].
        evidence_total: Characters of evidence; int64, shape [questions].
        covered: Characters of evidence that the hits up to and with a rank cover, overlaps counted once;
            int64, shape [questions, depth].
        coverable: Characters of evidence that the best choice of as many chunks of this size could cover;
            int64, shape [questions, depth].
    """

    hit: NDArray[np.bool_]
    relevant: NDArray[np.bool_]
    relevant_document: NDArray[np.bool_]
    grade: NDArray[np.int32]
    relevant_total: NDArray[np.int64]
    ideal: NDArray[np.int32]
    evidence_total: NDArray[np.int64]
    covered: NDArray[np.int64]
    coverable: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.relevant_total)
