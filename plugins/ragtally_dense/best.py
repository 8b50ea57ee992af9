"""The best chunks found so far, of many questions at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ragtally.support.ranking import round_scores


class Best:
    """A ranking a question, as `ragtally.support.ranking.best_rows` makes: rounded score first, then lower row."""

    def __init__(self, questions: int, limit: int) -> None:
        self.rows = np.full((questions, limit), -1, np.int32)
        self.scores = np.zeros((questions, limit))

    def add(self, questions: NDArray[np.intp], chunks: NDArray[np.integer], scores: NDArray[np.float64]) -> None:
        """Take in more chunks."""
        touched = np.unique(questions)
        old, location = np.nonzero(self.rows[touched] >= 0)
        old = touched[old]
        asked = np.concatenate([old, questions])
        rows = np.concatenate([self.rows[old, location], chunks])
        rounded = np.concatenate([self.scores[old, location], round_scores(scores)])
        order = np.lexsort((rows, -rounded, asked))
        asked, rows, rounded = asked[order], rows[order], rounded[order]
        rank = np.arange(len(asked)) - np.searchsorted(asked, asked)
        kept = rank < self.rows.shape[1]
        self.rows[asked[kept], rank[kept]] = rows[kept]
        self.scores[asked[kept], rank[kept]] = rounded[kept]
