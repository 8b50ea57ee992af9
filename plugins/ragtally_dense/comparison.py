"""What a way to compare vectors must be able to do: roughly for all pairs, exactly for the few best.

The rough pass says which chunks can be among the best and how far its rounding errors reach, so that the exact pass
in float64 sees every chunk that may tie. Scores are similarities: higher is nearer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Between these Euclidean norms float32 holds all products and squares; a shorter vector counts as zero.
SHORTEST, LONGEST = 1e-25, 1e15


@dataclass(frozen=True, slots=True)
class QueryBlock:
    """Questions, ready to be compared; none of them zero."""

    vectors: Floats  # Their vectors, shape [questions, dimensions]
    ready: NDArray[Any]  # What of them the rough pass takes; its first axis is the question
    sizes: NDArray[np.float64]  # How large each is: its Euclidean norm, or how many ones it has; shape [questions]
    # What is missing from a question's rough scores because it is the same for all chunks; shape [questions].
    shift: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vectors)


class Comparison(ABC):
    """The chunks, ready to be compared with questions in one way."""

    # By what share of its magnitude a rough score may be below another, and the exact ones still round to the same
    # number.
    window: float
    relative: float = 0.0  # By what share of its magnitude a rough score may be wrong, on top of `error`
    # From how many components of pairs on compiled code saves more time than the loading of it takes; infinite where
    # there is none.
    worth_compiling: float = np.inf

    def __init__(self, vectors: Floats, norms: NDArray[np.float64]) -> None:
        self._vectors, self._norms = vectors, norms
        self._zero = np.flatnonzero(norms < SHORTEST)

    def __len__(self) -> int:
        return len(self._vectors)

    @abstractmethod
    def ask(self, vectors: Floats, norms: NDArray[np.float64]) -> QueryBlock:
        """Make questions ready."""

    def score(self, queries: QueryBlock, questions: slice, chunks: slice, out: Floats, *, use_compiled: bool) -> None:
        """Score all pairs of some questions and chunks roughly, by any function of the exact score that keeps
        order.
        """
        self._score(queries, questions, chunks, out, use_compiled=use_compiled)
        first, past = np.searchsorted(self._zero, [chunks.start, chunks.stop])
        if past > first:
            out[:, self._zero[first:past] - chunks.start] = -np.inf

    def error(self, queries: QueryBlock, questions: slice, chunks: slice) -> NDArray[np.float64]:
        """Bound how far the rough scores of some pairs are off."""
        return np.zeros(len(queries.sizes[questions]))

    @abstractmethod
    def exact(
        self, queries: QueryBlock, questions: NDArray[np.intp], chunks: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Score some pairs; a pair's score does not depend on the others."""

    @abstractmethod
    def _score(
        self, queries: QueryBlock, questions: slice, chunks: slice, out: Floats, *, use_compiled: bool
    ) -> None:
        """As `score`, whatever it says of zero vectors."""
