"""Exact search over token sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits, Queries
from ragtally.support.ranking import no_hits, round_scores
from ragtally_lexical.index import IndexedRetriever, TermIndex, TermQueries, find_terms
from ragtally_lexical.search import Candidates, Scratch, search, shortlist
from ragtally_lexical.tokens import Tokenizer

Floats = NDArray[np.float64]


def jaccard(common: Floats, size: int, sizes: Floats) -> Floats:
    """Jaccard's similarity, `|A and B| / |A or B|`; 1 minus the distance (Jaccard, 1912)."""
    similarity: Floats = common / (size + sizes - common)
    return similarity


def hamming(common: Floats, size: int, sizes: Floats) -> Floats:
    """Minus the Hamming distance between the sets' indicator vectors: how many members are in one of the two only."""
    return 2 * common - sizes - size


def keep_scores(scores: Floats) -> Floats:
    """Leave scores as they are: whole numbers tie or do not."""
    return scores


@dataclass(frozen=True, slots=True)
class Distance:
    """One way to compare sets."""

    # Scores sets by their size and by what they have in common with the question's.
    score: Callable[[Floats, int, Floats], Floats]
    round: Callable[[Floats], Floats]  # Rounds scores before ties are broken
    common_only: bool  # Whether only a set with something in common is near at all


# Every distance by its name in a spec.
DISTANCES = {"jaccard": Distance(jaccard, round_scores, True), "hamming": Distance(hamming, keep_scores, False)}


class TokenSets(IndexedRetriever):
    """Ranks chunks by the distance between their set of terms and the question's."""

    # A term of the question that no chunk holds counts as a member of its set. A chunk without terms is no hit,
    # though under Hamming's distance it would be nearest to most questions, and a question without terms finds
    # nothing. Under Jaccard's distance a chunk without a common term is no hit either: all such chunks are equally
    # far. Under Hamming's it may be one, since the shortest chunks are near to everything.

    def __init__(self, tokenizer: Tokenizer, distance: str) -> None:
        super().__init__(tokenizer)
        self._distance = DISTANCES[distance]

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the nearest chunks for each question (see `ragtally.api.Retriever.search`)."""
        index = self.index
        terms = find_terms(index, queries.text, self.tokenizer)
        if not len(index.chunks) or limit < 1:
            return no_hits(len(terms), limit)
        common = _common_in_bulk if terms.in_bulk else _common
        candidates = _Nearest(index, terms, self._distance, common(index, terms), limit)
        return search(index, terms, limit, candidates, self._distance.round)


# For a question's row: the chunks that have terms in common with it, and how many.
Common = Callable[[int, Scratch], Candidates]


class _Nearest:
    """Finds the chunks that may be among a question's nearest."""

    def __init__(self, index: TermIndex, terms: TermQueries, distance: Distance, common: Common, limit: int) -> None:
        self._terms, self._distance, self._common, self._limit = terms, distance, common, limit
        self._sizes = np.bincount(index.chunks, minlength=len(index.lengths)).astype(np.float64)
        self._smallest = np.argsort(self._sizes, kind="stable")[np.count_nonzero(self._sizes == 0) :]

    def __call__(self, question: int, scratch: Scratch) -> Candidates:
        size = int(self._terms.sizes[question])
        if not size:
            return Candidates(np.zeros(0, np.int64), np.zeros(0))
        chunks, common = self._common(question, scratch)
        scores = self._distance.score(common, size, self._sizes[chunks])
        best = shortlist(scores, self._limit)
        if self._distance.common_only:
            return Candidates(chunks[best], scores[best])
        # Of the chunks without a common term the smallest are the nearest.
        others = self._smallest_but(chunks, scratch.sums)
        other_scores = self._distance.score(np.zeros(len(others)), size, self._sizes[others])
        return Candidates(np.concatenate([chunks[best], others]), np.concatenate([scores[best], other_scores]))

    def _smallest_but(self, chunks: NDArray[np.integer], marks: NDArray[np.float64]) -> NDArray[np.intp]:
        marks[chunks] = 1
        # Twice as many each time, until enough of them are among the others.
        count = 4 * self._limit
        while True:
            smallest = self._smallest[:count]
            others: NDArray[np.intp] = smallest[marks[smallest] == 0][: self._limit]
            if len(others) == self._limit or len(smallest) == len(self._smallest):
                break
            count *= 2
        marks[chunks] = 0
        return others


def _common(index: TermIndex, terms: TermQueries) -> Common:
    bounds = index.bounds.tolist()

    def common(question: int, scratch: Scratch) -> Candidates:
        own = terms.term[terms.bounds[question] : terms.bounds[question + 1]].tolist()
        lists = [index.chunks[bounds[term] : bounds[term + 1]] for term in own]
        counts = np.bincount(np.concatenate([*lists, index.chunks[:0]]), minlength=len(index.lengths))
        chunks = np.flatnonzero(counts)
        return Candidates(chunks, counts[chunks].astype(np.float64))

    return common


def _common_in_bulk(index: TermIndex, terms: TermQueries) -> Common:
    from ragtally_lexical.posting_kernels import add_lists

    ones = np.ones(len(index.chunks), np.uint8)
    first, past = index.bounds[terms.term], index.bounds[terms.term + 1]

    def common(question: int, scratch: Scratch) -> Candidates:
        own = slice(terms.bounds[question], terms.bounds[question + 1])
        count = add_lists(first[own], past[own], index.chunks, ones, scratch.sums, scratch.hits)
        chunks = scratch.hits[:count].copy()
        counts = scratch.sums[chunks]
        scratch.sums[chunks] = 0
        return Candidates(chunks, counts)

    return common
