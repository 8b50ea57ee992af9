"""A BM25 index: it holds counts of terms, and the formula is applied when it is searched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits, Passages, Queries
from ragtally.support.ranking import ROUNDING_SLACK, no_hits, round_scores
from ragtally_bm25.weights import Formula, weigh
from ragtally_lexical.asking import Asked, ask
from ragtally_lexical.index import TermIndex, index_texts, load_index
from ragtally_lexical.ranking import shortlist
from ragtally_lexical.searching import Candidates, Space, search
from ragtally_lexical.tokens import Tokenizer


class Bm25:
    """Ranks chunks by the sum of their terms' weights over the question's terms."""

    # A term counts as often as it stands in the question. Chunks without a score above zero are no hits. Tokens,
    # weights and scores are those of bm25s (Lù, 2024, "BM25S"), up to the rounding of floating point numbers.

    def __init__(self, tokenizer: Tokenizer, formula: Formula) -> None:
        self._tokenizer, self._formula = tokenizer, formula
        self._index: TermIndex | None = None

    def add(self, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        """Index the corpus (see `ragtally.api.Retriever.add`)."""
        self._index = index_texts(passages.text, self._tokenizer)

    def save(self, folder: Path) -> None:
        """Write the terms as JSON and their counts as `.npy`."""
        self._filled().save(folder)

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        """Map what `save` wrote into memory."""
        self._index = load_index(folder)

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the best chunks for each question (see `ragtally.api.Retriever.search`)."""
        index = self._filled()
        asked = ask(index, queries.text, self._tokenizer)
        if not len(asked.term):
            return no_hits(len(asked), limit)
        candidates = _candidates_in_bulk if asked.in_bulk else _candidates
        return search(index, asked, limit, candidates(index, asked, self._formula, limit), round_scores)

    def _filled(self) -> TermIndex:
        if self._index is None:
            raise RuntimeError("the retriever bm25 is used before add or load")
        return self._index


def _candidates(index: TermIndex, asked: Asked, formula: Formula, limit: int) -> Callable[[int, Space], Candidates]:
    weights = weigh(index, formula)
    bounds = index.bounds.tolist()

    def candidates(question: int, space: Space) -> Candidates:
        own = slice(asked.bounds[question], asked.bounds[question + 1])
        lists = [slice(bounds[term], bounds[term + 1]) for term in asked.term[own].tolist()]
        if not lists:
            return Candidates(np.zeros(0, np.int64), np.zeros(0))
        adds = [times * weights[held] for held, times in zip(lists, asked.times[own], strict=True)]
        chunks = np.concatenate([index.chunks[held] for held in lists])
        sums = np.bincount(chunks, np.concatenate(adds), minlength=len(index.lengths)).astype(np.float64, copy=False)
        found = np.flatnonzero(sums)
        best = found[shortlist(sums[found], limit)]
        return Candidates(best, sums[best])

    return candidates


def _candidates_in_bulk(
    index: TermIndex, asked: Asked, formula: Formula, limit: int
) -> Callable[[int, Space], Candidates]:
    from ragtally_lexical.posting_kernels import best_sums, weigh

    # Never touched where no question asks for the term, and then it takes no memory.
    weights = np.empty(len(index.chunks), np.float32)
    largest = np.zeros(len(index.vocabulary))
    factor, slack = formula.factor(index), formula.slack(index)
    weigh(np.unique(asked.term), index.bounds, factor, slack, index.chunks, index.counts, weights, largest)
    first, past = index.bounds[asked.term], index.bounds[asked.term + 1]
    # The sum over a question's terms from each one on: all that are still to come, less those of later questions.
    later = np.append(np.cumsum((asked.times * largest[asked.term])[::-1])[::-1], 0.0)
    ahead = later[:-1] - np.repeat(later[asked.bounds[1:]], np.diff(asked.bounds))

    def candidates(question: int, space: Space) -> Candidates:
        own = slice(asked.bounds[question], asked.bounds[question + 1])
        lists = (first[own], past[own], asked.times[own], ahead[own], index.chunks, weights)
        count = best_sums(*lists, ROUNDING_SLACK, space.sums, space.found, space.heap)
        chunks = space.found[:count].copy()
        scores = space.sums[chunks]
        space.sums[chunks] = 0
        return Candidates(chunks, scores)

    return candidates
