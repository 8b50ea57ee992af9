"""Questions as rows of an index's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally_lexical.counting import count_terms
from ragtally_lexical.index import MANY, TermIndex
from ragtally_lexical.tokens import Tokenizer

# How many pairs a search adds up in the time that it takes to weigh one.
_PAIRS_A_PASS = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """The terms of questions, one question's after the other's; within a question those with few chunks first."""

    # Where each question's terms start, and where the last one's end; int64, shape [questions + 1].
    bounds: NDArray[np.int64]
    term: NDArray[np.int64]  # Rows of the index's terms, each once a question; int64, shape [pairs]
    times: NDArray[np.float64]  # How often the term stands in the question; float64, shape [pairs]
    # How many different terms each question has, those that the index does not know among them; int64, shape
    # [questions].
    sizes: NDArray[np.int64]
    in_bulk: bool  # Whether compiled loops are worth loading for the search

    def __len__(self) -> int:
        return len(self.sizes)


def ask(index: TermIndex, texts: Sequence[str], tokenizer: Tokenizer) -> Asked:
    """Look the terms of questions up in an index."""
    counted = count_terms(texts, tokenizer)
    row_of = {term: row for row, term in enumerate(index.vocabulary)}
    rows = np.array([row_of.get(term, -1) for term in counted.vocabulary], np.int64)
    question = np.repeat(np.arange(len(texts)), counted.sizes)
    term, times = rows[counted.term], counted.count.astype(np.float64)
    known = term >= 0
    question, term, times = question[known], term[known], times[known]
    held = np.diff(index.bounds)[term]
    order = np.lexsort((term, held, question))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(question, minlength=len(texts)))])
    in_bulk = len(index.chunks) + int(held.sum()) // _PAIRS_A_PASS > MANY
    return Asked(bounds, term[order], times[order], counted.sizes.astype(np.int64), in_bulk)
