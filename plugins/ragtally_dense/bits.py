"""The two distances between vectors cut down to bits: one per component, set where it is above zero."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally.support.ranking import ROUNDING_SLACK, SIGNIFICANT_DIGITS
from ragtally_dense.comparison import Comparison, Floats, QueryBlock

Words = NDArray[np.uint64]
_WORD = 64
_BLOCK = 4096
_PAIRS = 1 << 16
_EXACT_SHARES = 4096
_EXACT_NUMBERS = 10**SIGNIFICANT_DIGITS


class BitComparison(Comparison):
    """Chunks whose packed bits are compared."""

    # A zero vector is near to nothing, here too, although its bits are those of any vector without a component above
    # zero. Such a vector, if not zero, is compared like any other: its set of components above zero is empty.

    worth_compiling = 2e10
    _as_share: bool

    def __init__(self, vectors: Floats, norms: NDArray[np.float64]) -> None:
        super().__init__(vectors, norms)
        self._words = np.empty((-(-vectors.shape[1] // _WORD), len(vectors)), np.uint64)
        for start in range(0, len(vectors), _BLOCK):
            # Words of many chunks beside each other, for the processor to count several at once.
            self._words[:, start : start + _BLOCK] = pack(vectors[start : start + _BLOCK]).T
        self._ones = np.bitwise_count(self._words).sum(axis=0, dtype=np.int64).astype(np.float32)

    def ask(self, vectors: Floats, norms: NDArray[np.float64]) -> QueryBlock:
        """Pack the questions' bits (see `Comparison.ask`)."""
        words = pack(vectors)
        ones = np.bitwise_count(words).sum(axis=1, dtype=np.int64).astype(np.float64)
        return QueryBlock(vectors, words, ones, np.zeros(len(vectors)))

    def exact(
        self, queries: QueryBlock, questions: NDArray[np.intp], chunks: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Score some pairs (see `Comparison.exact`)."""
        scores = np.empty(len(questions))
        for start in range(0, len(questions), _PAIRS):
            question, chunk = questions[start : start + _PAIRS], chunks[start : start + _PAIRS]
            both = queries.ready[question].T & self._words[:, chunk]
            common = np.bitwise_count(both).sum(axis=0, dtype=np.int64).astype(np.float64)
            self._compare(common, queries.sizes[question], self._ones[chunk])
            scores[start : start + _PAIRS] = common
        return scores

    def _score(
        self, queries: QueryBlock, questions: slice, chunks: slice, out: Floats, *, use_compiled: bool
    ) -> None:
        ones = queries.sizes[questions].astype(np.float32)
        if use_compiled:
            from ragtally_dense.loops import compare_bits

            compare_bits(queries.ready[questions], ones, self._words, self._ones, chunks.start, self._as_share, out)
            return
        # A matrix product of zeros and ones counts in float32 without error, up to 2 ** 24.
        np.matmul(_unpack(queries.ready[questions]), _unpack(self._words[:, chunks].T).T, out=out)
        self._compare(out, ones[:, None], self._ones[chunks])

    @abstractmethod
    def _compare(self, common: NDArray[Any], question_ones: NDArray[Any], chunk_ones: NDArray[Any]) -> None:
        """Make scores of the numbers of ones that both of a pair have, in place."""


class Hamming(BitComparison):
    """Minus the number of bits that differ."""

    _as_share = False

    def __init__(self, vectors: Floats, norms: NDArray[np.float64]) -> None:
        super().__init__(vectors, norms)
        self.window = 0.0 if vectors.shape[1] < _EXACT_NUMBERS else ROUNDING_SLACK

    def _compare(self, common: NDArray[Any], question_ones: NDArray[Any], chunk_ones: NDArray[Any]) -> None:
        common *= 2
        common -= question_ones
        common -= chunk_ones


class Jaccard(BitComparison):
    """The Jaccard similarity of the sets of components above zero: the size of their intersection over their
    union's.
    """

    # Two empty sets are equal, so their similarity is 1 (as in SciPy); an empty set and another have 0.

    window = ROUNDING_SLACK
    _as_share = True

    def __init__(self, vectors: Floats, norms: NDArray[np.float64]) -> None:
        super().__init__(vectors, norms)
        # Two different shares with denominators up to n are 1 / n^2 apart, which float32 tells apart below 4096.
        self.relative = 0.0 if vectors.shape[1] < _EXACT_SHARES else float(np.finfo(np.float32).eps)

    def _compare(self, common: NDArray[Any], question_ones: NDArray[Any], chunk_ones: NDArray[Any]) -> None:
        union = question_ones + chunk_ones
        union -= common
        empty = union == 0
        common += empty
        union += empty
        common /= union


def pack(vectors: Floats) -> Words:
    """Cut vectors down to bits."""
    bits = np.packbits(vectors > 0, axis=1)
    rows = np.zeros((len(vectors), -(-vectors.shape[1] // _WORD) * _WORD // 8), np.uint8)
    rows[:, : bits.shape[1]] = bits
    words: Words = rows.view(np.uint64)
    return words


def _unpack(words: Words) -> Floats:
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1).astype(np.float32)
