"""Texts that are nearly the same: pairs with their exact Jaccard similarity, and the groups that they form.

No pair at or above the threshold is missed: sets of shingles are joined by prefix filtering (Chaudhuri, Ganti and
Kaushik 2006; Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search"; Xiao et al. 2011, "Efficient
similarity joins for near-duplicate detection"). Two similar sets have one of their rarest elements in common, so only
sets that do are compared. A pair that can tell nothing new is not compared: its texts are in one group already, and
both are known to have a near-duplicate in each class of the other. So a thousand variants of one text take a few
thousand comparisons instead of half a million, and copies of one text take none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ragtally.duplicates.join import join
from ragtally.duplicates.shingles import Prefixes, ShingledTexts, WordSequences, first_copies

# Receives the name of a piece of work, how much of it there is, and how much of that is done.
SearchProgress = Callable[[str, int, int], None]

# Shingles are counted again where no more than this share of the texts counted before can be similar to another.
_WORTHWHILE = 0.5
_FINEST = 10_000


@dataclass(frozen=True, slots=True)
class Examples:
    """For each text one of its near-duplicates."""

    text: NDArray[np.int64]  # Its row, -1 where there is none; int64, shape [texts]
    # The Jaccard similarity of the two, 0 where there is none; float64, shape [texts].
    similarity: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """The near-duplicates among some texts; a text without a word is a near-duplicate of none."""

    # The pairs are between first copies, and not all that there are, but enough to know (see `near`) who has a
    # near-duplicate in which class.

    # Of each text, the first with the same words in the same order, itself where there is none before it; -1 for a
    # text without a word; int64, shape [texts].
    copy_of: NDArray[np.int64]
    # A number for each group of texts that are tied together by near-duplicates, a text without one being alone in
    # its group: the first text of the group; -1 for a text without a word; int64, shape [texts].
    group: NDArray[np.int64]
    left: NDArray[np.int64]  # One text of each pair, a first copy; int64, shape [pairs]
    right: NDArray[np.int64]  # The other one, a first copy further down; ordered by `left`, then `right`
    similarity: NDArray[np.float64]  # The Jaccard similarity of the two; float64, shape [pairs]
    comparisons: int  # How many pairs of texts were compared

    def copies(self, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which texts have an exact duplicate, other than themselves, among some texts."""
        has_words = self.copy_of >= 0
        counts = np.bincount(self.copy_of[has_words & among], minlength=len(self.copy_of))
        return has_words & (counts[self.copy_of] > among)

    def near(self, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which texts have a near-duplicate, exact ones included, among some texts."""
        return self.examples(among).text >= 0

    def examples(self, among: NDArray[np.bool_]) -> Examples:
        """One near-duplicate of each text among some texts: an exact one, else the most similar."""
        texts = len(self.copy_of)
        has_words = self.copy_of >= 0
        owner = np.where(has_words & among, self.copy_of, texts)
        first, second = _nth_row(owner, 0), _nth_row(owner, 1)
        source, target = np.append(self.left, self.right), np.append(self.right, self.left)
        similarity = np.append(self.similarity, self.similarity)
        is_candidate = first[target] < texts
        source, target, similarity = source[is_candidate], target[is_candidate], similarity[is_candidate]
        best = np.lexsort((target, -similarity, source))
        source, where = np.unique(source[best], return_index=True)
        near, alike = np.full(texts, -1), np.zeros(texts)
        near[source], alike[source] = first[target[best][where]], similarity[best][where]
        near, alike = np.where(has_words, near[self.copy_of], -1), np.where(has_words, alike[self.copy_of], 0.0)
        row = np.arange(texts)
        copy = np.where(first[self.copy_of] == row, second[self.copy_of], first[self.copy_of])
        is_copy = has_words & (copy < texts)
        return Examples(np.where(is_copy, copy, near), np.where(is_copy, 1.0, alike))


def near_duplicates(
    sequences: WordSequences,
    width: int,
    similarity: float,
    classes: NDArray[np.bool_],
    progress: SearchProgress = lambda what, total, so_far: None,
) -> NearDuplicates:
    """Find near-duplicates; `classes` (bool, shape [texts, classes]) are those that `near` may be asked about."""
    threshold = Fraction(similarity).limit_denominator(_FINEST)
    copy_of = np.where(sequences.length > 0, first_copies(sequences), -1)
    rows = np.flatnonzero(copy_of == np.arange(len(copy_of)))
    class_of = np.zeros_like(classes)
    for number in range(classes.shape[1]):
        class_of[copy_of[classes[:, number] & (copy_of >= 0)], number] = True
    texts = ShingledTexts(sequences, width)
    prefixes = _prefixes(texts, rows, threshold, progress)
    similar = join(texts, prefixes, threshold, class_of, lambda total, so_far: progress("comparing", total, so_far))
    group = np.where(copy_of >= 0, _groups(len(copy_of), similar.left, similar.right)[copy_of], -1)
    return NearDuplicates(copy_of, group, similar.left, similar.right, similar.similarity, similar.comparisons)


def _nth_row(owner: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """The n-th row, counted from 0, of each owner; the number of rows where there are fewer."""
    rows = len(owner)
    order = np.argsort(owner, kind="stable")
    at = np.searchsorted(owner[order], np.arange(rows)) + number
    order, sorted_owner = np.append(order, [rows, rows]), np.append(owner[order], [rows, rows])
    return np.where(sorted_owner[at] == np.arange(rows), order[at], rows)


def _groups(texts: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first text of the group that each text is in."""
    edges = coo_array((np.ones(len(left)), (left, right)), shape=(texts, texts))
    _, first, number = np.unique(
        connected_components(edges, directed=False)[1], return_index=True, return_inverse=True
    )
    return first[number]


def _prefixes(
    texts: ShingledTexts, rows: NDArray[np.int64], similarity: Fraction, progress: SearchProgress
) -> Prefixes:
    """The rarest shingles; where few texts are left that share any, shingles are counted again among these."""
    total = 2 * len(rows)
    frequencies = texts.frequencies(rows, lambda so_far: progress("shingles", total, so_far))
    prefixes = texts.prefixes(
        rows, frequencies, similarity, lambda so_far: progress("shingles", total, total // 2 + so_far)
    )
    left = np.flatnonzero(np.bincount(prefixes.text, minlength=len(texts.sequences)))
    if len(left) and len(left) <= _WORTHWHILE * len(rows):
        return _prefixes(texts, left, similarity, progress)
    return prefixes
