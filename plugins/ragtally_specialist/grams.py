"""Sentences as counts of n-grams, hashed to numbers without a vocabulary to keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from ragtally_specialist.focus import CLOSES, Focus
from ragtally_specialist.text import BoundedMemory, reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array


# How many different numbers an n-gram may be hashed to.
GRAM_SPACE = 1 << 18

_REMEMBERED_CHARACTERS = 8_000_000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_WORD = re.compile(r"[a-z][a-z'-]*")


class Kind(NamedTuple):
    """One way of counting n-grams."""

    characters: bool  # Whether the grams are of characters instead of words
    sizes: tuple[int, ...]  # How long they are
    weighted: bool  # Whether a gram weighs more the rarer it is


KINDS = {
    "tfidf": Kind(False, (1, 2, 3), True),
    "counts": Kind(False, (1, 2), False),
    "char": Kind(True, (3, 4, 5), True),
}


def _words(sentence: str) -> NDArray[np.uint64]:
    words = _WORD.findall(reduced(sentence))
    return np.fromiter((crc32(word.encode()) for word in words), np.uint64, len(words))


def _characters(sentence: str) -> NDArray[np.uint64]:
    text = " ".join(reduced(sentence).split())
    return np.frombuffer(f" {text} ".encode("utf-32-le"), dtype="<u4").astype(np.uint64)


_remembered_words = BoundedMemory(_words, _REMEMBERED_CHARACTERS)
_remembered_characters = BoundedMemory(_characters, _REMEMBERED_CHARACTERS)


def count_grams(focus: Focus, kind: Kind) -> csr_array:
    """Count the n-grams of the sentences in focus."""
    from scipy.sparse import csr_array

    remembered = _remembered_characters if kind.characters else _remembered_words
    used = np.flatnonzero(focus.role != CLOSES)
    parts = [remembered(focus.sentence[row]) for row in used.tolist()]
    units = np.concatenate([np.zeros(0, dtype=np.uint64), *parts])
    row = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    rows, columns = [], []
    for size in kind.sizes:
        columns.append(_hash_grams(units, size))
        rows.append(row[: len(columns[-1])])
        whole = rows[-1] == row[len(row) - len(columns[-1]) :]
        columns[-1], rows[-1] = columns[-1][whole], rows[-1][whole]
    at = used[np.concatenate(rows)]
    column = np.concatenate(columns) + focus.role[at] * GRAM_SPACE
    shape = (len(focus.match), 2 * GRAM_SPACE)
    counts = csr_array((focus.weight[at], (focus.question[at], column)), shape=shape)
    counts.sum_duplicates()
    return counts


def _hash_grams(units: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    count = max(0, len(units) - size + 1)
    mixed = np.full(count, np.uint64(size))
    for offset in range(size):
        mixed = (mixed ^ units[offset : offset + count]) * _MULTIPLIER
        mixed ^= mixed >> np.uint64(29)
    return (mixed % np.uint64(GRAM_SPACE)).astype(np.int64)
