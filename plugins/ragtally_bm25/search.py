"""A BM25 index: it holds counts of terms, and the formula is applied when it is searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits, Queries
from ragtally.support.ranking import ROUNDING_SLACK, no_hits, round_scores
from ragtally_lexical.index import IndexedRetriever, TermIndex, TermQueries, find_terms
from ragtally_lexical.search import Candidates, Scratch, search, shortlist
from ragtally_lexical.tokens import Tokenizer


@dataclass(frozen=True, slots=True)
class Formula:
    """One variant of BM25: `idf * count / (count + k1 * (1 - b + b * length / mean length))`."""

    # With N chunks of which n hold the term, idf is `ln(1 + (N - n + 0.5) / (n + 0.5))` under `lucene`,
    # `ln(max(1, (N - n + 0.5) / (n + 0.5)))` under `robertson`, and `(k1 + 1) ln(N / n)` under `atire`. Kamphuis, de
    # Vries, Boytsov and Lin (2020), "Which BM25 do you mean?"; robertson's idf is kept from becoming negative, as
    # bm25s does.

    k1: float  # Saturation of term frequency, 0 or more
    b: float  # Normalisation by chunk length, 0 to 1
    method: str  # `"lucene"`, `"robertson"` or `"atire"`

    def factor(self, index: TermIndex) -> NDArray[np.float64]:
        """The part of a weight that depends on the term alone."""
        chunks, frequency = index.corpus.chunks, index.corpus.frequency.astype(np.float64)
        if self.method == "atire":
            return np.log(chunks / frequency) * (self.k1 + 1)
        odds = (chunks - frequency + 0.5) / (frequency + 0.5)
        idf: NDArray[np.float64] = np.log1p(odds) if self.method == "lucene" else np.log(np.maximum(odds, 1))
        return idf

    def slack(self, index: TermIndex) -> NDArray[np.float64]:
        """What is added to the count in the denominator."""
        mean = index.corpus.mean_length
        slack: NDArray[np.float64] = self.k1 * (1 - self.b + self.b * index.lengths / mean)
        return slack

    def weights(self, index: TermIndex) -> NDArray[np.float32]:
        """Weigh every pair of term and chunk."""
        counts = index.counts.astype(np.float64)
        factor = np.repeat(self.factor(index), np.diff(index.bounds))
        return (factor * (counts / (counts + self.slack(index)[index.chunks]))).astype(np.float32)


class Bm25(IndexedRetriever):
    """Ranks chunks by the sum of their terms' weights over the question's terms."""

    # A term counts as often as it stands in the question. Chunks without a score above zero are no hits. Tokens,
    # weights and scores are those of bm25s (Lù, 2024, "BM25S"), up to the rounding of floating point numbers.

    def __init__(self, tokenizer: Tokenizer, formula: Formula) -> None:
        super().__init__(tokenizer)
        self._formula = formula

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the best chunks for each question (see `ragtally.api.Retriever.search`)."""
        index = self.index
        terms = find_terms(index, queries.text, self.tokenizer)
        if not len(terms.term):
            return no_hits(len(terms), limit)
        candidates = _candidates_in_bulk if terms.in_bulk else _candidates
        return search(index, terms, limit, candidates(index, terms, self._formula, limit), round_scores)


def _candidates(
    index: TermIndex, terms: TermQueries, formula: Formula, limit: int
) -> Callable[[int, Scratch], Candidates]:
    weights = formula.weights(index)
    bounds = index.bounds.tolist()

    def candidates(question: int, scratch: Scratch) -> Candidates:
        own = slice(terms.bounds[question], terms.bounds[question + 1])
        lists = [slice(bounds[term], bounds[term + 1]) for term in terms.term[own].tolist()]
        if not lists:
            return Candidates(np.zeros(0, np.int64), np.zeros(0))
        adds = [times * weights[postings] for postings, times in zip(lists, terms.times[own], strict=True)]
        chunks = np.concatenate([index.chunks[postings] for postings in lists])
        sums = np.bincount(chunks, np.concatenate(adds), minlength=len(index.lengths)).astype(np.float64, copy=False)
        hits = np.flatnonzero(sums)
        best = hits[shortlist(sums[hits], limit)]
        return Candidates(best, sums[best])

    return candidates


def _candidates_in_bulk(
    index: TermIndex, terms: TermQueries, formula: Formula, limit: int
) -> Callable[[int, Scratch], Candidates]:
    from ragtally_lexical.posting_kernels import best_sums, weigh

    # Never touched where no question asks for the term, and then it takes no memory.
    weights = np.empty(len(index.chunks), np.float32)
    largest = np.zeros(len(index.vocabulary))
    factor, slack = formula.factor(index), formula.slack(index)
    weigh(np.unique(terms.term), index.bounds, factor, slack, index.chunks, index.counts, weights, largest)
    first, past = index.bounds[terms.term], index.bounds[terms.term + 1]
    # The sum over a question's terms from each one on: all that are still to come, less those of later questions.
    later = np.append(np.cumsum((terms.times * largest[terms.term])[::-1])[::-1], 0.0)
    ahead = later[:-1] - np.repeat(later[terms.bounds[1:]], np.diff(terms.bounds))

    def candidates(question: int, scratch: Scratch) -> Candidates:
        own = slice(terms.bounds[question], terms.bounds[question + 1])
        lists = (first[own], past[own], terms.times[own], ahead[own], index.chunks, weights)
        count = best_sums(*lists, ROUNDING_SLACK, scratch.sums, scratch.hits, scratch.heap)
        chunks = scratch.hits[:count].copy()
        scores = scratch.sums[chunks]
        scratch.sums[chunks] = 0
        return Candidates(chunks, scores)

    return candidates
