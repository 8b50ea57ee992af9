"""Texts as the words that they consist of, numbered."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ASCII = [chr(code) if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128)]
# What each ASCII character counts as.
_ASCII_TABLE = "".join(_ASCII).lower().encode() + bytes(128)
# Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces between words.
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[^\W{_ALONE}]+|[{_ALONE}]")
_STEP = 1_000


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
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [word.encode() for word in _WORD.findall(folded)]


def word_sequences(texts: Iterable[str], told: Callable[[int], None] = lambda done: None) -> WordSequences:
    """Split texts into words and number these."""
    numbers: defaultdict[bytes, int] = defaultdict()
    numbers.default_factory = lambda: len(numbers) + 1
    flat, first = array("i"), array("q", [0])
    for done, text in enumerate(texts, start=1):
        flat.fromlist([numbers[word] for word in split_words(text)])
        first.append(len(flat))
        if not done % _STEP:
            told(done)
    return WordSequences(np.array(flat, dtype=np.int32), np.array(first, dtype=np.int64))


def first_copies(sequences: WordSequences) -> NDArray[np.int64]:
    """Say of every text which is the first that has the same words in the same order."""
    seen: dict[bytes, int] = {}
    copy_of = np.empty(len(sequences), dtype=np.int64)
    bounds = sequences.first.tolist()
    for row in range(len(sequences)):
        words = sequences.word[bounds[row] : bounds[row + 1]]
        copy_of[row] = seen.setdefault(hashlib.blake2b(words.tobytes(), digest_size=16).digest(), row)
    return copy_of
