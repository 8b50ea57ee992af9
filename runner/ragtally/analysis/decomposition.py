"""Where the answers of a cell went: every question in exactly one bucket.

When does a question's evidence count as retrieved? By default as soon as any character of it stands before the
reader, which is how recall, precision, MRR and nDCG define relevance (`document_hit` asks for less). Where the
evidence is a whole abstract, as in PubMedQA, this errs least: the answer mostly stands in a sentence or two of it,
so that to ask for half of its characters would call "lucky" who was right by the very sentence, and would blame the
retriever for every small chunk (with the best section before the reader, BM25 has the right abstract for 94 % of the
test questions, and half of its characters for 7 %). Where the evidence is marked sentence by sentence, ask for more,
as `evidence_share=1`. Since neither is the truth, `decompose` is cheap enough to be done for several shares, and a
report can say how much moves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Status

_ROUNDING = 1e-9


class Bucket(StrEnum):
    """What became of a question in a cell; exactly one of these, the first that applies."""

    CALL_FAILED = "call failed"
    UNPARSED = "unparsed"
    NO_VERDICT = "no verdict"
    RIGHT_WITH_EVIDENCE = "right with evidence"
    RIGHT_WITHOUT_EVIDENCE = "right without evidence"
    NOT_RETRIEVED = "wrong, evidence not retrieved"
    DROWNED = "wrong with evidence, right on gold"
    MISREAD = "wrong with evidence and on gold"
    # Only where the reader was not measured on gold contexts, so that the two before cannot be told apart.
    GOLD_UNKNOWN = "wrong with evidence, gold unknown"


_ABSENT = {
    Status.CALL_FAILED: Bucket.CALL_FAILED,
    Status.UNPARSED: Bucket.UNPARSED,
    Status.NO_VERDICT: Bucket.NO_VERDICT,
}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one cell and its reader made of the same questions, in columns, one row a question."""

    status: Sequence[Status]  # What became of the question in the cell
    # How many characters of the question's evidence stand before the reader; int64, shape [questions].
    covered: NDArray[np.integer]
    # How many characters of evidence the question has, likewise; 0 where none is known: then none can be retrieved.
    evidence: NDArray[np.integer]
    # What became of the question when the same reader was given its gold context, by votes that selected nothing;
    # None where that was not measured.
    gold_status: Sequence[Status] | None = None
    # Whether the label is doubtful, since annotators or voters disagree with it; None where nobody knows.
    doubtful: Sequence[bool] | None = None

    def __post_init__(self) -> None:
        columns = (self.covered, self.evidence, self.gold_status, self.doubtful)
        if any(column is not None and len(column) != len(self.status) for column in columns):
            raise ValueError("every column must have one row a question")
        if ((self.covered < 0) | (self.covered > self.evidence)).any():
            raise ValueError("before the reader stands between none and all of a question's evidence")

    def __len__(self) -> int:
        return len(self.status)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each question was answered right; bool, shape [questions]."""
        return np.array([status is Status.RIGHT for status in self.status], dtype=np.bool_)

    @property
    def gold_right(self) -> NDArray[np.bool_] | None:
        """Whether the reader was right on the gold context; None where that was not measured."""
        if self.gold_status is None:
            return None
        return np.array([status is Status.RIGHT for status in self.gold_status], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The questions of a cell by bucket."""

    bucket: tuple[Bucket, ...]  # Each question's bucket
    # How many questions each bucket has; all buckets, in order; they sum to the number of questions.
    counts: dict[Bucket, int]
    doubtful: dict[Bucket, int] | None  # How many of these have a doubtful label; None where nobody knows
    evidence_share: float  # The share of a question's evidence that had to stand before the reader to be retrieved
    without_evidence: int  # How many questions have no known evidence, so that none could be retrieved


def decompose(outcomes: Outcomes, evidence_share: float = 0.0) -> Decomposition:
    """Put every question of a cell into its bucket."""
    retrieved = evidence_retrieved(outcomes, evidence_share).tolist()
    gold = outcomes.gold_right
    gold_right: list[bool | None] = [None] * len(outcomes) if gold is None else gold.tolist()
    bucket = tuple(map(_bucket, outcomes.status, retrieved, gold_right))
    doubtful = None
    if outcomes.doubtful is not None:
        doubtful = _count(found for found, flag in zip(bucket, outcomes.doubtful, strict=True) if flag)
    return Decomposition(bucket, _count(bucket), doubtful, evidence_share, int((outcomes.evidence == 0).sum()))


def evidence_retrieved(outcomes: Outcomes, evidence_share: float = 0.0) -> NDArray[np.bool_]:
    """Tell for which questions the evidence counts as retrieved."""
    if not 0 <= evidence_share <= 1:
        raise ValueError(f"a share of the evidence lies between 0 and 1, not at {evidence_share}")
    enough = outcomes.covered >= evidence_share * outcomes.evidence - _ROUNDING
    found: NDArray[np.bool_] = (outcomes.covered > 0) & enough
    return found


def _bucket(status: Status, retrieved: bool, gold_right: bool | None) -> Bucket:
    if status in _ABSENT:
        return _ABSENT[status]
    if status is Status.RIGHT:
        return Bucket.RIGHT_WITH_EVIDENCE if retrieved else Bucket.RIGHT_WITHOUT_EVIDENCE
    if not retrieved:
        return Bucket.NOT_RETRIEVED
    if gold_right is None:
        return Bucket.GOLD_UNKNOWN
    return Bucket.DROWNED if gold_right else Bucket.MISREAD


def _count(buckets: Iterable[Bucket]) -> dict[Bucket, int]:
    found = Counter(buckets)
    return {bucket: found[bucket] for bucket in Bucket}
