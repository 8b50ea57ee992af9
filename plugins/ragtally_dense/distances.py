"""The four distances between whole vectors."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from ragtally.support.ranking import ROUNDING_SLACK
from ragtally_dense.comparison import SHORTEST, Comparison, Floats, QueryBlock

Doubles = NDArray[np.float64]
_NEAR_ZERO = 1e-6
_PAIRS = 2048
_BLOCK = 512


class VectorComparison(Comparison):
    """Chunks whose float32 vectors are compared."""

    window = ROUNDING_SLACK

    def __init__(self, vectors: Floats, norms: Doubles) -> None:
        super().__init__(vectors, norms)
        # A sum of n products, in whatever order and with or without fused steps, is off by at most n roundings of
        # the sum of the products' magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 3.1).
        # A few more are for what is done with the sum, and the last part for numbers too small for float32.
        self._unit = (vectors.shape[1] + 16) * float(np.finfo(np.float32).eps) / 2
        self._underflow = (vectors.shape[1] + 16) * float(np.finfo(np.float32).tiny)

    def ask(self, vectors: Floats, norms: Doubles) -> QueryBlock:
        """Make questions ready (see `Comparison.ask`)."""
        return QueryBlock(vectors, vectors, norms, np.zeros(len(vectors)))

    def exact(self, queries: QueryBlock, questions: NDArray[np.intp], chunks: NDArray[np.integer]) -> Doubles:
        """Score some pairs in float64 (see `Comparison.exact`)."""
        scores = np.empty(len(questions))
        for start in range(0, len(questions), _PAIRS):
            pairs = slice(start, start + _PAIRS)
            question, chunk = questions[pairs], chunks[pairs]
            scores[pairs] = self._exact(
                queries.vectors[question].astype(np.float64),
                self._vectors[chunk].astype(np.float64),
                queries.sizes[question] * self._norms[chunk],
            )
        return scores

    def _score(
        self, queries: QueryBlock, questions: slice, chunks: slice, out: Floats, *, use_compiled: bool
    ) -> None:
        np.matmul(queries.ready[questions], self._vectors[chunks].T, out=out)

    def _largest(self, chunks: slice) -> float:
        return float(self._norms[chunks].max(initial=0.0))

    @abstractmethod
    def _exact(self, questions: Doubles, chunks: Doubles, norms: Doubles) -> Doubles:
        """Score pairs, each question with the chunk in the same row; `norms` are the products of their norms."""


class Dot(VectorComparison):
    """The inner product; one that is nothing but rounding errors is zero."""

    def error(self, queries: QueryBlock, questions: slice, chunks: slice) -> Doubles:
        """Bound the errors by the product of the norms (see `Comparison.error`)."""
        bound: Doubles = (self._unit + _NEAR_ZERO) * queries.sizes[questions] * self._largest(chunks)
        bound += self._underflow
        return bound

    def _exact(self, questions: Doubles, chunks: Doubles, norms: Doubles) -> Doubles:
        products = np.einsum("ij,ij->i", questions, chunks)
        return np.where(np.abs(products) <= _NEAR_ZERO * norms, 0.0, products)


class Cosine(Dot):
    """The cosine of the angle between the vectors."""

    def __init__(self, vectors: Floats, norms: Doubles) -> None:
        super().__init__(vectors, norms)
        self._factor = (1 / np.maximum(norms, SHORTEST)).astype(np.float32)

    def ask(self, vectors: Floats, norms: Doubles) -> QueryBlock:
        """Bring questions to a length of one (see `Comparison.ask`)."""
        return QueryBlock(vectors, (vectors / norms[:, None]).astype(np.float32), norms, np.zeros(len(vectors)))

    def error(self, queries: QueryBlock, questions: slice, chunks: slice) -> Doubles:
        """Bound the errors, whatever the norms (see `Comparison.error`)."""
        return np.full(len(queries.sizes[questions]), self._unit + _NEAR_ZERO + self._underflow / SHORTEST)

    def _score(
        self, queries: QueryBlock, questions: slice, chunks: slice, out: Floats, *, use_compiled: bool
    ) -> None:
        super()._score(queries, questions, chunks, out, use_compiled=use_compiled)
        out *= self._factor[chunks]

    def _exact(self, questions: Doubles, chunks: Doubles, norms: Doubles) -> Doubles:
        return super()._exact(questions, chunks, norms) / norms


class Euclidean(VectorComparison):
    """Minus the Euclidean (L2) distance; the rough score is minus its square."""

    window = 2.01 * ROUNDING_SLACK

    def __init__(self, vectors: Floats, norms: Doubles) -> None:
        super().__init__(vectors, norms)
        self._squares = (norms * norms).astype(np.float32)

    def ask(self, vectors: Floats, norms: Doubles) -> QueryBlock:
        """Double questions, exactly (see `Comparison.ask`)."""
        return QueryBlock(vectors, vectors * np.float32(2), norms, -norms * norms)

    def error(self, queries: QueryBlock, questions: slice, chunks: slice) -> Doubles:
        """Bound the errors by the largest square that cancels out (see `Comparison.error`)."""
        bound: Doubles = self._unit * (queries.sizes[questions] + self._largest(chunks)) ** 2
        bound += self._underflow
        return bound

    def _score(
        self, queries: QueryBlock, questions: slice, chunks: slice, out: Floats, *, use_compiled: bool
    ) -> None:
        # -(q - c)^2 = 2qc - c^2 - q^2: one matrix product instead of a difference per pair.
        super()._score(queries, questions, chunks, out, use_compiled=use_compiled)
        out -= self._squares[chunks]

    def _exact(self, questions: Doubles, chunks: Doubles, norms: Doubles) -> Doubles:
        differences = chunks - questions
        distances: Doubles = np.sqrt(np.einsum("ij,ij->i", differences, differences))
        return -distances


class Manhattan(VectorComparison):
    """Minus the Manhattan (L1) distance."""

    worth_compiling = 2e9

    def __init__(self, vectors: Floats, norms: Doubles) -> None:
        super().__init__(vectors, norms)
        self.relative = self._unit

    def error(self, queries: QueryBlock, questions: slice, chunks: slice) -> Doubles:
        """Bound what is lost of numbers too small for float32; the rest is relative (see `Comparison.error`)."""
        return np.full(len(queries.sizes[questions]), self._underflow)

    def _score(
        self, queries: QueryBlock, questions: slice, chunks: slice, out: Floats, *, use_compiled: bool
    ) -> None:
        vectors = self._vectors[chunks]
        if use_compiled:
            from ragtally_dense.loops import manhattan

            manhattan(queries.ready[questions], vectors, out)
            return
        space = np.empty((_BLOCK, vectors.shape[1]), np.float32)
        minus_ones = np.full(vectors.shape[1], -1, np.float32)
        # Blocks of chunks that stay in the processor's cache while all questions pass over them.
        for start in range(0, len(vectors), _BLOCK):
            block = vectors[start : start + _BLOCK]
            difference = space[: len(block)]
            for row, question in enumerate(queries.ready[questions]):
                np.subtract(block, question, out=difference)
                np.abs(difference, out=difference)
                np.dot(difference, minus_ones, out=out[row, start : start + len(block)])

    def _exact(self, questions: Doubles, chunks: Doubles, norms: Doubles) -> Doubles:
        distances: Doubles = np.abs(chunks - questions).sum(axis=1)
        return -distances
