"""How much of the exact result an approximate search found."""

from __future__ import annotations

import numpy as np

from ragtally import Hits, Passages, Queries, Score
from ragtally_dense import exact_index
from ragtally_weaviate.design import Vectors

# The exact search of the retriever `dense` that measures the same, by Weaviate's distance.
_DENSE = {"cosine": "cosine", "dot": "dot", "l2-squared": "l2", "manhattan": "l1", "hamming": "hamming"}
_RANKS = 10
# By what share a score may be below the last one that is right: the server computes in float32.
_SLACK = 1e-4


def ann_recall(passages: Passages, vectors: Vectors, queries: Queries, hits: Hits, distance: str) -> dict[str, Score]:
    """Compare the first hits with an exact search over the same vectors."""
    # A hit is right where it is as near as the last of as many exact hits, so that it does not matter which of
    # equally near chunks is found (the definition of ANN-Benchmarks, Aumueller, Bernhardsson and Faithfull 2020,
    # section 3.1).
    ranks = min(_RANKS, hits.passage.shape[1])
    name = f"ann_recall@{ranks}"
    exact = exact_index(_DENSE[distance])
    exact.add(passages, vectors)
    exact_hits = exact.search(queries, ranks)
    shares = []
    for row in range(len(queries)):
        right = exact_hits.passage[row] >= 0
        count = int(right.sum())
        if not count:
            continue
        last = float(exact_hits.score[row, count - 1])
        approximate = hits.passage[row, :count]
        scores = _scores_as_dense(hits.score[row, :count], distance)
        near = scores >= last - _SLACK * max(abs(last), 1e-6)
        shares.append(float((near & (approximate >= 0)).sum()) / count)
    if not shares:
        return {name: Score(None, 0, "no question has a vector with a near chunk")}
    return {name: Score(float(np.mean(shares)), len(shares))}


def _scores_as_dense(scores: Vectors, distance: str) -> Vectors:
    """Write Weaviate's scores as `dense` writes them: the square of the Euclidean distance becomes that distance."""
    return -np.sqrt(np.maximum(-scores, 0)) if distance == "l2-squared" else scores
