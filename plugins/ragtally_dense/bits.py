"""The two distances between vectors cut down to bits: one a component, set where it is above zero."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally.support.ranking import ROUNDING_SLACK, SIGNIFICANT_DIGITS
from ragtally_dense.comparison import Asked, Comparison, Floats

Words = NDArray[np.uint64]
_WORD = 64
_BLOCK = 4096
_PAIRS = 1 << 16
_SHARES_TOLD_APART = 4096
_NUMBERS_TOLD_APART = 10**SIGNIFICANT_DIGITS


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

    def ask(self, vectors: Floats, norms: NDArray[np.float64]) -> Asked:
        """Pack the questions' bits (see `Comparison.ask`)."""
        words = pack(vectors)
        ones = np.bitwise_count(words).sum(axis=1, dtype=np.int64).astype(np.float64)
        return Asked(vectors, words, ones, np.zeros(len(vectors)))

    def exact(self, asked: Asked, questions: NDArray[np.intp], chunks: NDArray[np.integer]) -> NDArray[np.float64]:
        """Score some pairs (see `Comparison.exact`)."""
        scores = np.empty(len(questions))
        for start in range(0, len(questions), _PAIRS):
            question, chunk = questions[start : start + _PAIRS], chunks[start : start + _PAIRS]
            both = asked.ready[question].T & self._words[:, chunk]
            shared = np.bitwise_count(both).sum(axis=0, dtype=np.int64).astype(np.float64)
            self._compare(shared, asked.sizes[question], self._ones[chunk])
            scores[start : start + _PAIRS] = shared
        return scores

    def _score(self, asked: Asked, questions: slice, chunks: slice, out: Floats, *, compiled: bool) -> None:
        ones = asked.sizes[questions].astype(np.float32)
        if compiled:
            from ragtally_dense.loops import compare_bits

            compare_bits(asked.ready[questions], ones, self._words, self._ones, chunks.start, self._as_share, out)
            return
        # A matrix product of zeros and ones counts in float32 without error, up to 2 ** 24.
        np.matmul(_unpack(asked.ready[questions]), _unpack(self._words[:, chunks].T).T, out=out)
        self._compare(out, ones[:, None], self._ones[chunks])

    @abstractmethod
    def _compare(self, shared: NDArray[Any], question_ones: NDArray[Any], chunk_ones: NDArray[Any]) -> None:
        """Make scores of the numbers of ones that both of a pair have, in place."""


class Hamming(BitComparison):
    """Minus the number of bits that differ."""

    _as_share = False

    def __init__(self, vectors: Floats, norms: NDArray[np.float64]) -> None:
        super().__init__(vectors, norms)
        self.window = 0.0 if vectors.shape[1] < _NUMBERS_TOLD_APART else ROUNDING_SLACK

    def _compare(self, shared: NDArray[Any], question_ones: NDArray[Any], chunk_ones: NDArray[Any]) -> None:
        shared *= 2
        shared -= question_ones
        shared -= chunk_ones


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
        self.relative = 0.0 if vectors.shape[1] < _SHARES_TOLD_APART else float(np.finfo(np.float32).eps)

    def _compare(self, shared: NDArray[Any], question_ones: NDArray[Any], chunk_ones: NDArray[Any]) -> None:
        union = question_ones + chunk_ones
        union -= shared
        empty = union == 0
        shared += empty
        union += empty
        shared /= union


def pack(vectors: Floats) -> Words:
    """Cut vectors down to bits."""
    packed = np.packbits(vectors > 0, axis=1)
    padded = np.zeros((len(vectors), -(-vectors.shape[1] // _WORD) * _WORD // 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    words: Words = padded.view(np.uint64)
    return words


def _unpack(words: Words) -> Floats:
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1).astype(np.float32)
