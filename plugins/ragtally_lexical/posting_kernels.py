"""Compiled loops over posting lists: inverting, weighing them, and adding them up for a question.

The same results, to the bit, as the array operations for small indexes. All in one file, since numba does not
compile a function again when one that it calls has changed in another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, float64, int32, int64, uint8, uint32
from numpy.typing import NDArray

from ragtally.support.compilation import array, compile_ahead, read_only

Ints = NDArray[Any]
Floats = NDArray[Any]

_BOUNDS = read_only(int64)
_CHUNKS = read_only(int32)
_NUMBERS = read_only(float64)
_SUMS, _HITS = array(float64), array(int32)
# About how many steps it takes to find a chunk in a long list.
_STEPS = 16


@compile_ahead(
    *(
        [_CHUNKS, read_only(number), read_only(int32), array(int64), array(int32), array(number)]
        for number in (uint8, uint32)
    )
)
def invert(terms: Ints, counts: Ints, sizes: Ints, heads: Ints, chunks: Ints, postings: Ints) -> None:
    """Write pairs of term and count, given chunk by chunk, term by term."""
    pair = 0
    for chunk in range(len(sizes)):
        for _ in range(sizes[chunk]):
            head = heads[terms[pair]]
            chunks[head] = chunk
            postings[head] = counts[pair]
            heads[terms[pair]] = head + 1
            pair += 1


@compile_ahead(
    *(
        [_BOUNDS, _BOUNDS, _NUMBERS, _NUMBERS, _CHUNKS, read_only(number), array(float32), array(float64)]
        for number in (uint8, uint32)
    )
)
def weigh(
    terms: Ints,
    bounds: Ints,
    factor: Floats,
    slack: Floats,
    chunks: Ints,
    counts: Ints,
    weights: Floats,
    largest: Floats,
) -> None:
    """Give each chunk of some terms its weight, `factor * count / (count + slack)`."""
    for term in terms:
        best = np.float32(0)
        for position in range(bounds[term], bounds[term + 1]):
            count = np.float64(counts[position])
            weight = np.float32(factor[term] * (count / (count + slack[chunks[position]])))
            weights[position] = weight
            best = max(best, weight)
        largest[term] = best


@compile_ahead(
    *([int64, int64, float64, _CHUNKS, read_only(number), _SUMS, _HITS, int64] for number in (float32, uint8))
)
def add_list(
    first: int, past: int, times: float, chunks: Ints, weights: Floats, sums: Floats, hits: Ints, count: int
) -> int:
    """Add one term's weights to the sums of its chunks."""
    for position in range(first, past):
        chunk = chunks[position]
        before = sums[chunk]
        sums[chunk] = before + times * weights[position]
        # A weight can be zero, and a chunk must not be noted twice: `hits` has room for each chunk once.
        if before == 0.0 and sums[chunk] != 0.0:
            hits[count] = chunk
            count += 1
    return count


@compile_ahead([_BOUNDS, _BOUNDS, _CHUNKS, read_only(uint8), _SUMS, _HITS])
def add_lists(first: Ints, past: Ints, chunks: Ints, weights: Ints, sums: Floats, hits: Ints) -> int:
    """Add the weights of a question's terms to the sums of their chunks."""
    count = 0
    for term in range(len(first)):
        count = add_list(first[term], past[term], 1.0, chunks, weights, sums, hits, count)
    return count


@compile_ahead([int64, int64, float64, _CHUNKS, read_only(float32), _SUMS, _CHUNKS, int64])
def look_up(
    first: int, past: int, times: float, chunks: Ints, weights: Floats, sums: Floats, hits: Ints, count: int
) -> None:
    """Add one term's weights to the sums of chunks that are hits already, and to no others."""
    if _STEPS * count > past - first:
        for position in range(first, past):
            if sums[chunks[position]] != 0.0:
                sums[chunks[position]] += times * weights[position]
        return
    for index in range(count):
        chunk, low, high = hits[index], first, past
        while low < high:
            middle = (low + high) >> 1
            if chunks[middle] < chunk:
                low = middle + 1
            else:
                high = middle
        if low < past and chunks[low] == chunk:
            sums[chunk] += times * weights[low]


@compile_ahead([_CHUNKS, int64, _NUMBERS, array(float64)])
def limit_th_best(hits: Ints, count: int, sums: Floats, heap: Floats) -> float:
    """Find the sum that is exceeded by fewer sums than the heap holds."""
    limit = len(heap)
    size = 0
    for index in range(count):
        value = sums[hits[index]]
        if size < limit:
            # Rises from the end of a heap with the smallest number on top.
            position = size
            size += 1
            while position > 0 and heap[(position - 1) >> 1] > value:
                heap[position] = heap[(position - 1) >> 1]
                position = (position - 1) >> 1
            heap[position] = value
        elif value > heap[0]:
            position = 0
            while True:
                child = 2 * position + 1
                if child + 1 < size and heap[child + 1] < heap[child]:
                    child += 1
                if child >= size or heap[child] >= value:
                    break
                heap[position] = heap[child]
                position = child
            heap[position] = value
    return float(heap[0])


@compile_ahead(
    [_BOUNDS, _BOUNDS, _NUMBERS, _NUMBERS, _CHUNKS, read_only(float32), float64, _SUMS, _HITS, array(float64)]
)
def best_sums(
    first: Ints, past: Ints, times: Floats, ahead: Floats, chunks: Ints, weights: Floats, tie: float, sums: Floats,
    hits: Ints, heap: Floats
) -> int:  # fmt: skip
    """Find every chunk that may be among a question's best, by the sum of its weights."""
    # Terms with few chunks come first. Once what is still ahead cannot lift a new chunk among the best, only the
    # chunks that can still get there are looked up in the long lists that are left (MaxScore: Turtle and Flood, 1995,
    # "Query evaluation: strategies and optimizations").
    count, limit, terms = 0, len(heap), len(first)
    low, term = 0.0, 0
    while term < terms:
        most_so_far = ahead[0] - ahead[term]
        if limit <= count < 2 * (past[term] - first[term]) and most_so_far > ahead[term]:
            low = limit_th_best(hits, count, sums, heap) * (1 - tie)
            if ahead[term] < low:
                break
        count = add_list(first[term], past[term], times[term], chunks, weights, sums, hits, count)
        term += 1
    while term < terms:
        remaining = 0
        for index in range(count):
            chunk = hits[index]
            if sums[chunk] + ahead[term] < low:
                sums[chunk] = 0.0
            else:
                hits[remaining] = chunk
                remaining += 1
        count = remaining
        look_up(first[term], past[term], times[term], chunks, weights, sums, hits, count)
        term += 1
    if count > limit:
        low = limit_th_best(hits, count, sums, heap) * (1 - tie)
    remaining = 0
    for index in range(count):
        chunk = hits[index]
        if sums[chunk] < low:
            sums[chunk] = 0.0
        else:
            hits[remaining] = chunk
            remaining += 1
    return remaining
