"""Texts as sets of shingles: runs of so many words (Broder 1997, "On the resemblance and containment of documents").

Millions of shingles would fill the memory, so they are not kept: they are made anew, some texts at a time, whenever
they are looked at, and told apart by 64 bits. The chance that any two of n different ones are taken for one is below
n² / 2^65, one in 20,000 for 42 million; single words are never mistaken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ragtally.duplicates.words import WordSequences

# Is told from time to time how many texts are done.
Told = Callable[[int], None]

# How many shingles, padding included, are worked on at once.
_BLOCK = 1 << 19
# Stands where a text has no further shingle.
_NONE = np.uint64(2**64 - 1)
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
# Bits of a bucket's number.
_SMALLEST_TABLE, _LARGEST_TABLE = 16, 26
# Buckets that hold more than this count as equally full where shingles are ordered.
_COUNTED = np.uint64(1 << 20)


@dataclass(frozen=True, slots=True)
class Block:
    """Some texts' shingles."""

    location: NDArray[np.int64]  # The texts' places among those asked for; int64, shape [texts]
    shingle: NDArray[np.uint64]  # Each text's shingles, ascending, then padding; uint64, shape [texts, most shingles]
    distinct: NDArray[np.bool_]  # Whether a shingle is there and not the one before it once more; bool, same shape

    @property
    def size(self) -> NDArray[np.int64]:
        """How many different shingles each text has; int64, shape [texts]."""
        size: NDArray[np.int64] = self.distinct.sum(axis=1)
        return size


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many texts shingles are, at the least one, counted in hashed buckets: never less than the truth."""

    bucket: NDArray[np.uint32]  # How many there are in each bucket; uint32, a power of two of them

    def of(self, shingle: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Look shingles up."""
        count: NDArray[np.uint32] = self.bucket[shingle >> np.uint64(65 - len(self.bucket).bit_length())]
        return count


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The rarest shingles of texts, those left out that are in one text alone."""

    text: NDArray[np.int64]  # The text of each; int64, shape [entries]
    code: NDArray[np.uint64]  # Equal for equal shingles, and the smaller the rarer; uint64, shape [entries]
    position: NDArray[np.int64]  # How many of the text's shingles are rarer; int64, shape [entries]
    # How many different shingles each text has, 0 where it was not looked at; int64, shape [texts].
    size: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ShingledTexts:
    """Texts whose shingles can be looked at; one that is shorter than a shingle is one shingle."""

    sequences: WordSequences  # The texts' words
    width: int  # Words of a shingle; 1 for sets of words

    def most(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Say how many shingles texts have, repeated ones counted again."""
        return np.maximum(self.sequences.length[rows] - self.width + 1, 1)

    def blocks(self, rows: NDArray[np.int64]) -> Iterator[Block]:
        """Make the shingles of texts, those of about one length together."""
        count = self.most(rows)
        order = np.argsort(count, kind="stable")
        count = count[order]
        at = 0
        while at < len(order):
            # A block is as wide as its longest text, the last one.
            area = count[at : at + _BLOCK] * (np.arange(len(count[at : at + _BLOCK])) + 1)
            taken = max(1, int(np.searchsorted(area, _BLOCK, side="right")))
            yield self._block(rows, order[at : at + taken], count[at : at + taken])
            at += taken

    def _block(self, rows: NDArray[np.int64], location: NDArray[np.int64], count: NDArray[np.int64]) -> Block:
        rows = rows[location]
        column = np.arange(int(count[-1]) + self.width - 1)
        first, length = self.sequences.first[rows, None], self.sequences.length[rows, None]
        word = np.where(column < length, self.sequences.word[first + np.minimum(column, length - 1)], 0)
        shingle = np.zeros((len(rows), int(count[-1])), dtype=np.uint64)
        for shift in range(self.width):
            shingle = _mixed((shingle ^ word[:, shift : shift + int(count[-1])].astype(np.uint64)) * _MIX[0])
        shingle[shingle == _NONE] = 0
        shingle[np.arange(shingle.shape[1]) >= count[:, None]] = _NONE
        shingle.sort(axis=1)
        distinct = shingle != _NONE
        distinct[:, 1:] &= shingle[:, 1:] != shingle[:, :-1]
        return Block(location, shingle, distinct)

    def frequencies(self, rows: NDArray[np.int64], told: Told) -> Frequencies:
        """Count in how many texts each shingle is."""
        bits = min(max(int(4 * self.most(rows).sum()).bit_length(), _SMALLEST_TABLE), _LARGEST_TABLE)
        table, done = np.zeros(1 << bits, dtype=np.uint32), 0
        for block in self.blocks(rows):
            bucket = np.sort((block.shingle[block.distinct] >> np.uint64(64 - bits)).astype(np.uint32))
            start = np.flatnonzero(np.concatenate([[True], bucket[1:] != bucket[:-1]]))
            table[bucket[start]] += np.diff(np.append(start, len(bucket))).astype(np.uint32)
            done += len(block.location)
            told(done)
        return Frequencies(table)

    def incidence(self, rows: NDArray[np.int64]) -> csr_array:
        """Say which text has which shingle, for texts that are few enough to hold all their shingles at once."""
        text, shingle = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
        for block in self.blocks(rows):
            text.append(np.repeat(block.location, block.size))
            shingle.append(block.shingle[block.distinct])
        known, column = np.unique(np.concatenate(shingle), return_inverse=True)
        there = np.ones(len(column), dtype=np.int32)
        return csr_array((there, (np.concatenate(text), column)), shape=(len(rows), len(known)))

    def prefixes(
        self, rows: NDArray[np.int64], frequencies: Frequencies, similarity: Fraction, told: Told
    ) -> Prefixes:
        """Take each text's rarest shingles, so many that similar texts have one of them in common."""
        # Of a set of n elements these are the first n - ceil(t n) + 1 in an order that is the same for all sets
        # (Chaudhuri, Ganti and Kaushik 2006, "A primitive operator for similarity joins in data cleaning").
        row, code, position, done = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)], [], 0
        position.append(row[0])
        size = np.zeros(len(self.sequences), dtype=np.int64)
        for block in self.blocks(rows):
            count = np.minimum(frequencies.of(block.shingle), _COUNTED)
            # Two shingles may get one code; similar texts then still have a code in common among the first ones.
            ordered = np.where(block.distinct, count << np.uint64(43) | block.shingle >> np.uint64(21), _NONE)
            size[rows[block.location]] = block.size
            length = prefix_length(block.size, similarity)
            ordered = np.sort(ordered, axis=1)[:, : int(length.max())]
            inside = (np.arange(ordered.shape[1]) < length[:, None]) & (ordered >> np.uint64(43) > 1)
            which, location = np.nonzero(inside)
            row.append(rows[block.location[which]])
            code.append(ordered[inside])
            position.append(location)
            done += len(block.location)
            told(done)
        return Prefixes(np.concatenate(row), np.concatenate(code), np.concatenate(position), size)


def prefix_length(size: NDArray[np.int64], similarity: Fraction) -> NDArray[np.int64]:
    """Say how many of a set's elements are enough for one to be in any set that has the share t of them."""
    return size - -(-size * similarity.numerator // similarity.denominator) + 1


def _mixed(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread numbers over 64 bits, one to one (the finalizer of SplitMix64; Steele, Lea and Flood 2014)."""
    number = (number ^ (number >> np.uint64(30))) * _MIX[1]
    number = (number ^ (number >> np.uint64(27))) * _MIX[2]
    return number ^ (number >> np.uint64(31))
