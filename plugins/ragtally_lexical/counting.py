"""Counts the terms of many texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from ragtally_lexical.tokens import Tokenizer, Vocabulary

# How many characters are worked on at once.
_BATCH = 1 << 19

# From how many characters on compiled loops are worth loading.
_MANY = 1 << 24


# Of some texts the columns `term`, `count`, `sizes` and `lengths` of `TermCounts`.
Columns = tuple[NDArray[np.int32], NDArray[np.integer], NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class TermCounts:
    """How often terms stand in texts, in columns: one text's pairs of term and count after the other's."""

    vocabulary: tuple[str, ...]  # The terms, in order of their first occurrence; a term's row is its number
    term: NDArray[np.int32]  # Numbers of terms, each once per text; int32, shape [pairs]
    # How often the term stands in the text; an unsigned integer just large enough, shape [pairs].
    count: NDArray[np.unsignedinteger]
    sizes: NDArray[np.int32]  # How many pairs each text has; int32, shape [texts]
    lengths: NDArray[np.int32]  # How many terms each text has, repeated ones counted again; int32, shape [texts]


def count_terms(texts: Sequence[str], tokenizer: Tokenizer) -> TermCounts:
    """Count the terms of every text; in one pass over the texts, of which only a few are held at a time."""
    vocabulary = Vocabulary(tokenizer)
    batches = _batches(texts)
    first = next(batches, [])
    count_batches = _count_batches
    if len(texts) * sum(map(len, first)) > _MANY * len(first):
        # Loading numba takes longer than a small corpus.
        from ragtally_lexical.bulk import count_batches
    # Narrowed batch by batch, so that four bytes per count are never needed for the whole corpus.
    columns = [
        (term, _narrow(count), sizes, lengths)
        for term, count, sizes, lengths in count_batches(chain([first], batches), tokenizer, vocabulary)
    ]
    return TermCounts(vocabulary.terms(), *map(np.concatenate, zip(*columns, strict=True)))


def _narrow(counts: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
    """Store counts in as few bytes as they need."""
    return counts.astype(np.uint8 if counts.max(initial=0) < 256 else np.uint32)


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


def _count_batches(batches: Iterable[list[str]], tokenizer: Tokenizer, vocabulary: Vocabulary) -> Iterator[Columns]:
    numbers, row_of = _Numbers(), np.zeros(0, np.int64)
    for batch in batches:
        texts = [tokenizer.tokens(text) for text in batch]
        lengths = np.array([len(text) for text in texts], np.int64)
        token_numbers = np.fromiter(map(numbers.__getitem__, chain.from_iterable(texts)), np.int64, lengths.sum())
        new = [*islice(numbers, len(row_of), None)]
        row_of = np.concatenate([row_of, np.array(vocabulary.rows(new), np.int64)])
        terms, rows = row_of[token_numbers], np.repeat(np.arange(len(batch)), lengths)
        terms, rows = terms[terms >= 0], rows[terms >= 0]
        width = max(1, len(vocabulary))
        pairs, counts = np.unique(rows * width + terms, return_counts=True)
        yield (
            (pairs % width).astype(np.int32),
            counts,
            np.bincount(pairs // width, minlength=len(batch)).astype(np.int32),
            np.bincount(rows, minlength=len(batch)).astype(np.int32),
        )
