"""The join of similar sets: candidates come from rare shingles, and are compared until nothing more can be learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from ragtally.duplicates.shingles import Prefixes, ShingledTexts, prefix_length

# How many pairs are compared before it is looked again which ones are needed.
_PAIRS = 1 << 17
# How many shingles are compared at once.
_SHINGLES = 1 << 22
# Where more sets share a rare shingle, those of about one size are compared first.
_MANY = 32
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
        """Select some of the pairs."""
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
        """The same matrix as entries, ordered by shingle."""
        columns = self.matrix.tocsc()
        shingle = np.repeat(np.arange(columns.shape[1]), np.diff(columns.indptr))
        return Entries(shingle, columns.indices.astype(np.int64), columns.indptr[:-1].astype(np.int64))

    def possible(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Which pairs may be similar."""
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
        """Which pairs may be similar by their sizes alone, without the shingles that no common one precedes."""
        left = self.size[pairs.left] - self.alone[pairs.left]
        right = self.size[pairs.right] - self.alone[pairs.right]
        possible: NDArray[np.bool_] = np.minimum(left, right) >= self._least(pairs)
        return possible

    def _least(self, pairs: Pairs) -> Numbers:
        """How many common shingles two sets of these sizes have at least if they are similar."""
        whole = self.similarity.numerator + self.similarity.denominator
        return -(-(self.size[pairs.left] + self.size[pairs.right]) * self.similarity.numerator // whole)


def rare_shingles(prefixes: Prefixes, similarity: Fraction) -> RareShingles:
    """Number sets and shingles."""
    # For a set of n elements to be similar to a larger one, a common shingle must be among its n - ceil(2t n / (1 +
    # t)) + 1 rarest (Xiao et al. 2011), fewer than the larger set's n - ceil(t n) + 1.
    _, shingle, sets = np.unique(prefixes.code, return_inverse=True, return_counts=True)
    is_repeat = sets[shingle] > 1
    shingle, position = (np.cumsum(sets > 1) - 1)[shingle[is_repeat]], prefixes.position[is_repeat]
    text, own = np.unique(prefixes.text[is_repeat], return_inverse=True)
    smallest_first = np.argsort(prefixes.size[text], kind="stable")
    rank = np.empty(len(text), dtype=np.int64)
    rank[smallest_first] = np.arange(len(text))
    text, own = text[smallest_first], rank[own]
    size = prefixes.size[text]
    alone = size.copy()
    np.minimum.at(alone, own, position)
    early = position < prefix_length(size, 2 * similarity / (1 + similarity))[own]
    shape = (len(text), int((sets > 1).sum()))
    matrix, early_matrix = _matrix(own, shingle, shape), _matrix(shingle[early], own[early], shape[::-1])
    return RareShingles(text, size, alone, matrix, early_matrix, similarity)


def neighbours(rare: RareShingles, most: int, classes: NDArray[np.bool_]) -> Iterator[Pairs]:
    """Pair sets with the next smaller and larger set of every class that shares one of their rare shingles."""
    # Only of shingles that many sets have: these pairs connect most of a crowd, so that `sharing` finds it settled.
    entries = rare.by_shingle()
    frequent = np.repeat(entries.count() > most, entries.count())
    shingle, of_set, entry = entries.shingle[frequent], entries.set[frequent], np.arange(int(frequent.sum()))
    if not len(entry):
        return
    for members in (np.ones(len(rare.text), dtype=np.bool_), *classes.T):
        is_member = members[of_set]
        smaller = np.append(-1, np.maximum.accumulate(np.where(is_member, entry, -1))[:-1])
        larger = np.append(np.minimum.accumulate(np.where(is_member, entry, len(entry))[::-1])[::-1][1:], len(entry))
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


def sharing(rare: RareShingles, open_shingles: NDArray[np.bool_]) -> Iterator[Pairs]:
    """Pair all sets that have one of some rare shingles in common, where they may be similar."""
    early = (rare.early * open_shingles[:, None].astype(np.int32)).tocsr()
    early.eliminate_zeros()
    products = np.cumsum(rare.matrix @ np.diff(early.indptr))
    at = 0
    while at < len(rare.text):
        until = int(np.searchsorted(products, (products[at - 1] if at else 0) + _PRODUCTS, side="right"))
        until = max(at + 1, until)
        common = rare.matrix[at:until] @ early
        pairs = Pairs(common.indices.astype(np.int64), np.repeat(np.arange(at, until), np.diff(common.indptr)))
        pairs = pairs.take(pairs.left < pairs.right)
        yield pairs.take(rare.roughly_possible(pairs))
        at = until


def row_products(matrix: csr_array, pairs: Pairs) -> Numbers:
    """The dot products of pairs of a matrix's rows."""
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


@dataclass(frozen=True, slots=True)
class SimilarTexts:
    """Pairs of similar texts."""

    left: Numbers  # One text of each pair; int64, shape [pairs]
    right: Numbers  # The other one, further down; int64, shape [pairs]
    similarity: NDArray[np.float64]  # The Jaccard similarity of the two; float64, shape [pairs]
    comparisons: int  # How many pairs were compared


def join(
    texts: ShingledTexts,
    prefixes: Prefixes,
    similarity: Fraction,
    classes: NDArray[np.bool_],
    progress: Callable[[int, int], None],
) -> SimilarTexts:
    """Find enough pairs of similar texts to know every group, and who has a similar text in which class."""
    rare = rare_shingles(prefixes, similarity)
    search = _Search(texts, rare, classes[rare.text])
    for pairs in neighbours(rare, _MANY, search.classes):
        search.compare(pairs)
    for pairs in sharing(rare, ~search.is_settled()):
        search.compare(pairs)
        progress(len(rare.text), int(pairs.right[-1]) if len(pairs) else 0)
    progress(len(rare.text), len(rare.text))
    return search.result()


class _Search:
    """Compares pairs, and learns which comparisons can tell nothing new."""

    def __init__(self, texts: ShingledTexts, rare: RareShingles, classes: NDArray[np.bool_]) -> None:
        self.classes = classes
        # Which sets are known to have a similar one in which class.
        self.covered = np.zeros_like(classes)
        self.group = np.arange(len(rare.text), dtype=np.int32)
        self.comparisons = 0
        self._texts, self._rare = texts, rare
        self._pairs: list[Pairs] = []
        self._similarity: list[NDArray[np.float64]] = []

    def compare(self, pairs: Pairs) -> None:
        """Compare the pairs that may be similar and whose comparison can tell something new."""
        share, whole = self._rare.similarity.numerator, self._rare.similarity.denominator
        for at in range(0, len(pairs), _PAIRS):
            some = pairs.take(slice(at, at + _PAIRS))
            some = some.take(self._informative(some))
            some = some.take(self._rare.possible(some))
            common = self._common(some)
            either = self._rare.size[some.left] + self._rare.size[some.right] - common
            similar = common * whole >= either * share
            self._learn(some.take(similar), (common[similar] / either[similar]))
            self.comparisons += len(some)

    def is_settled(self) -> NDArray[np.bool_]:
        """Which shingles are of no more use: their sets are in one group, and covered for all classes there."""
        entries = self._rare.by_shingle()
        if not len(entries.first):
            return np.zeros(0, dtype=np.bool_)
        group = self.group[entries.set]
        is_settled: NDArray[np.bool_] = np.minimum.reduceat(group, entries.first) == np.maximum.reduceat(
            group, entries.first
        )
        for members, has_similar in zip(self.classes.T, self.covered.T, strict=True):
            own = members[entries.set].astype(np.int64)
            others = np.repeat(np.add.reduceat(own, entries.first), entries.count()) - own
            is_settled &= np.logical_and.reduceat(has_similar[entries.set] | (others == 0), entries.first)
        return is_settled

    def result(self) -> SimilarTexts:
        """The similar pairs, by rows of texts."""
        empty = np.zeros(0, dtype=np.int64)
        one = self._rare.text[np.concatenate([empty, *(pairs.left for pairs in self._pairs)])]
        other = self._rare.text[np.concatenate([empty, *(pairs.right for pairs in self._pairs)])]
        left, right = np.minimum(one, other), np.maximum(one, other)
        order = np.lexsort((right, left))
        similarity = np.concatenate([np.zeros(0), *self._similarity])
        return SimilarTexts(left[order], right[order], similarity[order], self.comparisons)

    def _informative(self, pairs: Pairs) -> NDArray[np.bool_]:
        informative: NDArray[np.bool_] = self.group[pairs.left] != self.group[pairs.right]
        same_group = np.flatnonzero(~informative)
        left, right = pairs.left[same_group], pairs.right[same_group]
        news = (self.classes[left] & ~self.covered[right]) | (self.classes[right] & ~self.covered[left])
        informative[same_group] = news.any(axis=1)
        return informative

    def _learn(self, pairs: Pairs, similarity: NDArray[np.float64]) -> None:
        if not len(pairs):
            return
        self._pairs.append(pairs)
        self._similarity.append(similarity)
        for number, members in enumerate(self.classes.T):
            self.covered[pairs.left[members[pairs.right]], number] = True
            self.covered[pairs.right[members[pairs.left]], number] = True
        size = len(self.group)
        edges = coo_array(
            (np.ones(len(pairs)), (self.group[pairs.left], self.group[pairs.right])), shape=(size, size)
        )
        self.group = connected_components(edges, directed=False)[1][self.group]

    def _common(self, pairs: Pairs) -> Numbers:
        """How many shingles both sets of each pair have."""
        sets, number = np.unique(np.concatenate([pairs.left, pairs.right]), return_inverse=True)
        if len(pairs) > 1 and self._rare.size[sets].sum() > _SHINGLES:
            half = len(pairs) // 2
            return np.concatenate(
                [self._common(pairs.take(slice(half))), self._common(pairs.take(slice(half, None)))]
            )
        incidence = self._texts.incidence(self._rare.text[sets])
        return row_products(incidence, Pairs(number[: len(pairs)], number[len(pairs) :]))
