"""All sentences of all passages of all questions in columns, and where they hold the questions' words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ragtally_specialist.text import WORD_SPACE, BoundedMemory, matchable, matched_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REMEMBERED_CHARACTERS = 16_000_000
_NAME_SHARE = 0.005
_matchable = BoundedMemory(matchable, _REMEMBERED_CHARACTERS)


class Rarity(NamedTuple):
    """How telling words are, by what the contexts of the training hold."""

    # log((1 + n) / (1 + df)) + 1 for each hashed word, as in scikit-learn's TF-IDF; shape [WORD_SPACE].
    weight: NDArray[np.float64]
    # Whether each hashed word is in hardly any context (at most one, and 0.5 % of them), as the names of drugs and
    # conditions are; same shape.
    name: NDArray[np.bool_]


class Layout(NamedTuple):
    """Sentences and hits in columns; a hit is a word of a question in a sentence of its passages."""

    asked: list[NDArray[np.int64]]  # The hashed words of each question
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
        words = [_matchable(passage).word for passage in context]
        if words:
            frequency[np.unique(np.concatenate(words))] += 1
    return weigh(frequency, len(passages))


def weigh(frequency: NDArray[np.float64], contexts: int) -> Rarity:
    """Turn counts into weights."""
    return Rarity(np.log((1 + contexts) / (1 + frequency)) + 1, frequency <= 1 + _NAME_SHARE * contexts)


def lay_out(questions: Sequence[str], passages: Sequence[Sequence[str]]) -> Layout:
    """Lay the sentences out and find the hits."""
    parts = [_matchable(passage) for context in passages for passage in context]
    of_passage = np.repeat(np.arange(len(questions)), [len(context) for context in passages])
    sizes = np.array([len(part.sentences) for part in parts], dtype=np.int64)
    passage = np.repeat(np.arange(len(parts)), sizes)
    question = of_passage[passage]
    no_number, no_mark = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    words = np.concatenate([no_number, *(part.word for part in parts)])
    owners = np.concatenate([no_number, *(part.owner for part in parts)])
    owners += np.repeat(np.cumsum(sizes) - sizes, [len(part.word) for part in parts])
    asked = [np.array(matched_words(text), dtype=np.int64) for text in questions]
    wanted = np.concatenate([no_number, *(words + row * WORD_SPACE for row, words in enumerate(asked))])
    keys = question[owners] * WORD_SPACE + words
    hit = np.flatnonzero(np.append(wanted, -1)[np.searchsorted(wanted, keys)] == keys)
    return Layout(
        asked,
        [sentence for part in parts for sentence in part.sentences],
        question,
        passage,
        np.concatenate([no_mark, *(part.finding for part in parts)]),
        np.concatenate([no_mark, *(part.continues for part in parts)]),
        owners[hit],
        question[owners[hit]],
        words[hit],
    )


def covered(layout: Layout, group: NDArray[np.int64], size: int, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the weights of the words found in each group of hits, each word once a group."""
    kept = np.flatnonzero(group >= 0)
    distinct = np.unique(group[kept] * WORD_SPACE + layout.hit_word[kept])
    sums = np.zeros(size)
    sums += np.bincount(distinct // WORD_SPACE, weight[distinct % WORD_SPACE], size)
    return sums


def without(passages: Sequence[Sequence[str]], left_out: Sequence[set[str]]) -> list[list[str]]:
    """Leave sentences out of passages."""
    remains = [
        [" ".join(part for part in _matchable(passage).sentences if part not in gone) for passage in context]
        for context, gone in zip(passages, left_out, strict=True)
    ]
    return [[passage for passage in context if passage] for context in remains]
