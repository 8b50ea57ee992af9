"""Fusion of rankings by their ranks or by their scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ragtally import Candidates, Hits, PluginError, Queries
from ragtally.support.fusion import QUESTIONS_AT_ONCE, fuse_hits
from ragtally.support.ranking import no_hits

Doubles = NDArray[np.float64]


class Fusion(ABC):
    """Adds up, for each chunk, what it counts in each ranking; chunks that no ranking holds are no hits."""

    # Only the first hits of each ranking count, so that the fused ranking does not depend on how many are asked for.

    def __init__(self, weights: Sequence[float] | None, depth: int) -> None:
        self._weights = weights
        self._depth = depth

    def rerank(self, queries: Queries, candidates: Candidates, limit: int) -> Hits:
        """Fuse the rankings (see `ragtally.api.Reranker.rerank`)."""
        weights = [1.0] * len(candidates.hits) if self._weights is None else self._weights
        if len(weights) != len(candidates.hits):
            raise PluginError(f"the retriever hybrid has {len(weights)} weights for {len(candidates.hits)} rankings")
        hits = no_hits(len(queries), limit)
        for start in range(0, len(queries), QUESTIONS_AT_ONCE):
            block = slice(start, start + QUESTIONS_AT_ONCE)
            rankings = [
                Hits(hits.passage[block, : self._depth], hits.score[block, : self._depth]) for hits in candidates.hits
            ]
            counts = [weight * self.counts(one) for weight, one in zip(weights, rankings, strict=True)]
            rows = np.concatenate([one.passage for one in rankings], axis=1)
            ranking = fuse_hits(rows, np.concatenate(counts, axis=1), limit)
            hits.passage[block], hits.score[block] = ranking.passage, ranking.score
        return hits

    @abstractmethod
    def counts(self, ranking: Hits) -> Doubles:
        """How much each hit of one ranking counts, before its weight."""


class RankFusion(Fusion):
    """Reciprocal rank fusion: a hit at rank r (from 1) counts 1 / (k + r)."""

    # Cormack, Clarke and Büttcher (2009), "Reciprocal rank fusion outperforms Condorcet and individual rank learning
    # methods", SIGIR, where k is 60; weights are no part of it there.

    def __init__(self, k: int, weights: Sequence[float] | None, depth: int) -> None:
        super().__init__(weights, depth)
        self._k = k

    def counts(self, ranking: Hits) -> Doubles:
        """Take the reciprocals (see `Fusion.counts`)."""
        ranks = np.arange(1, ranking.passage.shape[1] + 1, dtype=np.float64)
        return np.broadcast_to(1 / (self._k + ranks), ranking.passage.shape)


class ScoreFusion(Fusion):
    """A weighted sum of normalised scores: a hit counts (score - lowest score) / spread, within its ranking."""

    # The lowest score is that of the ranking's last hit within the depth. With the range as spread, this is min-max
    # normalisation ("standard"), with the standard deviation it is "ZMUV", moved so that a chunk that was not found
    # counts as much as the last one that was: Montague and Aslam (2001), "Relevance score normalization for
    # metasearch", CIKM. Scores that are all the same say only that their hits were found: these count 1.

    def __init__(self, normalise: str, weights: Sequence[float] | None, depth: int) -> None:
        super().__init__(weights, depth)
        self._by_deviation = normalise == "z_score"

    def counts(self, ranking: Hits) -> Doubles:
        """Normalise the scores (see `Fusion.counts`)."""
        is_hit = ranking.passage >= 0
        scores = ranking.score.astype(np.float64)
        lowest = np.min(scores, axis=1, where=is_hit, initial=np.inf, keepdims=True)
        highest = np.max(scores, axis=1, where=is_hit, initial=-np.inf, keepdims=True)
        # A question without hits has neither.
        span = np.where(highest > lowest, highest - lowest, 0.0)
        above = np.where(is_hit & (span > 0), scores - lowest, 1.0)
        spread = np.where(span > 0, span, 1.0)
        if self._by_deviation:
            number = np.maximum(is_hit.sum(axis=1, keepdims=True), 1)
            mean = np.sum(scores, axis=1, where=is_hit, keepdims=True) / number
            variance = np.sum((scores - mean) ** 2, axis=1, where=is_hit, keepdims=True) / number
            spread = np.where(span > 0, np.sqrt(variance), 1.0)
        return above / spread
