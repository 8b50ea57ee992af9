"""Texts as sets of shingles: runs of so many words (Broder 1997, "On the resemblance and containment of documents").

Millions of shingles would fill the memory, so they are not stored: they are computed again, some texts at a time,
whenever they are looked at, and identified by 64 bits. The chance that any two of n different ones collide is below
n² / 2^65, one in 20,000 for 42 million; single words never collide.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

# Receives from time to time how many texts are done.
TextProgress = Callable[[int], None]

_ASCII = [chr(code) if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128)]
# What each ASCII character counts as.
_ASCII_TABLE = "".join(_ASCII).lower().encode() + bytes(128)
# Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces between words.
_SCRIPTS_WITHOUT_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[^\W{_SCRIPTS_WITHOUT_SPACES}]+|[{_SCRIPTS_WITHOUT_SPACES}]")
_PROGRESS_STEP = 1_000

# How many shingles, padding included, are worked on at once.
_BLOCK = 1 << 19
# Stands where a text has no further shingle.
_NONE = np.uint64(2**64 - 1)
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
# Bits of a bucket's number.
_SMALLEST_TABLE, _LARGEST_TABLE = 16, 26
# Buckets that hold more than this count as equally full where shingles are ordered.
_MOST_COUNTED = np.uint64(1 << 20)


@dataclass(frozen=True, slots=True)
class WordSequences:
    """The words of texts in order, laid out one text behind the other."""

    word: NDArray[np.int32]  # Numbers of words from 1, in the order in which words first come; int32, shape [words]
    first: NDArray[np.int64]  # Where each text's words begin, and where the last one's end; int64, shape [texts + 1]

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def length(self) -> NDArray[np.int64]:
        """How many words each text has; int64, shape [texts]."""
        return np.diff(self.first)


def split_words(text: str) -> list[bytes]:
    """Split a text into words: runs of letters, digits and `_`, whatever their case and width (NFKC)."""
    # A character of a script that is written without spaces between words is a word of its own.
    if text.isascii():
        return text.encode().translate(_ASCII_TABLE).split()
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [word.encode() for word in _WORD.findall(plain)]


def word_sequences(texts: Iterable[str], progress: TextProgress = lambda so_far: None) -> WordSequences:
    """Split texts into words and number these."""
    numbers: defaultdict[bytes, int] = defaultdict()
    numbers.default_factory = lambda: len(numbers) + 1
    flat, first = array("i"), array("q", [0])
    for so_far, text in enumerate(texts, start=1):
        flat.fromlist([numbers[word] for word in split_words(text)])
        first.append(len(flat))
        if not so_far % _PROGRESS_STEP:
            progress(so_far)
    return WordSequences(np.array(flat, dtype=np.int32), np.array(first, dtype=np.int64))


def first_copies(sequences: WordSequences) -> NDArray[np.int64]:
    """The first text that has the same words in the same order, for every text."""
    first_row: dict[bytes, int] = {}
    copy_of = np.empty(len(sequences), dtype=np.int64)
    bounds = sequences.first.tolist()
    for row in range(len(sequences)):
        words = sequences.word[bounds[row] : bounds[row + 1]]
        copy_of[row] = first_row.setdefault(hashlib.blake2b(words.tobytes(), digest_size=16).digest(), row)
    return copy_of


@dataclass(frozen=True, slots=True)
class Block:
    """Some texts' shingles."""

    index: NDArray[np.int64]  # The texts' positions among the requested rows; int64, shape [texts]
    shingle: NDArray[np.uint64]  # Each text's shingles, ascending, then padding; uint64, shape [texts, most shingles]
    distinct: NDArray[np.bool_]  # Whether it is neither padding nor a repetition; bool, same shape

    @property
    def size(self) -> NDArray[np.int64]:
        """How many different shingles each text has; int64, shape [texts]."""
        size: NDArray[np.int64] = self.distinct.sum(axis=1)
        return size


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many texts each shingle is at most: counts of hashed buckets."""

    bucket: NDArray[np.uint32]  # How many there are in each bucket; uint32, a power of two of them

    def of(self, shingle: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Look shingles up."""
        count: NDArray[np.uint32] = self.bucket[shingle >> np.uint64(65 - len(self.bucket).bit_length())]
        return count


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The rarest shingles of texts, without those that are in one text alone."""

    text: NDArray[np.int64]  # int64, shape [entries]
    code: NDArray[np.uint64]  # Equal for equal shingles, and the smaller the rarer; uint64, shape [entries]
    position: NDArray[np.int64]  # How many of the text's shingles are rarer; int64, shape [entries]
    # How many different shingles each text has, 0 for texts that were not requested; int64, shape [texts].
    size: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ShingledTexts:
    """Texts whose shingles can be looked at; one that is shorter than a shingle is one shingle."""

    sequences: WordSequences  # The texts' words
    width: int  # Words of a shingle; 1 for sets of words

    def most(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many shingles texts have, repeated ones counted each time."""
        return np.maximum(self.sequences.length[rows] - self.width + 1, 1)

    def blocks(self, rows: NDArray[np.int64]) -> Iterator[Block]:
        """Compute the shingles of texts, those of about one length together."""
        count = self.most(rows)
        order = np.argsort(count, kind="stable")
        count = count[order]
        at = 0
        while at < len(order):
            # A block is as wide as its longest text, the last one.
            area = count[at : at + _BLOCK] * (np.arange(len(count[at : at + _BLOCK])) + 1)
            until = at + max(1, int(np.searchsorted(area, _BLOCK, side="right")))
            yield self._block(rows, order[at:until], count[at:until])
            at = until

    def _block(self, rows: NDArray[np.int64], index: NDArray[np.int64], count: NDArray[np.int64]) -> Block:
        rows = rows[index]
        column = np.arange(int(count[-1]) + self.width - 1)
        first, length = self.sequences.first[rows, None], self.sequences.length[rows, None]
        word = np.where(column < length, self.sequences.word[first + np.minimum(column, length - 1)], 0)
        shingle = np.zeros((len(rows), int(count[-1])), dtype=np.uint64)
        for shift in range(self.width):
            shingle = _mix((shingle ^ word[:, shift : shift + int(count[-1])].astype(np.uint64)) * _MIX[0])
        shingle[shingle == _NONE] = 0
        shingle[np.arange(shingle.shape[1]) >= count[:, None]] = _NONE
        shingle.sort(axis=1)
        distinct = shingle != _NONE
        distinct[:, 1:] &= shingle[:, 1:] != shingle[:, :-1]
        return Block(index, shingle, distinct)

    def frequencies(self, rows: NDArray[np.int64], progress: TextProgress) -> Frequencies:
        """Count in how many texts each shingle is."""
        bits = min(max(int(4 * self.most(rows).sum()).bit_length(), _SMALLEST_TABLE), _LARGEST_TABLE)
        table, so_far = np.zeros(1 << bits, dtype=np.uint32), 0
        for block in self.blocks(rows):
            bucket = np.sort((block.shingle[block.distinct] >> np.uint64(64 - bits)).astype(np.uint32))
            start = np.flatnonzero(np.concatenate([[True], bucket[1:] != bucket[:-1]]))
            table[bucket[start]] += np.diff(np.append(start, len(bucket))).astype(np.uint32)
            so_far += len(block.index)
            progress(so_far)
        return Frequencies(table)

    def incidence(self, rows: NDArray[np.int64]) -> csr_array:
        """Which text has which shingle, for texts that are few enough to hold all their shingles at once."""
        text, shingle = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
        for block in self.blocks(rows):
            text.append(np.repeat(block.index, block.size))
            shingle.append(block.shingle[block.distinct])
        codes, column = np.unique(np.concatenate(shingle), return_inverse=True)
        ones = np.ones(len(column), dtype=np.int32)
        return csr_array((ones, (np.concatenate(text), column)), shape=(len(rows), len(codes)))

    def prefixes(
        self, rows: NDArray[np.int64], frequencies: Frequencies, similarity: Fraction, progress: TextProgress
    ) -> Prefixes:
        """Take each text's rarest shingles, so many that similar texts have one of them in common."""
        # Of a set of n elements these are the first n - ceil(t n) + 1 in an order that is the same for all sets
        # (Chaudhuri, Ganti and Kaushik 2006, "A primitive operator for similarity joins in data cleaning").
        row, code, position, so_far = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)], [], 0
        position.append(row[0])
        size = np.zeros(len(self.sequences), dtype=np.int64)
        for block in self.blocks(rows):
            count = np.minimum(frequencies.of(block.shingle), _MOST_COUNTED)
            # Two shingles may get one code; similar texts then still have a code in common among the first ones.
            sort_key = np.where(block.distinct, count << np.uint64(43) | block.shingle >> np.uint64(21), _NONE)
            size[rows[block.index]] = block.size
            length = prefix_length(block.size, similarity)
            sort_key = np.sort(sort_key, axis=1)[:, : int(length.max())]
            inside = (np.arange(sort_key.shape[1]) < length[:, None]) & (sort_key >> np.uint64(43) > 1)
            which, rank = np.nonzero(inside)
            row.append(rows[block.index[which]])
            code.append(sort_key[inside])
            position.append(rank)
            so_far += len(block.index)
            progress(so_far)
        return Prefixes(np.concatenate(row), np.concatenate(code), np.concatenate(position), size)


def prefix_length(size: NDArray[np.int64], similarity: Fraction) -> NDArray[np.int64]:
    """How many of a set's elements are enough for one to be in any set that has the share t of them."""
    return size - -(-size * similarity.numerator // similarity.denominator) + 1


def _mix(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread numbers over 64 bits, one to one (the finalizer of SplitMix64; Steele, Lea and Flood 2014)."""
    number = (number ^ (number >> np.uint64(30))) * _MIX[1]
    number = (number ^ (number >> np.uint64(27))) * _MIX[2]
    return number ^ (number >> np.uint64(31))
