"""Texts taken apart, once each: sentences, the words that are matched, and numbers read as findings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
# How many different numbers a matched word may be hashed to.
WORD_SPACE = 1 << 18

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z(])|\n+")
_WORD = re.compile(r"[a-z][a-z0-9'-]+")
_NUMBER = r"-?(?:\d+(?:\.\d+)?|\.\d+)"
_P_VALUE = re.compile(r"\bp\s*(?:-?\s*value)?\s*(?:of)?\s*([<>=≤≥])\s*(0?\.\d+|1\.0+)")
_INTERVAL = re.compile(rf"(?:\bci|confidence intervals?)\W{{0,4}}?\s*({_NUMBER})\s*(?:to|-|–|,|;)\s*({_NUMBER})")
_RATIO = re.compile(r"\b(?:ratio|odds|hazard|relative risk|[oh]r\s*[=:,]|rr)\b")
_ANY_NUMBER = re.compile(rf"(?<![\w.]){_NUMBER}")
_FINDING = re.compile(
    r"\d\.\d|\d ?%|[pP] ?[<=>]|signific|\bdiffer|similar|\bno effect|no detect|adjust|analys[ei]s|versus|\bvs\b"
    r"|increased|reduced|improved|decreased|lower|higher|better|worse|greater|trend|associated"
)
_CONTINUES = re.compile(
    r"\b(?:[Tt]his|[Tt]hese|[Ss]uch|[Hh]owever|[Nn]evertheless|[Nn]or|either|likewise|also|[Ii]n contrast)\b"
    r"|[Aa]djust|[Ss]ensitivity|[Ss]ubgroup|[Pp]er-protocol|finding|the (?:effect|result|benefit)\b"
)
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about among an and any are as at be been between but by can compared could do does for from had has have"
        " how if in into is it its less may more not of on or our should than that the their there these they this"
        " those to was we were what when whether which who why will with would patient patients people",
    )
)


class Matchable(NamedTuple):
    """A passage as the matching sees it."""

    sentences: tuple[str, ...]
    word: NDArray[np.int64]  # Hashed words, each once a sentence, shape [words]
    owner: NDArray[np.int64]  # The sentence that each word is in, same shape
    # Whether each sentence has the marks of a finding (numbers, words of comparison), shape [sentences].
    finding: NDArray[np.bool_]
    continues: NDArray[np.bool_]  # Whether each sentence has the marks of going on from the one before it, same shape


class BoundedMemory(Generic[T]):
    """Remembers what was made of a text; the oldest is forgotten once the texts get too long together."""

    def __init__(self, make: Callable[[str], T], characters: int) -> None:
        self._make = make
        self._limit = characters
        self._held = 0
        self._made: dict[str, T] = {}

    def __call__(self, text: str) -> T:
        """Give what is made of a text, making it only if it is not remembered."""
        made = self._made.get(text)
        if made is None:
            made = self._make(text)
            self._made[text] = made
            self._held += len(text)
            while self._held > self._limit and len(self._made) > 1:
                oldest = next(iter(self._made))
                del self._made[oldest]
                self._held -= len(oldest)
        return made


def matched_words(text: str) -> list[int]:
    """Hash the words of a text by which it is matched: no function words, no numbers, no plural s."""
    return sorted({_word_number(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS})


def matchable(text: str) -> Matchable:
    """Take a passage apart."""
    sentences = tuple(part for part in (piece.strip() for piece in _SENTENCE_END.split(text)) if part)
    words = [matched_words(sentence) for sentence in sentences]
    counts = np.fromiter(map(len, words), np.int64, len(words))
    return Matchable(
        sentences,
        np.fromiter((number for of_sentence in words for number in of_sentence), np.int64, int(counts.sum())),
        np.repeat(np.arange(len(words), dtype=np.int64), counts),
        np.fromiter((_FINDING.search(sentence) is not None for sentence in sentences), np.bool_, len(sentences)),
        np.fromiter((_CONTINUES.search(sentence) is not None for sentence in sentences), np.bool_, len(sentences)),
    )


def reduced(sentence: str) -> str:
    """Rewrite a sentence so that its findings show: p-values and intervals by what they mean, other numbers as
    one.
    """
    text = sentence.lower()
    null = 1.0 if _RATIO.search(text) else 0.0
    text = _INTERVAL.sub(lambda found: _interval_word(float(found[1]), float(found[2]), null), text)
    text = _P_VALUE.sub(lambda found: _p_word(found[1], float(found[2])), text)
    return _ANY_NUMBER.sub("num", text)


def _interval_word(low: float, high: float, null: float) -> str:
    return " ciholds " if low <= null <= high else " ciexcludes "


def _p_word(sign: str, value: float) -> str:
    if sign in "<≤" and value <= 0.05:
        return " pbelow "
    if value < 0.05 and sign not in ">≥":
        return " pbelow "
    return " pborder " if value < 0.1 and sign == "=" else " pabove "


def _word_number(word: str) -> int:
    if word[-1] == "s" and len(word) > 3 and word[-2] != "s":
        word = word[:-1]
    return crc32(word.encode()) & (WORD_SPACE - 1)
