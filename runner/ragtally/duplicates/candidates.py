"""Which sets may be similar, told from their rarest shingles alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ragtally.duplicates.shingles import Prefixes, prefix_length

# About how many entries are multiplied at once.
_PRODUCTS = 1 << 22
# Where the pairs are at least one in so many of all pairs of their sets, all of these are multiplied at once.
_CLOSE = 2

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of sets, the one with the lower number on the left."""

    left: Numbers  # One set of each; int64, shape [pairs]
    right: Numbers  # The other one; int64, shape [pairs]

    def __len__(self) -> int:
        return len(self.left)

    def take(self, which: Numbers | NDArray[np.bool_] | slice) -> Pairs:
        """Keep some of the pairs."""
        return Pairs(self.left[which], self.right[which])


@dataclass(frozen=True, slots=True)
class Entries:
    """Which set has which shingle, ordered by shingle, then set."""

    shingle: Numbers  # The shingle of each entry; int64, shape [entries]
    set: Numbers  # Its set; int64, shape [entries]
    first: Numbers  # Where the entries of each shingle begin; int64, shape [shingles]

    def count(self) -> Numbers:
        """Count each shingle's sets; int64, shape [shingles]."""
        return np.diff(self.first, append=len(self.set))


@dataclass(frozen=True, slots=True)
class RareShingles:
    """Which sets have which of their rarest shingles in common with others."""

    # Sets are numbered from the smallest to the largest, shingles in any order.

    text: Numbers  # The text of each set; int64, shape [sets]
    size: Numbers  # How many shingles each set has; int64, shape [sets]
    alone: Numbers  # How many of each set's shingles are rarer than the rarest shared one; int64, shape [sets]
    # How often each set has each shingle among its rarest, 1 as a rule; int32, shape [sets, shingles].
    matrix: csr_array
    # The same by shingle, for those that a set must have in common with a larger one to be similar to it; int32,
    # shape [shingles, sets].
    early: csr_array
    similarity: Fraction  # The least Jaccard similarity of similar sets

    def by_shingle(self) -> Entries:
        """List which set has which shingle."""
        columns = self.matrix.tocsc()
        shingle = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
        return Entries(shingle, columns.indices.astype(np.int64), columns.indptr[:-1].astype(np.int64))

    def possible(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Say which pairs may be similar."""
        # Of two similar sets of a and b elements at least o = ceil(t (a + b) / (1 + t)) are common. The i-th rarest
        # common one is preceded by at most a - o others in the one set and b - o in the other, so at least min(p - (a
        # - o), q - (b - o)) common ones are among the p and the q rarest.
        common = row_products(self.matrix, pairs)
        left, right = self.size[pairs.left], self.size[pairs.right]
        of_left = prefix_length(left, self.similarity) - left
        of_right = prefix_length(right, self.similarity) - right
        possible: NDArray[np.bool_] = common >= self._least(pairs) + np.minimum(of_left, of_right)
        return possible

    def roughly_possible(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Say which pairs may be similar by their sizes and by how many of their shingles no common one comes
        before.
        """
        left = self.size[pairs.left] - self.alone[pairs.left]
        right = self.size[pairs.right] - self.alone[pairs.right]
        possible: NDArray[np.bool_] = np.minimum(left, right) >= self._least(pairs)
        return possible

    def _least(self, pairs: Pairs) -> Numbers:
        """How many common shingles two sets of these sizes have at the least where they are similar."""
        whole = self.similarity.numerator + self.similarity.denominator
        return -(-(self.size[pairs.left] + self.size[pairs.right]) * self.similarity.numerator // whole)


def rare_shingles(prefixes: Prefixes, similarity: Fraction) -> RareShingles:
    """Number sets and shingles."""
    # For a set of n elements to be similar to a larger one, a common shingle must be among its n - ceil(2t n / (1 +
    # t)) + 1 rarest (Xiao et al. 2011), fewer than the larger set's n - ceil(t n) + 1.
    _, shingle, held = np.unique(prefixes.code, return_inverse=True, return_counts=True)
    kept = held[shingle] > 1
    shingle, position = (np.cumsum(held > 1) - 1)[shingle[kept]], prefixes.position[kept]
    text, own = np.unique(prefixes.text[kept], return_inverse=True)
    smallest_first = np.argsort(prefixes.size[text], kind="stable")
    rank = np.empty(len(text), dtype=np.int64)
    rank[smallest_first] = np.arange(len(text))
    text, own = text[smallest_first], rank[own]
    size = prefixes.size[text]
    alone = size.copy()
    np.minimum.at(alone, own, position)
    early = position < prefix_length(size, 2 * similarity / (1 + similarity))[own]
    shape = (len(text), int((held > 1).sum()))
    matrix, of_early = _matrix(own, shingle, shape), _matrix(shingle[early], own[early], shape[::-1])
    return RareShingles(text, size, alone, matrix, of_early, similarity)


def neighbours(rare: RareShingles, most: int, classes: NDArray[np.bool_]) -> Iterator[Pairs]:
    """Pair sets that share a rare shingle and are near in size: with the next smaller and larger one of every
    class.
    """
    entries = rare.by_shingle()
    wanted = np.repeat(entries.count() > most, entries.count())
    shingle, of_set, entry = entries.shingle[wanted], entries.set[wanted], np.arange(int(wanted.sum()))
    if not len(entry):
        return
    for of_class in (np.ones(len(rare.text), dtype=np.bool_), *classes.T):
        counts = of_class[of_set]
        smaller = np.append(-1, np.maximum.accumulate(np.where(counts, entry, -1))[:-1])
        larger = np.append(np.minimum.accumulate(np.where(counts, entry, len(entry))[::-1])[::-1][1:], len(entry))
        below = (smaller >= 0) & (shingle[smaller] == shingle)
        above = (larger < len(entry)) & (shingle[np.minimum(larger, len(entry) - 1)] == shingle)
        left = np.concatenate([of_set[smaller[below]], of_set[above]])
        right = np.concatenate([of_set[below], of_set[larger[above]]])
        pairs = Pairs(left, right)
        pairs = pairs.take(rare.roughly_possible(pairs))
        # Sorted by hand: np.unique hashes, which is slow for millions of such numbers.
        number = np.sort(pairs.left * len(rare.text) + pairs.right)
        once = number[np.append(True, number[1:] != number[:-1])[: len(number)]]
        yield Pairs(once // len(rare.text), once % len(rare.text))


def sharing(rare: RareShingles, wanted: NDArray[np.bool_]) -> Iterator[Pairs]:
    """Pair all sets that have a rare shingle in common, as far as they may be similar for that."""
    early = (rare.early * wanted[:, None].astype(np.int32)).tocsr()
    early.eliminate_zeros()
    products = np.cumsum(rare.matrix @ np.diff(early.indptr))
    at = 0
    while at < len(rare.text):
        until = int(np.searchsorted(products, (products[at - 1] if at else 0) + _PRODUCTS, side="right"))
        until = max(at + 1, until)
        found = rare.matrix[at:until] @ early
        pairs = Pairs(found.indices.astype(np.int64), np.repeat(np.arange(at, until), np.diff(found.indptr)))
        pairs = pairs.take(pairs.left < pairs.right)
        yield pairs.take(rare.roughly_possible(pairs))
        at = until


def row_products(matrix: csr_array, pairs: Pairs) -> Numbers:
    """Multiply rows of a matrix with each other."""
    one, left = np.unique(pairs.left, return_inverse=True)
    other, right = np.unique(pairs.right, return_inverse=True)
    if len(one) * len(other) <= _CLOSE * len(pairs):
        return np.asarray((matrix[one] @ matrix[other].T).toarray()[left, right], dtype=np.int64)
    each = max(1, _PRODUCTS * len(matrix.indptr) // max(1, matrix.nnz))
    products = [np.zeros(0, dtype=np.int64)]
    for at in range(0, len(pairs), each):
        some = pairs.take(slice(at, at + each))
        products.append(matrix[some.left].multiply(matrix[some.right]).sum(axis=1))
    return np.concatenate(products)


def _matrix(row: Numbers, column: Numbers, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(row), dtype=np.int32), (row, column)), shape=shape)
