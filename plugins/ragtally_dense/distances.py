"""Distances between vectors, each twice: fast in float32 for all chunks, exact in float64 for the few best.

The fast pass says which chunks can be among the best; `lowest` bounds how far its rounding errors reach, so that
the exact pass sees every chunk that may tie. Scores are similarities: higher is nearer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from ragtally.kinds.ranking import ROUNDING_SLACK

Floats = NDArray[np.float32]
_ERROR = 2e-5
_NEAR_ZERO = 1e-6
_L1_BLOCK = 512


class Distance(ABC):
    """One way to compare vectors, none of them zero."""

    @abstractmethod
    def fast(self, questions: Floats, chunks: Floats, norms: Floats) -> Floats:
        """Score all pairs roughly; any function of the exact score that keeps its order.

        Args:
            questions: Vectors, shape [questions, dimensions].
            chunks: Vectors, shape [chunks, dimensions].
            norms: The chunks' Euclidean norms, shape [chunks].

        Returns:
            Rough scores, shape [questions, chunks].
        """

    @abstractmethod
    def lowest(self, threshold: Floats, question_norms: Floats, largest_norm: float) -> NDArray[np.floating]:
        """Say which rough score may still belong to an exact score that ties with another's.

        Args:
            threshold: Rough scores, one a question.
            question_norms: The questions' Euclidean norms.
            largest_norm: The largest Euclidean norm of any chunk.

        Returns:
            Rough scores, somewhat lower, one a question.
        """

    @abstractmethod
    def exact(self, question: NDArray[np.float64], chunks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score one question against some chunks.

        Args:
            question: Its vector, shape [dimensions].
            chunks: Their vectors, shape [chunks, dimensions].

        Returns:
            The scores, shape [chunks].
        """


class Dot(Distance):
    """The inner product."""

    def fast(self, questions: Floats, chunks: Floats, norms: Floats) -> Floats:
        """Score all pairs roughly (see `Distance.fast`)."""
        return questions @ chunks.T

    def lowest(self, threshold: Floats, question_norms: Floats, largest_norm: float) -> NDArray[np.floating]:
        """Lower a threshold (see `Distance.lowest`)."""
        return threshold - ROUNDING_SLACK * np.abs(threshold) - _ERROR * question_norms * largest_norm

    def exact(self, question: NDArray[np.float64], chunks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiply; a product that is nothing but rounding errors is zero."""
        products = chunks @ question
        noise = _NEAR_ZERO * np.linalg.norm(question) * np.linalg.norm(chunks, axis=1)
        return np.where(np.abs(products) <= noise, 0.0, products)


class Cosine(Dot):
    """The cosine of the angle between the vectors."""

    def fast(self, questions: Floats, chunks: Floats, norms: Floats) -> Floats:
        """Score all pairs roughly (see `Distance.fast`), by the cosine times the question's norm."""
        scores = super().fast(questions, chunks, norms)
        scores /= norms
        return scores

    def lowest(self, threshold: Floats, question_norms: Floats, largest_norm: float) -> NDArray[np.floating]:
        """Lower a threshold (see `Distance.lowest`)."""
        return super().lowest(threshold, question_norms, 1.0)

    def exact(self, question: NDArray[np.float64], chunks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Divide the inner product by both norms."""
        norms = np.linalg.norm(question) * np.linalg.norm(chunks, axis=1)
        cosines: NDArray[np.float64] = super().exact(question, chunks) / norms
        return cosines


class Euclidean(Distance):
    """Minus the Euclidean (L2) distance."""

    def fast(self, questions: Floats, chunks: Floats, norms: Floats) -> Floats:
        """Score all pairs roughly (see `Distance.fast`), by minus the squared distance."""
        # (q - c)^2 = q^2 - 2qc + c^2: one matrix product instead of a difference per pair.
        scores = questions @ chunks.T
        scores *= 2
        scores -= norms * norms
        scores -= np.einsum("ij,ij->i", questions, questions)[:, None]
        return scores

    def lowest(self, threshold: Floats, question_norms: Floats, largest_norm: float) -> NDArray[np.floating]:
        """Lower a threshold (see `Distance.lowest`)."""
        error = _ERROR * (question_norms + np.float32(largest_norm)) ** 2
        return threshold - 2 * ROUNDING_SLACK * np.abs(threshold) - error

    def exact(self, question: NDArray[np.float64], chunks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the difference's norm."""
        distances: NDArray[np.float64] = np.linalg.norm(chunks - question, axis=1)
        return -distances


class Manhattan(Distance):
    """Minus the Manhattan (L1) distance."""

    def fast(self, questions: Floats, chunks: Floats, norms: Floats) -> Floats:
        """Score all pairs roughly (see `Distance.fast`)."""
        scores = np.empty((len(questions), len(chunks)), np.float32)
        space = np.empty((_L1_BLOCK, chunks.shape[1]), np.float32)
        minus_ones = np.full(chunks.shape[1], -1, np.float32)
        # Blocks of chunks that stay in the processor's cache while all questions pass over them.
        for start in range(0, len(chunks), _L1_BLOCK):
            block = chunks[start : start + _L1_BLOCK]
            difference = space[: len(block)]
            for row, question in enumerate(questions):
                np.subtract(block, question, out=difference)
                np.abs(difference, out=difference)
                np.dot(difference, minus_ones, out=scores[row, start : start + len(block)])
        return scores

    def lowest(self, threshold: Floats, question_norms: Floats, largest_norm: float) -> NDArray[np.floating]:
        """Lower a threshold (see `Distance.lowest`)."""
        return threshold - np.abs(threshold) * np.float32(ROUNDING_SLACK + _ERROR)

    def exact(self, question: NDArray[np.float64], chunks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the differences."""
        distances: NDArray[np.float64] = np.abs(chunks - question).sum(axis=1)
        return -distances


DISTANCES = {"cosine": Cosine(), "dot": Dot(), "l2": Euclidean(), "l1": Manhattan()}
"""Every distance by its name in a spec."""
