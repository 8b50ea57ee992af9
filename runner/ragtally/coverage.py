"""How much of a line intervals cover: by rank, and at most by any choice of so many of them.

Many questions are laid out on one line, one behind the other, so that no interval crosses from one question to
the next and all of them are worked on at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# How many cells (questions x padded intervals) the dynamic programme holds at once.
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Intervals:
    """Non-empty half-open intervals on the common line, ordered by question."""

    question: NDArray[np.int64]  # Row of each interval's question; int64, shape [intervals]
    start: NDArray[np.int64]  # Where each interval begins; int64, shape [intervals]
    end: NDArray[np.int64]  # Just past where each interval ends; int64, shape [intervals]

    def __len__(self) -> int:
        return len(self.question)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Intervals:
        """Keep some of the intervals."""
        return Intervals(self.question[rows], self.start[rows], self.end[rows])


def covered_by_rank(intervals: Intervals, rank: NDArray[np.int64], questions: int, depth: int) -> NDArray[np.int64]:
    """Measure the union of each question's intervals up to and with every rank."""
    # The line is cut at every end of an interval; each piece is credited to the first rank that covers it.
    cuts = np.unique(np.concatenate([intervals.start, intervals.end]))
    first_piece = np.searchsorted(cuts, intervals.start)
    pieces = np.searchsorted(cuts, intervals.end) - first_piece
    piece = ranges(first_piece, pieces)
    length = np.diff(cuts)
    first_rank = np.full(len(length), depth, dtype=np.int64)
    np.minimum.at(first_rank, piece, np.repeat(rank, pieces))
    question = np.zeros(len(length), dtype=np.int64)
    question[piece] = np.repeat(intervals.question, pieces)
    gained = np.zeros((questions, depth), dtype=np.int64)
    seen = first_rank < depth
    np.add.at(gained, (question[seen], first_rank[seen]), length[seen])
    return np.cumsum(gained, axis=1)


def largest_coverage(intervals: Intervals, questions: int, depth: int) -> NDArray[np.int64]:
    """Find the largest union that 1, 2, ... `depth` of a question's intervals can have, exactly."""
    # An interval inside another is never needed. What remains is ordered by start and by end alike, so an interval
    # overlaps what was chosen before it only where it overlaps the last one chosen, and `best[j, i] = max over h < i
    # of best[j - 1, h] + end[i] - max(start[i], end[h])` is exact: weighted maximum coverage on a line by dynamic
    # programming.
    best = np.zeros((questions, depth), dtype=np.int64)
    if depth == 0 or len(intervals) == 0:
        return best
    kept = _without_nested(intervals)
    count = np.bincount(kept.question, minlength=questions)
    first = np.cumsum(count) - count
    # How many of a question's intervals end before each begins; those from there up to it overlap it.
    apart = np.searchsorted(kept.end, kept.start, side="right") - first[kept.question]
    width = 1
    while width < 2 * int(count.max()):
        of_width = np.flatnonzero((count > width // 2) & (count <= width))
        for begin in range(0, len(of_width), max(1, _BLOCK // width)):
            rows = of_width[begin : begin + max(1, _BLOCK // width)]
            best[rows] = _best_choice(kept, apart, first[rows], count[rows], width, depth)
        width *= 2
    return best


def _without_nested(intervals: Intervals) -> Intervals:
    ordered = intervals.take(np.lexsort((-intervals.end, intervals.start)))
    reach = np.maximum.accumulate(ordered.end)
    return ordered.take(np.concatenate([[True], ordered.end[1:] > reach[:-1]]))


def _best_choice(
    kept: Intervals,
    apart: NDArray[np.int64],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    width: int,
    depth: int,
) -> NDArray[np.int64]:
    """Run the dynamic programme for questions of about equally many intervals."""
    # Rows are filled up to `width` with intervals of no length at the last end, which change no result.
    column = np.arange(width)
    real = column < count[:, None]
    source = first[:, None] + np.minimum(column, count[:, None] - 1)
    end = kept.end[source]
    start = np.where(real, kept.start[source], end)
    before = np.where(real, apart[source], column)
    overlapping = int((column - before).max())
    length = end - start
    best = np.empty((len(first), depth), dtype=np.int64)
    reached = length
    best[:, 0] = reached.max(axis=1)
    for chosen in range(1, min(depth, width)):
        prefix = np.maximum.accumulate(reached, axis=1)
        earlier = np.take_along_axis(prefix, np.maximum(before - 1, 0), axis=1)
        following = length + np.where(before > 0, earlier, 0)
        for step in range(1, overlapping + 1):
            gain = end[:, step:] - np.maximum(start[:, step:], end[:, :-step])
            np.maximum(following[:, step:], reached[:, :-step] + gain, out=following[:, step:])
        reached = following
        best[:, chosen] = reached.max(axis=1)
    best[:, width:] = best[:, min(depth, width) - 1, None]
    return best


def ranges(first: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join the ranges `first[i] .. first[i] + count[i]` to one array."""
    offset = np.cumsum(count) - count
    return np.repeat(first - offset, count) + np.arange(int(count.sum()))
