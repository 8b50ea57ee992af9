"""The formulas of the retrieval metrics, over all questions at once.

Conventions, the same for every metric here:

- A chunk is relevant or not, whatever its grade; only nDCG gains more from a higher grade. Fewer than k hits count
  as k places, the rest of them empty.
- A question to which a metric does not apply (no relevant chunk, no evidence) is left out of the mean, and the
  denominator says how many questions were scored. Where none is left, the metric is not scored.
- Means are summed exactly (`math.fsum`), so that they are the same on every machine.

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

from ragtally import RankingRelevance, Score

NO_CHUNK = "no question has a relevant chunk"
NO_EVIDENCE = "no question has evidence"


@dataclass(frozen=True, slots=True)
class PerQuestion:
    """One metric before the mean is taken."""

    value: NDArray[np.float64]  # The metric of each question; float64, shape [questions]
    applies: NDArray[np.bool_]  # Whether it applies to the question; bool, shape [questions]
    reason: str  # Why nothing is scored where it applies to none


def document_hit(judged: RankingRelevance, k: int) -> PerQuestion:
    """Tell whether a hit within k is from a document that holds evidence."""
    found = np.asarray(judged.relevant_document[:, :k].any(axis=1), dtype=np.float64)
    return PerQuestion(found, judged.evidence_total > 0, NO_EVIDENCE)


def reciprocal_rank(judged: RankingRelevance, k: int) -> PerQuestion:
    """Take 1 / rank of the first relevant hit within k, 0 where there is none."""
    relevant = judged.relevant[:, :k]
    first = relevant.argmax(axis=1) if relevant.shape[1] else np.zeros(len(judged), dtype=np.int64)
    value = relevant.any(axis=1) / (first + 1)
    return PerQuestion(value, judged.relevant_total > 0, NO_CHUNK)


def recall(judged: RankingRelevance, k: int) -> PerQuestion:
    """Divide the relevant hits within k by the relevant chunks of the corpus."""
    value = judged.relevant[:, :k].sum(axis=1) / np.maximum(judged.relevant_total, 1)
    return PerQuestion(value, judged.relevant_total > 0, NO_CHUNK)


def precision(judged: RankingRelevance, k: int) -> PerQuestion:
    """Divide the relevant hits within k by k, however many hits there are."""
    return PerQuestion(judged.relevant[:, :k].sum(axis=1) / k, judged.relevant_total > 0, NO_CHUNK)


def normalised_discounted_gain(judged: RankingRelevance, k: int) -> PerQuestion:
    """Sum grade / log2(rank + 1) over the hits within k; divide by the sum that an ideal ranking has."""
    # The ideal ranking has the relevant chunks of the corpus first, those of the highest grade before the others.
    depth = judged.grade.shape[1]
    applies = judged.relevant_total > 0
    if 0 < depth < k and ((judged.relevant_total > depth) & (judged.ideal[:, -1] > 1)).any():
        reason = f"the ranking is {depth} deep, too shallow to know the best grades at {k}"
        return PerQuestion(np.zeros(len(judged)), np.zeros_like(applies), reason)
    gain, best = np.zeros(len(judged), dtype=np.float64), np.zeros(len(judged), dtype=np.float64)
    # Both are added up rank by rank, so that a perfect ranking gets 1 and not nearly 1.
    for rank in range(k):
        discount = 1 / math.log2(rank + 2)
        # Grades fall, and none is below 1: after a last one of 1 come ones.
        best += discount * (judged.ideal[:, rank] if rank < depth else judged.relevant_total > rank)
        if rank < depth:
            gain += discount * judged.grade[:, rank]
    return PerQuestion(gain / np.where(applies, best, 1), applies, NO_CHUNK)


def evidence_coverage(judged: RankingRelevance, k: int) -> PerQuestion:
    """Divide the evidence characters that the hits within k cover, each counted once, by all there are."""
    return _share_of_evidence(judged, _at(judged.covered, k))


def evidence_ceiling(judged: RankingRelevance, k: int) -> PerQuestion:
    """Divide the evidence characters that the best k chunks of this size would cover by all there are."""
    depth = judged.coverable.shape[1]
    share = _share_of_evidence(judged, _at(judged.coverable, k))
    deeper = share.applies & (judged.relevant_total > depth)
    if depth >= k or not deeper.any():
        return share
    reason = f"the ranking is {depth} deep, too shallow to know the ceiling at {k}"
    return PerQuestion(share.value, np.zeros_like(share.applies), reason)


def _at(by_rank: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    depth = by_rank.shape[1]
    return by_rank[:, min(k, depth) - 1] if depth else np.zeros(len(by_rank), dtype=np.int64)


def _share_of_evidence(judged: RankingRelevance, characters: NDArray[np.int64]) -> PerQuestion:
    value = characters / np.maximum(judged.evidence_total, 1)
    return PerQuestion(value, judged.evidence_total > 0, NO_EVIDENCE)


# Each metric's formula, by its name before the `@k`.
FORMULAS: Mapping[str, Callable[[RankingRelevance, int], PerQuestion]] = {
    "document_hit": document_hit,
    "mrr": reciprocal_rank,
    "recall": recall,
    "precision": precision,
    "ndcg": normalised_discounted_gain,
    "evidence_coverage": evidence_coverage,
    "evidence_ceiling": evidence_ceiling,
}


@dataclass(frozen=True, slots=True)
class RetrievalScore:
    """A metric of retrieval."""

    name: str  # The metric's name before the `@k`
    k: int  # The cut-off

    def by_question(self, judged: RankingRelevance) -> Mapping[str, PerQuestion]:
        """Score every question by itself; see `ragtally.api.metric.RetrievalMetric`."""
        return {f"{self.name}@{self.k}": FORMULAS[self.name](judged, self.k)}

    def score(self, judged: RankingRelevance) -> Mapping[str, Score]:
        """Score rankings; see `ragtally.api.metric.RetrievalMetric`."""
        single = FORMULAS[self.name](judged, self.k)
        values = single.value[single.applies].tolist()
        reason = single.reason if len(judged) else "no questions were asked"
        mean = Score(math.fsum(values) / len(values), len(values)) if values else Score(None, 0, reason)
        return {f"{self.name}@{self.k}": mean}
