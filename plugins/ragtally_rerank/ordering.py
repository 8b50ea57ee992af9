"""The first hits in a new order, the rest below them as they were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits
from ragtally.support.ranking import no_hits


def reorder(hits: Hits, order: NDArray[np.int64], limit: int) -> Hits:
    """Put the first hits of each question into a new order."""
    # What a cross-encoder or a language model says of some hits cannot be compared with the scores of the others: so
    # a hit's new score is 1 / its rank.
    first = np.take_along_axis(hits.passage, order, axis=1)
    passage = np.concatenate([first, hits.passage[:, order.shape[1] :]], axis=1)[:, :limit]
    hits_in_order = no_hits(len(passage), limit)
    hits_in_order.passage[:, : passage.shape[1]] = passage
    reciprocals = 1 / np.arange(1, limit + 1, dtype=np.float64)
    hits_in_order.score[:] = np.where(hits_in_order.passage >= 0, reciprocals, 0)
    return hits_in_order
