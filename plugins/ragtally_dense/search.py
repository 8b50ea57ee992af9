"""The retriever: zero vectors set aside, the search that suits the size of the work, and rescoring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits, Passages, PluginError, Queries
from ragtally.support.ranking import no_hits
from ragtally_dense import scan
from ragtally_dense.bits import Hamming, Jaccard
from ragtally_dense.comparison import LONGEST, SHORTEST, Comparison, Floats
from ragtally_dense.distances import Cosine, Dot, Euclidean, Manhattan
from ragtally_dense.scan import Best

# Every way to compare, by its name in a spec.
COMPARISONS: dict[str, type[Cosine | Dot | Euclidean | Manhattan | Hamming | Jaccard]] = {
    "cosine": Cosine,
    "dot": Dot,
    "l2": Euclidean,
    "l1": Manhattan,
    "hamming": Hamming,
    "jaccard": Jaccard,
}

_USUAL_QUESTIONS = 1000
_QUESTIONS = 1 << 14
_BLOCK = 1024


class Dense:
    """Compares every question with every chunk."""

    # A zero vector stands for a text of which the embedder knows nothing. It has no direction, and under the
    # Euclidean and the Manhattan distance it would lie nearer to most questions than real chunks do: so a chunk with
    # a zero vector is no hit, and a question with one gets none, under any distance.

    def __init__(self, distance: str, rescore: int | None = None) -> None:
        self._distance, self._rescore = distance, rescore
        self._vectors: Floats = np.zeros((0, 0), np.float32)
        self._norms = np.zeros(0)
        self._comparison: Comparison = COMPARISONS[distance](self._vectors, self._norms)

    def add(self, passages: Passages, vectors: Floats | None) -> None:
        """Keep the chunks' vectors, without a copy (see `ragtally.api.Retriever.add`)."""
        self._vectors, self._norms = _check(vectors, len(passages), "chunk")
        self._comparison = COMPARISONS[self._distance](self._vectors, self._norms)
        if self._is_large(_USUAL_QUESTIONS):
            # So that the first search need not wait for it.
            from ragtally_dense import loops  # noqa: F401

    def save(self, folder: Path) -> None:
        """Write nothing: the vectors are given to `load` again."""

    def load(self, folder: Path, passages: Passages, vectors: Floats | None) -> None:
        """Keep the chunks' vectors (see `ragtally.api.Retriever.load`)."""
        self.add(passages, vectors)

    def share(self, parts: Sequence[Path], folder: Path) -> None:
        """Write nothing: two vectors are compared whatever the others are."""

    def load_part(self, folder: Path, shared: Path, number: int, passages: Passages, vectors: Floats | None) -> None:
        """Keep the vectors of a part."""
        self.add(passages, vectors)

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the nearest chunks for each question (see `ragtally.api.Retriever.search`)."""
        vectors, norms = _check(queries.vectors, len(queries), "question")
        hits = no_hits(len(queries), limit)
        depth = min(limit if self._rescore is None else self._rescore, len(self._vectors))
        if not self._vectors.size or limit < 1:
            return hits
        if vectors.shape[1] != self._vectors.shape[1]:
            raise PluginError(
                f"the embedder gives {vectors.shape[1]} dimensions for questions and {self._vectors.shape[1]} for "
                "chunks"
            )
        nonzero = np.flatnonzero(norms >= SHORTEST)
        for start in range(0, len(nonzero), _QUESTIONS):
            rows = nonzero[start : start + _QUESTIONS]
            best = self._nearest(vectors[rows], norms[rows], depth, len(nonzero))
            if self._rescore is not None:
                best = self._rescore_hits(vectors[rows], norms[rows], best, min(limit, depth))
            hits.passage[rows, : best.rows.shape[1]] = best.rows
            hits.score[rows, : best.rows.shape[1]] = best.scores
        return hits

    def _nearest(self, vectors: Floats, norms: NDArray[np.float64], depth: int, questions: int) -> Best:
        block = self._comparison.ask(vectors, norms)
        return scan.nearest(self._comparison, block, depth, use_compiled=self._is_large(questions))

    def _rescore_hits(self, vectors: Floats, norms: NDArray[np.float64], shortlist: Best, limit: int) -> Best:
        cosine = Cosine(self._vectors, self._norms)
        questions, position = np.nonzero(shortlist.rows >= 0)
        chunks = shortlist.rows[questions, position]
        best = Best(len(vectors), limit)
        best.add(questions, chunks, cosine.exact(cosine.ask(vectors, norms), questions, chunks))
        return best

    def _is_large(self, questions: int) -> bool:
        return self._vectors.size * questions >= self._comparison.worth_compiling


def _check(vectors: Floats | None, count: int, what: str) -> tuple[Floats, NDArray[np.float64]]:
    if vectors is None:
        raise PluginError("the retriever dense needs vectors and was given none", hint="give it an embedder")
    if vectors.ndim != 2 or len(vectors) != count:
        raise PluginError(f"the embedder gives vectors of shape {list(vectors.shape)} for {count} {what}s")
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    norms = np.empty(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        wide = vectors[start : start + _BLOCK].astype(np.float64)
        norms[start : start + _BLOCK] = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    for row in np.flatnonzero(~np.isfinite(norms))[:1]:
        raise PluginError(f"the embedder gives a vector with NaN or infinity for the {what} in row {row}")
    for row in np.flatnonzero(norms > LONGEST)[:1]:
        raise PluginError(
            f"the embedder gives a vector of length {norms[row]:.3g} for the {what} in row {row}",
            hint=f"the retriever dense compares vectors no longer than {LONGEST:g}",
        )
    return vectors, norms
