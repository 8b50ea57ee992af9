"""Passages taken apart: sentences, the words by which they are matched, and where they hold a question's words.

All sentences of all passages of all questions stand in columns, so that a reader asks about thousands at once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def matched_words(text: str) -> list[int]:
    """Hash the words of a text by which it is matched: no function words, no numbers, no plural s."""
    return sorted({_word_number(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS})


def split_sentences(text: str) -> tuple[str, ...]:
    """Cut a text into sentences; a line ends one as well."""
    return tuple(part for part in (piece.strip() for piece in _SENTENCE_END.split(text)) if part)


# Chunkings overlap and votes read the same passages again: taking one apart costs far more than remembering it.
@functools.lru_cache(maxsize=10_000)
def matchable(text: str) -> Matchable:
    """Take a passage apart."""
    sentences = split_sentences(text)
    words = [matched_words(sentence) for sentence in sentences]
    counts = np.fromiter(map(len, words), np.int64, len(words))
    return Matchable(
        sentences,
        np.fromiter((number for of_sentence in words for number in of_sentence), np.int64, int(counts.sum())),
        np.repeat(np.arange(len(words), dtype=np.int64), counts),
        np.fromiter((_FINDING.search(sentence) is not None for sentence in sentences), np.bool_, len(sentences)),
        np.fromiter((_CONTINUES.search(sentence) is not None for sentence in sentences), np.bool_, len(sentences)),
    )


def plain_form(sentence: str) -> str:
    """Rewrite a sentence so that its findings show: p-values and intervals by what they mean, other numbers as
    one.
    """
    text = sentence.lower()
    null = 1.0 if _RATIO.search(text) else 0.0
    text = _INTERVAL.sub(lambda match: _interval_word(float(match[1]), float(match[2]), null), text)
    text = _P_VALUE.sub(lambda match: _p_word(match[1], float(match[2])), text)
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


_NAME_SHARE = 0.005


class Rarity(NamedTuple):
    """How telling words are, by what the contexts of the training hold."""

    # log((1 + n) / (1 + df)) + 1 for each hashed word, as in scikit-learn's TF-IDF; shape [WORD_SPACE].
    weight: NDArray[np.float64]
    # Whether each hashed word is in hardly any context (at most one, and 0.5 % of them), as the names of drugs and
    # conditions are; same shape.
    name: NDArray[np.bool_]


class Layout(NamedTuple):
    """Sentences and hits in columns; a hit is a word of a question in a sentence of its passages."""

    question_words: list[NDArray[np.int64]]  # The hashed words of each question
    sentence: list[str]  # The sentences, by question, passage and place
    question: NDArray[np.int64]  # The question of each sentence; shape [sentences]
    passage: NDArray[np.int64]  # The passage of each sentence, counted over all questions; shape [sentences]
    finding: NDArray[np.bool_]  # Whether each sentence has the marks of a finding; shape [sentences]
    # Whether each sentence has the marks of going on from the one before; shape [sentences].
    continues: NDArray[np.bool_]
    hit_sentence: NDArray[np.int64]  # The sentence of each hit; shape [hits]
    hit_question: NDArray[np.int64]  # The question of each hit; shape [hits]
    hit_word: NDArray[np.int64]  # The hashed word of each hit; shape [hits]


def rarity(passages: Sequence[Sequence[str]]) -> Rarity:
    """Count in how many contexts each word is."""
    frequency = np.zeros(WORD_SPACE)
    for context in passages:
        words = [matchable(passage).word for passage in context]
        if words:
            frequency[np.unique(np.concatenate(words))] += 1
    return weigh(frequency, len(passages))


def weigh(frequency: NDArray[np.float64], contexts: int) -> Rarity:
    """Turn counts into weights."""
    return Rarity(np.log((1 + contexts) / (1 + frequency)) + 1, frequency <= 1 + _NAME_SHARE * contexts)


def lay_out(questions: Sequence[str], passages: Sequence[Sequence[str]]) -> Layout:
    """Lay the sentences out and find the hits."""
    parts = [matchable(passage) for context in passages for passage in context]
    of_passage = np.repeat(np.arange(len(questions)), [len(context) for context in passages])
    sizes = np.array([len(part.sentences) for part in parts], dtype=np.int64)
    passage = np.repeat(np.arange(len(parts)), sizes)
    question = of_passage[passage]
    no_number, no_mark = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    words = np.concatenate([no_number, *(part.word for part in parts)])
    owners = np.concatenate([no_number, *(part.owner for part in parts)])
    owners += np.repeat(np.cumsum(sizes) - sizes, [len(part.word) for part in parts])
    question_words = [np.array(matched_words(text), dtype=np.int64) for text in questions]
    question_keys = np.concatenate(
        [no_number, *(words + row * WORD_SPACE for row, words in enumerate(question_words))]
    )
    keys = question[owners] * WORD_SPACE + words
    hit = np.flatnonzero(np.append(question_keys, -1)[np.searchsorted(question_keys, keys)] == keys)
    return Layout(
        question_words,
        [sentence for part in parts for sentence in part.sentences],
        question,
        passage,
        np.concatenate([no_mark, *(part.finding for part in parts)]),
        np.concatenate([no_mark, *(part.continues for part in parts)]),
        owners[hit],
        question[owners[hit]],
        words[hit],
    )


def coverage(layout: Layout, group: NDArray[np.int64], size: int, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the weights of the words found in each group of hits, each word once per group."""
    inside = np.flatnonzero(group >= 0)
    distinct = np.unique(group[inside] * WORD_SPACE + layout.hit_word[inside])
    sums = np.zeros(size)
    sums += np.bincount(distinct // WORD_SPACE, weight[distinct % WORD_SPACE], size)
    return sums


def without(passages: Sequence[Sequence[str]], omissions: Sequence[set[str]]) -> list[list[str]]:
    """Leave sentences out of passages."""
    remains = [
        [" ".join(part for part in matchable(passage).sentences if part not in omission) for passage in context]
        for context, omission in zip(passages, omissions, strict=True)
    ]
    return [[passage for passage in context if passage] for context in remains]
