"""What a classifier reads of the sentences in focus: hashed n-grams, and the marks of a finding (cues)."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np
from scipy.sparse import csr_array

from ragtally_specialist.focus import BEST, CLOSES, Focus
from ragtally_specialist.sentences import plain_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How many different numbers an n-gram may be hashed to.
GRAM_SPACE = 1 << 18

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_WORD = re.compile(r"[a-z][a-z'-]*")


class Kind(NamedTuple):
    """One way of counting n-grams."""

    characters: bool  # Whether the grams are of characters instead of words
    sizes: tuple[int, ...]  # How long they are
    by_rarity: bool  # Whether a gram weighs more the rarer it is


KINDS = {
    "tfidf": Kind(False, (1, 2, 3), True),
    "counts": Kind(False, (1, 2), False),
    "char": Kind(True, (3, 4, 5), True),
}


@functools.lru_cache(maxsize=50_000)
def _words(sentence: str) -> NDArray[np.uint64]:
    words = _WORD.findall(plain_form(sentence))
    return np.fromiter((crc32(word.encode()) for word in words), np.uint64, len(words))


@functools.lru_cache(maxsize=50_000)
def _characters(sentence: str) -> NDArray[np.uint64]:
    text = " ".join(plain_form(sentence).split())
    return np.frombuffer(f" {text} ".encode("utf-32-le"), dtype="<u4").astype(np.uint64)


def count_grams(focus: Focus, kind: Kind) -> csr_array:
    """Count the n-grams of the sentences in focus."""
    units_of = _characters if kind.characters else _words
    rows_in_use = np.flatnonzero(focus.role != CLOSES)
    parts = [units_of(focus.sentence[row]) for row in rows_in_use.tolist()]
    units = np.concatenate([np.zeros(0, dtype=np.uint64), *parts])
    row = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    rows, columns = [], []
    for size in kind.sizes:
        columns.append(_hash_grams(units, size))
        rows.append(row[: len(columns[-1])])
        whole = rows[-1] == row[len(row) - len(columns[-1]) :]
        columns[-1], rows[-1] = columns[-1][whole], rows[-1][whole]
    at = rows_in_use[np.concatenate(rows)]
    column = np.concatenate(columns) + focus.role[at] * GRAM_SPACE
    shape = (len(focus.match), 2 * GRAM_SPACE)
    counts = csr_array((focus.weight[at], (focus.question[at], column)), shape=shape)
    counts.sum_duplicates()
    return counts


def _hash_grams(units: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    count = max(0, len(units) - size + 1)
    code = np.full(count, np.uint64(size))
    for offset in range(size):
        code = (code ^ units[offset : offset + count]) * _MULTIPLIER
        code ^= code >> np.uint64(29)
    return (code % np.uint64(GRAM_SPACE)).astype(np.int64)


# Shrinks the cues of the closing sentences, so that the regularisation holds them back: they say less.
_CLOSING_SCALE = 0.5
_RISE = re.compile(r"\b(?:increas|improv|rais|ris(?:e|ing)|rose|higher|greater|more|better|enhanc|gain)")
_FALL = re.compile(r"\b(?:reduc|decreas|lower|less|fell|fall|declin|fewer|prevent|diminish)")
_CUES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bpbelow\b",
        r"\bpborder\b",
        r"\bpabove\b",
        r"\bciexcludes\b",
        r"\bciholds\b",
        r"\b(?:no|not|nor|neither|none|without|failed to|lack of)\b",
        r"\b(?:no|not|nor|neither|without)\b[^.;]*\b(?:signific|differ|effect|associat|change|affect|influence|relat)",
        r"\bno longer\b|\bvanish|\bdisappear|\bno (?:\w+ )?(?:effect|differ\w+) (?:remain|persist)",
        r"signific|marked|clear|substantial|strong",
        r"\bsimilar|\bcomparable|\bequal|\bunchanged|\bequivalen|\balike\b",
        r"\btrend|\btend(?:ed|s|ency)|\bborderline|\bnearly|\bmarginal",
        r"\buncertain|\binconclusive|\bequivocal|\bconflicting|\bpossibl|\bmay\b|\bmight\b|\bsuggest|\bunclear|\bmixed\b",
        r"\bhowever\b|\balthough\b|\bbut\b|\bwhereas\b|\bnevertheless\b|\bin contrast\b|\bonly\b|\bdespite\b",
        r"\bsubgroup|\bsensitivity anal|\bper-protocol|\badjust",
        r"\bpersist|\bremain|\bconfirm|\brobust|\bconsistent",
        r"\b(?:worse|deteriorat|contrary|harm|fared)",
    )
)


@functools.lru_cache(maxsize=50_000)
def sentence_cues(sentence: str) -> NDArray[np.float64]:
    """Which marks of a finding a sentence has, and whether it tells of a rise (1) or a fall (-1)."""
    text = plain_form(sentence)
    marks = [cue.search(text) is not None for cue in _CUES]
    return np.array([*marks, _direction(text)], dtype=np.float64)


def _direction(text: str) -> int:
    return (_RISE.search(text) is not None) - (_FALL.search(text) is not None)


def cue_columns(questions: Sequence[str], focus: Focus) -> NDArray[np.float64]:
    """Find the cues of the sentences in focus."""
    columns = np.zeros((len(questions), 3, len(_CUES) + 1))
    if focus.sentence:
        marks = np.stack([sentence_cues(sentence) for sentence in focus.sentence])
        np.add.at(columns, (focus.question, focus.role), marks * focus.weight[:, None])
    direction = np.array([_direction(question.lower()) for question in questions], dtype=np.float64)
    columns[:, CLOSES] *= _CLOSING_SCALE
    return np.column_stack([columns[:, :, :-1].reshape(len(questions), -1), columns[:, BEST, -1] * direction])
