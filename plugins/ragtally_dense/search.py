"""Exact search over vectors, in blocks of bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ragtally.errors import PluginError
from ragtally.kinds.ranking import Ranked, best_rows, no_hits, write_hits
from ragtally.types import Hits, Passages, Queries
from ragtally_dense.distances import DISTANCES

Floats = NDArray[np.float32]
_QUESTIONS = 256
_CHUNKS = 1 << 16
_GROUP = 64
_HEADER_BYTES = 128


class Dense:
    """Compares every question with every chunk.

    A zero vector stands for a text of which the embedder knows nothing. It has no direction, and under the
    Euclidean and the Manhattan distance it would lie nearer to most questions than real chunks do: so a chunk
    with a zero vector is no hit, and a question with one gets none, under any distance.
    """

    def __init__(self, distance: str) -> None:
        """Take the distance.

        Args:
            distance: `"cosine"`, `"dot"` (inner product), `"l2"` or `"l1"`; for the last two the score is minus
                the distance.
        """
        self._distance = DISTANCES[distance]
        self._vectors: Floats = np.zeros((0, 0), np.float32)

    def add(self, passages: Passages, vectors: Floats | None) -> None:
        """Keep the chunks' vectors (see `ragtally.kinds.Retriever.add`)."""
        self._vectors = _checked(vectors, len(passages), "chunk")

    def save(self, folder: Path) -> None:
        """Write the vectors as `.npy`.

        Args:
            folder: An existing folder.
        """
        np.save(folder / "vectors.npy", self._vectors, allow_pickle=False)

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None = None) -> None:
        """Map the file that `save` wrote into memory.

        Args:
            folder: The folder that `save` was given.
            passages: What `add` was given.
            vectors: Likewise.
        """
        path = folder / "vectors.npy"
        # An array without a single number cannot be mapped.
        mode: Literal["r"] | None = "r" if path.stat().st_size > _HEADER_BYTES else None
        self._vectors = np.asarray(np.load(path, allow_pickle=False, mmap_mode=mode))

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the nearest chunks for each question (see `ragtally.kinds.Retriever.search`)."""
        vectors = _checked(queries.vectors, len(queries), "question")
        hits = no_hits(len(queries), limit)
        if not self._vectors.size or limit < 1:
            return hits
        if vectors.shape[1] != self._vectors.shape[1]:
            raise PluginError(
                f"the embedder gives {vectors.shape[1]} dimensions for questions and {self._vectors.shape[1]} for "
                "chunks"
            )
        chunk_norms = _norms(self._vectors)
        asked = np.flatnonzero(_norms(vectors))
        for start in range(0, len(asked), _QUESTIONS):
            rows = asked[start : start + _QUESTIONS]
            for row, ranked in zip(rows.tolist(), self._rank(vectors[rows], chunk_norms, limit), strict=True):
                write_hits(hits, row, ranked)
        return hits

    def _rank(self, questions: Floats, chunk_norms: Floats, limit: int) -> list[Ranked]:
        norms, largest = _norms(questions), float(chunk_norms.max())
        wide = questions.astype(np.float64)
        best = [Ranked(np.zeros(0, np.int32), np.zeros(0, np.float32))] * len(questions)
        threshold = np.full(len(questions), -np.inf, np.float32)
        for start in range(0, len(self._vectors), _CHUNKS):
            chunks, lengths = self._vectors[start : start + _CHUNKS], chunk_norms[start : start + _CHUNKS]
            known = lengths > 0
            scores = self._distance.fast(questions, chunks, np.where(known, lengths, np.float32(1)))
            scores[:, ~known] = -np.inf
            # The limit-th best of any block is no better than the limit-th best of all.
            threshold = np.maximum(threshold, _limit_th_best(scores, limit))
            floor = self._lowest(threshold, norms, largest)
            asked, found = np.nonzero(scores >= floor[:, None])
            bounds = np.searchsorted(asked, np.arange(len(questions) + 1))
            for question in range(len(questions)):
                new = found[bounds[question] : bounds[question + 1]]
                if len(new):
                    exact = self._distance.exact(wide[question], chunks[new].astype(np.float64))
                    best[question] = best_rows(
                        np.concatenate([best[question].scores, exact]),
                        np.concatenate([best[question].rows, new + start]),
                        limit,
                    )
        return best

    def _lowest(self, threshold: Floats, norms: Floats, largest: float) -> Floats:
        known = np.isfinite(threshold)
        lowered = self._distance.lowest(np.where(known, threshold, np.float32(0)), norms, largest)
        # Chunks with a zero vector score minus infinity and must stay below every floor.
        return np.where(known, lowered, np.finfo(np.float32).min).astype(np.float32)


def _limit_th_best(scores: Floats, limit: int) -> Floats:
    # Of the best scores of `limit` groups, each group's is one score: so the limit-th best score of all is at
    # least the limit-th best group's. Far cheaper than a partition of every score.
    if scores.shape[1] >= limit * _GROUP:
        scores = np.maximum.reduceat(scores, np.arange(0, scores.shape[1], _GROUP), axis=1)
    if scores.shape[1] < limit:
        return np.full(len(scores), -np.inf, np.float32)
    place = scores.shape[1] - limit
    best: Floats = np.partition(scores, place, axis=1)[:, place]
    return best


def _norms(vectors: Floats) -> Floats:
    norms = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _CHUNKS):
        block = vectors[start : start + _CHUNKS]
        norms[start : start + _CHUNKS] = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
    return norms


def _checked(vectors: Floats | None, count: int, what: str) -> Floats:
    if vectors is None:
        raise PluginError("the retriever dense needs vectors and was given none", hint="give it an embedder")
    if vectors.ndim != 2 or len(vectors) != count:
        raise PluginError(f"the embedder gives vectors of shape {list(vectors.shape)} for {count} {what}s")
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    wrong = np.flatnonzero(~np.isfinite(_norms(vectors)))
    if len(wrong):
        raise PluginError(f"the embedder gives a vector with NaN or infinity for the {what} in row {wrong[0]}")
    return vectors
