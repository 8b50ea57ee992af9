"""The formulas of the retrieval metrics, over all questions at once.

Conventions, the same for every metric here:

- A chunk is relevant or not, whatever its grade; only nDCG gains more from a higher grade. Fewer than k hits count
  as k places, the rest of them empty.
- A question to which a metric does not apply (no relevant chunk, no evidence) is left out of the mean, and the
  denominator says how many questions were scored. Where none is left, the metric is not scored.

Sources: C. D. Manning, P. Raghavan, H. Schütze (2008), Introduction to Information Retrieval, chapter 8
(precision, recall); E. M. Voorhees (1999), The TREC-8 Question Answering Track Report (reciprocal rank);
K. Järvelin, J. Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), with the
gain (the grade itself) and the discount log2(rank + 1) that trec_eval uses (nDCG).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally import QuestionValues, RankingRelevance

NO_CHUNK = "no question has a relevant chunk"
NO_EVIDENCE = "no question has evidence"


def document_hit(relevance: RankingRelevance, k: int) -> QuestionValues:
    """1 where a hit within k is from a document that holds evidence."""
    hit = relevance.relevant_document[:, :k].any(axis=1)
    return QuestionValues(np.where(relevance.evidence_total > 0, hit, np.nan), NO_EVIDENCE)


def reciprocal_rank(relevance: RankingRelevance, k: int) -> QuestionValues:
    """Take 1 / rank of the first relevant hit within k, 0 where there is none."""
    relevant = relevance.relevant[:, :k]
    first = relevant.argmax(axis=1) if relevant.shape[1] else np.zeros(len(relevance), dtype=np.int64)
    value = relevant.any(axis=1) / (first + 1)
    return _where_relevant(relevance, value)


def recall(relevance: RankingRelevance, k: int) -> QuestionValues:
    """Divide the relevant hits within k by the relevant chunks of the corpus."""
    value = relevance.relevant[:, :k].sum(axis=1) / np.maximum(relevance.relevant_total, 1)
    return _where_relevant(relevance, value)


def precision(relevance: RankingRelevance, k: int) -> QuestionValues:
    """Divide the relevant hits within k by k, however many hits there are."""
    return _where_relevant(relevance, relevance.relevant[:, :k].sum(axis=1) / k)


def normalised_discounted_gain(relevance: RankingRelevance, k: int) -> QuestionValues:
    """Sum grade / log2(rank + 1) over the hits within k; divide by the sum that an ideal ranking has."""
    # The ideal ranking has the relevant chunks of the corpus first, those of the highest grade before the others.
    depth = relevance.grade.shape[1]
    applies = relevance.relevant_total > 0
    if 0 < depth < k and ((relevance.relevant_total > depth) & (relevance.ideal[:, -1] > 1)).any():
        reason = f"the ranking is {depth} deep, too shallow to know the best grades at {k}"
        return QuestionValues(np.full(len(relevance), np.nan), reason)
    gain, best = np.zeros(len(relevance), dtype=np.float64), np.zeros(len(relevance), dtype=np.float64)
    # Both are added up rank by rank, so that a perfect ranking gets 1 and not nearly 1.
    for rank in range(k):
        discount = 1 / math.log2(rank + 2)
        # Grades fall, and none is below 1: after a last one of 1 come ones.
        best += discount * (relevance.ideal[:, rank] if rank < depth else relevance.relevant_total > rank)
        if rank < depth:
            gain += discount * relevance.grade[:, rank]
    return _where_relevant(relevance, gain / np.where(applies, best, 1))


def evidence_coverage(relevance: RankingRelevance, k: int) -> QuestionValues:
    """Divide the evidence characters that the hits within k cover, each counted once, by all there are."""
    return _share_of_evidence(relevance, _at(relevance.covered, k))


def evidence_ceiling(relevance: RankingRelevance, k: int) -> QuestionValues:
    """Divide the evidence characters that the best k chunks of this size would cover by all there are."""
    depth = relevance.coverable.shape[1]
    if depth < k and ((relevance.evidence_total > 0) & (relevance.relevant_total > depth)).any():
        reason = f"the ranking is {depth} deep, too shallow to know the ceiling at {k}"
        return QuestionValues(np.full(len(relevance), np.nan), reason)
    return _share_of_evidence(relevance, _at(relevance.coverable, k))


def _at(by_rank: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    depth = by_rank.shape[1]
    return by_rank[:, min(k, depth) - 1] if depth else np.zeros(len(by_rank), dtype=np.int64)


def _share_of_evidence(relevance: RankingRelevance, characters: NDArray[np.int64]) -> QuestionValues:
    value = characters / np.maximum(relevance.evidence_total, 1)
    return QuestionValues(np.where(relevance.evidence_total > 0, value, np.nan), NO_EVIDENCE)


def _where_relevant(relevance: RankingRelevance, value: NDArray[np.floating]) -> QuestionValues:
    return QuestionValues(np.where(relevance.relevant_total > 0, value, np.nan), NO_CHUNK)


# Each metric's formula, by its name before the `@k`.
FORMULAS: Mapping[str, Callable[[RankingRelevance, int], QuestionValues]] = {
    "document_hit": document_hit,
    "mrr": reciprocal_rank,
    "recall": recall,
    "precision": precision,
    "ndcg": normalised_discounted_gain,
    "evidence_coverage": evidence_coverage,
    "evidence_ceiling": evidence_ceiling,
}


@dataclass(frozen=True, slots=True)
class RankingMetric:
    """A metric of retrieval up to a cut-off."""

    name: str  # The metric's name before the `@k`
    k: int  # The cut-off

    def by_question(self, relevance: RankingRelevance) -> Mapping[str, QuestionValues]:
        """See `ragtally.MeanMetric`."""
        return {f"{self.name}@{self.k}": FORMULAS[self.name](relevance, self.k)}
