"""What windows count: the words or the sentences of texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragtally_chunkers.boundaries import sentence_cuts
from ragtally_chunkers.layout import Layout, lay_out, trim


class Units(NamedTuple):
    """The words or sentences of texts, in columns, in order."""

    starts: NDArray[np.int64]  # Offset of each unit's first character in its text; int64, shape [units]
    ends: NDArray[np.int64]  # Offset just past each unit's last character; int64, shape [units]
    counts: NDArray[np.int64]  # How many units each text has; int64, shape [texts]


def find_words(texts: Sequence[str]) -> Units:
    """Find the words of texts: what stands between white space."""
    layout = lay_out(texts)
    return _units(layout, layout.word_starts, layout.word_ends)


def find_sentences(
    texts: Sequence[str], section_starts: Sequence[Sequence[int]], section_ends: Sequence[Sequence[int]]
) -> Units:
    """Find the sentences of texts, without white space at their ends."""
    layout = lay_out(texts)
    borders = layout.offsets[:-1]
    cuts = np.concatenate(
        [sentence_cuts(layout), _inside(layout, section_starts), _inside(layout, section_ends), borders]
    )
    cuts = np.unique(np.append(cuts, layout.offsets[-1]))
    _, starts, ends = trim(layout, cuts[:-1], cuts[1:])
    return _units(layout, starts, ends)


def _inside(layout: Layout, offsets: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Lay out the offsets that lie inside of their texts."""
    counts = np.fromiter(map(len, offsets), np.int64, len(offsets))
    local = np.fromiter(chain.from_iterable(offsets), np.int64, int(counts.sum()))
    begins = np.repeat(layout.offsets[:-1], counts)
    lengths = np.repeat(np.diff(layout.offsets) - 1, counts)
    return (begins + local)[(local > 0) & (local < lengths)]


def _units(layout: Layout, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Units:
    counts = np.diff(np.searchsorted(starts, layout.offsets))
    shift = np.repeat(layout.offsets[:-1], counts)
    return Units(starts - shift, ends - shift, counts)
