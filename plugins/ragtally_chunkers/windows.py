"""Chunkers that take so many units (words or sentences) at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragtally import Documents, Spans
from ragtally.support.unspaced import counted_words
from ragtally_chunkers.boundaries import sentence_cuts
from ragtally_chunkers.layout import Layout, in_batches, lay_out, trim


class Words:
    """Cuts documents into chunks of so many words."""

    def __init__(self, size: int, overlap: int, language: str | None = None) -> None:
        self._size, self._overlap = size, overlap
        self._find = partial(find_signs, pattern=counted_words(language)) if language else find_words

    def split(self, documents: Documents) -> Spans:
        """Cut every document (see `ragtally.api.Chunker.split`)."""
        pieces = []
        for first, texts in in_batches(documents.text):
            pieces.append(_group(self._find(texts), self._size, self._overlap, first))
        return join_spans(pieces)


class Sentences:
    """Cuts documents into chunks of so many sentences."""

    def __init__(self, size: int, overlap: int, language: str | None = None) -> None:
        self._size, self._overlap, self._language = size, overlap, language

    def split(self, documents: Documents) -> Spans:
        """Cut every document (see `ragtally.api.Chunker.split`)."""
        pieces = []
        for first, texts in in_batches(documents.text):
            rows = slice(first, first + len(texts))
            sections = documents.section_starts[rows], documents.section_ends[rows]
            units = find_sentences(texts, *sections, self._language)
            pieces.append(_group(units, self._size, self._overlap, first))
        return join_spans(pieces)


def join_spans(pieces: Sequence[Spans]) -> Spans:
    """Put spans of consecutive documents one after the other."""
    if not pieces:
        return Spans(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int32))
    return Spans(
        np.concatenate([piece.document for piece in pieces]),
        np.concatenate([piece.start for piece in pieces]),
        np.concatenate([piece.end for piece in pieces]),
    )


class Windows(NamedTuple):
    """Windows over the units of documents, in columns, in order."""

    document: NDArray[np.int64]  # Row of each window's document; int64, shape [windows]
    first: NDArray[np.int64]  # Row of its first unit among the units of all documents; int64, shape [windows]
    last: NDArray[np.int64]  # Row of its last unit; int64, shape [windows]
    ends_document: NDArray[np.bool_]  # Whether that is the document's last unit; bool, shape [windows]


def windows_over(counts: NDArray[np.int64], size: int, overlap: int) -> Windows:
    """Slide a window over the units of each document."""
    step = size - overlap
    # A window is opened only where the one before it did not reach the document's last unit.
    windows = np.where(counts == 0, 0, 1 + np.maximum(0, -(-(counts - size) // step)))
    document = np.repeat(np.arange(len(counts)), windows)
    ordinal = np.arange(len(document)) - np.repeat(np.cumsum(windows) - windows, windows)
    document_end = np.cumsum(counts)
    first = (document_end - counts)[document] + ordinal * step
    last = np.minimum(first + size, document_end[document]) - 1
    return Windows(document, first, last, last + 1 == document_end[document])


def _group(units: Units, size: int, overlap: int, first_document: int) -> Spans:
    windows = windows_over(units.counts, size, overlap)
    return Spans(
        (windows.document + first_document).astype(np.int32),
        units.starts[windows.first].astype(np.int32),
        units.ends[windows.last].astype(np.int32),
    )


class Units(NamedTuple):
    """The words or sentences of texts, in columns, in order."""

    starts: NDArray[np.int64]  # Offset of each unit's first character in its text; int64, shape [units]
    ends: NDArray[np.int64]  # Offset just past each unit's last character; int64, shape [units]
    counts: NDArray[np.int64]  # How many units each text has; int64, shape [texts]


def find_words(texts: Sequence[str]) -> Units:
    """Find the words of texts: what stands between white space."""
    layout = lay_out(texts)
    return _units(layout, layout.word_starts, layout.word_ends)


def find_signs(texts: Sequence[str], pattern: re.Pattern[str]) -> Units:
    """Find the words of texts, and the signs that stand for words in a script without spaces."""
    spans = [[match.span() for match in pattern.finditer(text)] for text in texts]
    counts = np.fromiter(map(len, spans), np.int64, len(spans))
    rows = np.fromiter(chain.from_iterable(chain.from_iterable(spans)), np.int64, 2 * int(counts.sum()))
    return Units(rows[0::2], rows[1::2], counts)


def find_sentences(
    texts: Sequence[str],
    section_starts: Sequence[Sequence[int]],
    section_ends: Sequence[Sequence[int]],
    language: str | None = None,
) -> Units:
    """Find the sentences of texts, without white space at their ends."""
    layout = lay_out(texts)
    borders = layout.offsets[:-1]
    cuts = np.concatenate(
        [sentence_cuts(layout, language), _inside(layout, section_starts), _inside(layout, section_ends), borders]
    )
    cuts = np.unique(np.append(cuts, layout.offsets[-1]))
    _, starts, ends = trim(layout, cuts[:-1], cuts[1:])
    return _units(layout, starts, ends)


def _inside(layout: Layout, offsets: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Lay out the offsets that lie inside of their texts."""
    counts = np.fromiter(map(len, offsets), np.int64, len(offsets))
    local = np.fromiter(chain.from_iterable(offsets), np.int64, int(counts.sum()))
    begins = np.repeat(layout.offsets[:-1], counts)
    lengths = np.repeat(np.diff(layout.offsets) - 1, counts)
    return (begins + local)[(local > 0) & (local < lengths)]


def _units(layout: Layout, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Units:
    counts = np.diff(np.searchsorted(starts, layout.offsets))
    shift = np.repeat(layout.offsets[:-1], counts)
    return Units(starts - shift, ends - shift, counts)
