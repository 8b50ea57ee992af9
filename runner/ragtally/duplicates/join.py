"""The join of sets: candidates are compared until nothing more can be learnt of who is similar to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ragtally.duplicates.candidates import (
    Numbers,
    Pairs,
    RareShingles,
    neighbours,
    rare_shingles,
    row_products,
    sharing,
)
from ragtally.duplicates.shingles import Prefixes, ShingledTexts

# How many pairs are compared before it is looked again which ones are needed.
_PAIRS = 1 << 17
# How many shingles are compared at once.
_SHINGLES = 1 << 22
# Where more sets share a rare shingle, those of about one size are compared first.
_MANY = 32


@dataclass(frozen=True, slots=True)
class Joined:
    """What was found."""

    left: Numbers  # One text of each pair; int64, shape [pairs]
    right: Numbers  # The other one, further down; int64, shape [pairs]
    similarity: NDArray[np.float64]  # The Jaccard similarity of the two; float64, shape [pairs]
    compared: int  # How many pairs were compared


def join(
    texts: ShingledTexts,
    prefixes: Prefixes,
    similarity: Fraction,
    classes: NDArray[np.bool_],
    told: Callable[[int, int], None],
) -> Joined:
    """Find similar texts."""
    rare = rare_shingles(prefixes, similarity)
    search = _Search(texts, rare, classes[rare.text])
    for pairs in neighbours(rare, _MANY, search.classes):
        search.compare(pairs)
    for pairs in sharing(rare, ~search.finished()):
        search.compare(pairs)
        told(len(rare.text), int(pairs.right[-1]) if len(pairs) else 0)
    told(len(rare.text), len(rare.text))
    return search.joined()


class _Search:
    """What is known so far."""

    def __init__(self, texts: ShingledTexts, rare: RareShingles, classes: NDArray[np.bool_]) -> None:
        self.classes = classes
        self.met = np.zeros_like(classes)
        self.group = np.arange(len(rare.text), dtype=np.int32)
        self.compared = 0
        self._texts, self._rare = texts, rare
        self._pairs: list[Pairs] = []
        self._similarity: list[NDArray[np.float64]] = []

    def compare(self, pairs: Pairs) -> None:
        """Compare those of some pairs that may be similar and can tell something new, and learn from them."""
        share, whole = self._rare.similarity.numerator, self._rare.similarity.denominator
        for at in range(0, len(pairs), _PAIRS):
            some = pairs.take(slice(at, at + _PAIRS))
            some = some.take(self._needed(some))
            some = some.take(self._rare.possible(some))
            common = self._common(some)
            either = self._rare.size[some.left] + self._rare.size[some.right] - common
            similar = common * whole >= either * share
            self._learn(some.take(similar), (common[similar] / either[similar]))
            self.compared += len(some)

    def finished(self) -> NDArray[np.bool_]:
        """Say which shingles can tell nothing more: their sets are in one group, and each has met all classes
        there.
        """
        entries = self._rare.by_shingle()
        if not len(entries.first):
            return np.zeros(0, dtype=np.bool_)
        group = self.group[entries.set]
        finished: NDArray[np.bool_] = np.minimum.reduceat(group, entries.first) == np.maximum.reduceat(
            group, entries.first
        )
        for of_class, met in zip(self.classes.T, self.met.T, strict=True):
            mine = of_class[entries.set].astype(np.int64)
            others = np.repeat(np.add.reduceat(mine, entries.first), entries.count()) - mine
            finished &= np.logical_and.reduceat(met[entries.set] | (others == 0), entries.first)
        return finished

    def joined(self) -> Joined:
        """Give back what was found, by rows of texts."""
        none = np.zeros(0, dtype=np.int64)
        one = self._rare.text[np.concatenate([none, *(pairs.left for pairs in self._pairs)])]
        other = self._rare.text[np.concatenate([none, *(pairs.right for pairs in self._pairs)])]
        left, right = np.minimum(one, other), np.maximum(one, other)
        order = np.lexsort((right, left))
        similarity = np.concatenate([np.zeros(0), *self._similarity])
        return Joined(left[order], right[order], similarity[order], self.compared)

    def _needed(self, pairs: Pairs) -> NDArray[np.bool_]:
        needed: NDArray[np.bool_] = self.group[pairs.left] != self.group[pairs.right]
        tied = np.flatnonzero(~needed)
        left, right = pairs.left[tied], pairs.right[tied]
        news = (self.classes[left] & ~self.met[right]) | (self.classes[right] & ~self.met[left])
        needed[tied] = news.any(axis=1)
        return needed

    def _learn(self, pairs: Pairs, similarity: NDArray[np.float64]) -> None:
        if not len(pairs):
            return
        self._pairs.append(pairs)
        self._similarity.append(similarity)
        for number, of_class in enumerate(self.classes.T):
            self.met[pairs.left[of_class[pairs.right]], number] = True
            self.met[pairs.right[of_class[pairs.left]], number] = True
        size = len(self.group)
        ties = coo_array((np.ones(len(pairs)), (self.group[pairs.left], self.group[pairs.right])), shape=(size, size))
        self.group = connected_components(ties, directed=False)[1][self.group]

    def _common(self, pairs: Pairs) -> Numbers:
        """Count the shingles that both sets of each pair have."""
        sets, number = np.unique(np.concatenate([pairs.left, pairs.right]), return_inverse=True)
        if len(pairs) > 1 and self._rare.size[sets].sum() > _SHINGLES:
            half = len(pairs) // 2
            return np.concatenate(
                [self._common(pairs.take(slice(half))), self._common(pairs.take(slice(half, None)))]
            )
        held = self._texts.incidence(self._rare.text[sets])
        return row_products(held, Pairs(number[: len(pairs)], number[len(pairs) :]))
