"""Ranking the candidates of many questions at once (see `ragtally.support.ranking`, which ranks one question's)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits
from ragtally.support.ranking import ROUNDING_SLACK


def shortlist(scores: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """Pick what may be among one question's best after rounding."""
    if len(scores) <= limit:
        return np.arange(len(scores))
    location = len(scores) - limit
    threshold = np.partition(scores, location)[location]
    return np.flatnonzero(scores >= threshold - ROUNDING_SLACK * abs(threshold))


def write_best(
    hits: Hits, question: NDArray[np.int64], chunk: NDArray[np.integer], score: NDArray[np.float64]
) -> None:
    """Write the best candidates of several questions into hits: higher score first, then lower row."""
    order = np.lexsort((chunk, -score, question))
    question = question[order]
    location = np.arange(len(order)) - np.searchsorted(question, question)
    kept = location < hits.passage.shape[1]
    hits.passage[question[kept], location[kept]] = chunk[order[kept]]
    hits.score[question[kept], location[kept]] = score[order[kept]]
