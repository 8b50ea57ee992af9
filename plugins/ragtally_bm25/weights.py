"""What one term weighs in one chunk: the formulas of BM25."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally_lexical.index import TermIndex


@dataclass(frozen=True, slots=True)
class Formula:
    """One variant of BM25: `idf * count / (count + k1 * (1 - b + b * length / mean length))`; `atire`: times k1 +
    1.
    """

    # With N chunks of which n hold the term, idf is `ln(1 + (N - n + 0.5) / (n + 0.5))` under `lucene`, `ln(max(1, (N
    # - n + 0.5) / (n + 0.5)))` under `robertson`, and `ln(N / n)` under `atire`. Kamphuis, de Vries, Boytsov and Lin
    # (2020), "Which BM25 do you mean?"; robertson's idf is kept from getting negative, as bm25s does.

    k1: float  # Saturation of term frequency, 0 or more
    b: float  # Normalisation by chunk length, 0 to 1
    method: str  # `"lucene"`, `"robertson"` or `"atire"`

    def factor(self, index: TermIndex) -> NDArray[np.float64]:
        """Work out what of a weight depends on the term alone."""
        chunks, held = len(index.lengths), np.diff(index.bounds).astype(np.float64)
        if self.method == "atire":
            return np.log(chunks / held) * (self.k1 + 1)
        odds = (chunks - held + 0.5) / (held + 0.5)
        idf: NDArray[np.float64] = np.log1p(odds) if self.method == "lucene" else np.log(np.maximum(odds, 1))
        return idf

    def slack(self, index: TermIndex) -> NDArray[np.float64]:
        """Work out what is added to the count in the denominator."""
        slack: NDArray[np.float64] = self.k1 * (1 - self.b + self.b * index.lengths / index.lengths.mean())
        return slack


def weigh(index: TermIndex, formula: Formula) -> NDArray[np.float32]:
    """Weigh every pair of term and chunk."""
    counts = index.counts.astype(np.float64)
    factor = np.repeat(formula.factor(index), np.diff(index.bounds))
    return (factor * (counts / (counts + formula.slack(index)[index.chunks]))).astype(np.float32)
