"""Counts the terms of many texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from ragtally_lexical.tokens import Tokenizer

# How many characters are worked on at once.
_BATCH = 1 << 19

# From how many characters on compiled loops are worth loading.
_MANY = 1 << 24


@dataclass(frozen=True, slots=True)
class TermCounts:
    """How often terms stand in texts, in columns: one text's pairs of term and count after the other's."""

    vocabulary: tuple[str, ...]  # The terms, in order of their first occurrence; a term's row is its number
    term: NDArray[np.int32]  # Numbers of terms, each once a text; int32, shape [pairs]
    # How often the term stands in the text; an unsigned integer just large enough, shape [pairs].
    count: NDArray[np.unsignedinteger]
    sizes: NDArray[np.int32]  # How many pairs each text has; int32, shape [texts]
    lengths: NDArray[np.int32]  # How many terms each text has, repeated ones counted again; int32, shape [texts]


@dataclass(frozen=True, slots=True)
class Batch:
    """The counts of some texts: columns as in `TermCounts`."""

    term: NDArray[np.int32]
    count: NDArray[np.unsignedinteger]
    sizes: NDArray[np.int32]
    lengths: NDArray[np.int32]


class Vocabulary:
    """Numbers terms in order of their first occurrence, and remembers the term of every token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._rows: dict[str, int] = {}

    def rows(self, tokens: Sequence[str]) -> list[int]:
        """Number the terms of tokens."""
        known = self._rows
        return [-1 if term is None else known.setdefault(term, len(known)) for term in self._tokenizer.terms(tokens)]

    def __len__(self) -> int:
        return len(self._rows)

    def terms(self) -> tuple[str, ...]:
        """List the terms by row."""
        return tuple(self._rows)


def count_terms(texts: Sequence[str], tokenizer: Tokenizer) -> TermCounts:
    """Count the terms of every text; in one pass over the texts, of which only a few are held at a time."""
    vocabulary = Vocabulary(tokenizer)
    batches = _batches(texts)
    first = next(batches, [])
    counted: Iterable[Batch]
    if len(texts) * sum(map(len, first)) > _MANY * len(first):
        from ragtally_lexical.bulk import count_batches

        counted = count_batches(chain([first], batches), tokenizer, vocabulary)
    else:
        counted = _count_batches(chain([first], batches), tokenizer, vocabulary)
    columns = [*counted]
    return TermCounts(
        vocabulary.terms(),
        np.concatenate([batch.term for batch in columns]),
        np.concatenate([batch.count for batch in columns]),
        np.concatenate([batch.sizes for batch in columns]),
        np.concatenate([batch.lengths for batch in columns]),
    )


def narrowed(counts: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
    """Take counts into as few bytes as they need."""
    narrow: NDArray[np.unsignedinteger] = counts.astype(np.uint8 if counts.max(initial=0) < 256 else np.uint32)
    return narrow


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= _BATCH:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


class _Numbers(dict[str, int]):
    """Numbers tokens as they are looked up."""

    def __missing__(self, token: str) -> int:
        number = self[token] = len(self)
        return number


def _count_batches(batches: Iterable[list[str]], tokenizer: Tokenizer, vocabulary: Vocabulary) -> Iterator[Batch]:
    numbers, row_of = _Numbers(), np.zeros(0, np.int64)
    for batch in batches:
        texts = [tokenizer.tokens(text) for text in batch]
        lengths = np.array([len(text) for text in texts], np.int64)
        read = np.fromiter(map(numbers.__getitem__, chain.from_iterable(texts)), np.int64, lengths.sum())
        new = [*islice(numbers, len(row_of), None)]
        row_of = np.concatenate([row_of, np.array(vocabulary.rows(new), np.int64)])
        terms, rows = row_of[read], np.repeat(np.arange(len(batch)), lengths)
        terms, rows = terms[terms >= 0], rows[terms >= 0]
        width = max(1, len(vocabulary))
        pairs, counts = np.unique(rows * width + terms, return_counts=True)
        yield Batch(
            (pairs % width).astype(np.int32),
            narrowed(counts),
            np.bincount(pairs // width, minlength=len(batch)).astype(np.int32),
            np.bincount(rows, minlength=len(batch)).astype(np.int32),
        )
