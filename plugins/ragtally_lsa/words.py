"""Words of many texts, counted: what scikit-learn's `CountVectorizer` counts, to the bit, in a third of the time.

A word is two letters, digits or underscores, or more, in lower case: scikit-learn's usual pattern of a token.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ragtally.support.unspaced import SIGNS_AND_MARKS

_WORD = re.compile(r"\w\w+")
# The same where the signs of a script without spaces are words in pairs: a sign that a sign follows begins one.
_WORD_OR_PAIR = re.compile(rf"(?=([{SIGNS_AND_MARKS}]{{2}}))[{SIGNS_AND_MARKS}]|([^\W{SIGNS_AND_MARKS}]{{2,}})")
_LETTER = re.compile(r"\w")
_END, _NO_WORD = -2, -1
_END_OF_TEXT = "\0"
# Each ASCII character in lower case, or a space for one that no word has.
_LOWER = bytes(
    ord(character.lower()) if character.isalnum() or character == "_" else ord(" ")
    for character in map(chr, range(128))
).ljust(256)
# How many texts are taken apart at once; more would not fit into the processor's caches.
_BATCH = 2048


class WordCounts(NamedTuple):
    """The words of a corpus, and how often each text has them."""

    words: list[str]  # The words in the order of the columns, which is that of their code points
    # How often each text has each word: a sparse matrix, float32, shape [texts, words]. Within a row the entries
    # stand in the order in which the corpus first has the words, as scikit-learn leaves them, since the rounding of
    # sums depends on it.
    counts: Any


class WordCounter:
    """Counts the words of texts that the corpus has, and passes over all others."""

    def __init__(self, words: Sequence[str], *, has_signs: bool = False) -> None:
        self._has_signs = has_signs
        self.words = list(words)
        self._columns = {word: column for column, word in enumerate(words)} | {_END_OF_TEXT: _END}

    def count(self, texts: Sequence[str]) -> Any:
        """Make a sparse matrix of counts, shape [texts, words]."""
        tokens = _tokens(texts, has_signs=self._has_signs)
        columns = np.fromiter(map(self._columns.get, tokens, repeat(_NO_WORD)), np.int64, len(tokens))
        return _matrix([_count(columns, len(texts))], len(self.words))


def learn(texts: Iterable[Sequence[str]], leave_out: Iterable[str], *, has_signs: bool = False) -> WordCounts:
    """Collect the words of a corpus, and count them."""
    columns = _Growing(leave_out)
    parts = []
    for batch in texts:
        tokens = _tokens(batch, has_signs=has_signs)
        numbers = np.fromiter(map(columns.__getitem__, tokens), np.int64, len(tokens))
        parts.append(_count(numbers, len(batch)))
    words = sorted(word for word, column in columns.items() if column >= 0)
    position = np.empty(len(words), dtype=np.int32)
    position[np.array([columns[word] for word in words], dtype=np.int64)] = np.arange(len(words), dtype=np.int32)
    counts = _matrix(parts, len(words))
    counts.indices = position[counts.indices]
    counts.has_sorted_indices = False
    return WordCounts(words, counts)


def batches(texts: Sequence[str], rows: Iterable[int] | None = None) -> Iterator[list[str]]:
    """Take texts out of a sequence that may make each of them only when it is looked at."""
    batch: list[str] = []
    for row in range(len(texts)) if rows is None else rows:
        batch.append(texts[row])
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Growing(dict[str, int]):
    """Columns by word, numbered as the words come."""

    def __init__(self, leave_out: Iterable[str]) -> None:
        super().__init__(dict.fromkeys(leave_out, _NO_WORD))
        self[_END_OF_TEXT] = _END
        self._next = 0

    def __missing__(self, word: str) -> int:
        column = _NO_WORD
        if len(word) > 1:
            column = self._next
            self._next += 1
        self[word] = column
        return column


class _BatchCounts(NamedTuple):
    ends: NDArray[np.int64]
    columns: NDArray[np.int32]
    times: NDArray[np.float32]


def _tokens(texts: Sequence[str], *, has_signs: bool) -> list[str]:
    """Take texts apart into words in lower case (single letters may be among them), each text with an end."""
    lines = map(_words_and_pairs if has_signs else _words_only, texts)
    return "".join(f"{text} {_END_OF_TEXT} " for text in lines).split()


def _words_only(text: str) -> str:
    """Leave nothing of a text but its words in lower case, with spaces between them."""
    if not text.isascii():
        plain = text
        for character in set(text):
            if character > "\x7f" and _separates(character):
                plain = plain.replace(character, " ")
        if not plain.isascii():
            # Lower case may depend on the neighbours (a sigma at the end of a word), so the whole text is taken.
            return " ".join(_WORD.findall(text.lower()))
        text = plain
    return text.encode("ascii").translate(_LOWER).decode("ascii")


def _words_and_pairs(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower()
    return " ".join(match[1] or match[2] for match in _WORD_OR_PAIR.finditer(folded))


@functools.cache
def _separates(character: str) -> bool:
    return _LETTER.search(character) is None and _LETTER.search(character.lower()) is None


def _count(columns: NDArray[np.int64], texts: int) -> _BatchCounts:
    is_word = columns >= 0
    text = np.cumsum(columns == _END)
    width = int(columns.max(initial=0)) + 1
    keys, times = np.unique(text[is_word] * width + columns[is_word], return_counts=True)
    ends = np.searchsorted(keys, np.arange(1, texts + 1) * width)
    return _BatchCounts(ends, (keys % width).astype(np.int32), times.astype(np.float32))


def _matrix(parts: Sequence[_BatchCounts], width: int) -> Any:
    before = np.cumsum([0, *(len(each.columns) for each in parts)])
    ends = [start + each.ends for start, each in zip(before, parts, strict=False)]
    pointers = np.concatenate([np.zeros(1, dtype=np.int64), *ends])
    columns = np.concatenate([np.empty(0, dtype=np.int32), *(each.columns for each in parts)])
    times = np.concatenate([np.empty(0, dtype=np.float32), *(each.times for each in parts)])
    return csr_matrix((times, columns, pointers), shape=(len(pointers) - 1, width))
