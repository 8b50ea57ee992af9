"""Chunkers that take so many units (words or sentences) at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragtally.types import Documents, Spans
from ragtally_chunkers.sentences import split_sentences

_BATCH_CHARACTERS = 1 << 19
_HIGHEST_CODE = 0x110000


class Units(NamedTuple):
    """The words or sentences of documents, in columns, in order.

    Attributes:
        starts: Offset of each unit's first character in its document; int64, shape [units].
        ends: Offset just past each unit's last character; int64, shape [units].
        counts: How many units each document has; int64, shape [documents].
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    counts: NDArray[np.int64]


class Words:
    """Cuts documents into chunks of so many words."""

    def __init__(self, size: int, overlap: int) -> None:
        """Take the window.

        Args:
            size: Words a chunk.
            overlap: Words that a chunk shares with the one before it; less than `size`.
        """
        self._size, self._overlap = size, overlap

    def cut(self, documents: Documents) -> Spans:
        """Cut every document (see `ragtally.kinds.Chunker.cut`)."""
        pieces = []
        for first, texts in _batches(documents.text):
            pieces.append(_group(find_words(texts), self._size, self._overlap, first))
        return join_spans(pieces)


class Sentences:
    """Cuts documents into chunks of so many sentences."""

    def __init__(self, size: int, overlap: int) -> None:
        """Take the window.

        Args:
            size: Sentences a chunk.
            overlap: Sentences that a chunk shares with the one before it; less than `size`.
        """
        self._size, self._overlap = size, overlap

    def cut(self, documents: Documents) -> Spans:
        """Cut every document (see `ragtally.kinds.Chunker.cut`)."""
        starts: list[int] = []
        ends: list[int] = []
        counts: list[int] = []
        for text, section_starts, section_ends in zip(
            documents.text, documents.section_starts, documents.section_ends, strict=True
        ):
            before = len(starts)
            split_sentences(text, {*section_starts, *section_ends}, starts, ends)
            counts.append(len(starts) - before)
        units = Units(np.array(starts, np.int64), np.array(ends, np.int64), np.array(counts, np.int64))
        return _group(units, self._size, self._overlap, 0)


def find_words(texts: Sequence[str]) -> Units:
    """Find the words of texts: what stands between white space.

    Args:
        texts: The texts.

    Returns:
        Their words.
    """
    # Every text stands between line feeds, so words start and end in turns and none reaches into the next.
    joined = "\n" + "\n".join(texts) + "\n"
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    offsets = np.cumsum(lengths + 1) - lengths
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    space = _white_space()[codes]
    edges = np.flatnonzero(space[1:] != space[:-1]) + 1
    starts, ends = edges[0::2], edges[1::2]
    counts = np.diff(np.searchsorted(starts, np.append(offsets, len(joined))))
    shift = np.repeat(offsets, counts)
    return Units(starts - shift, ends - shift, counts)


def join_spans(pieces: Sequence[Spans]) -> Spans:
    """Put spans of consecutive documents one after the other.

    Args:
        pieces: The spans.

    Returns:
        All of them.
    """
    if not pieces:
        return Spans(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int32))
    return Spans(
        np.concatenate([piece.document for piece in pieces]),
        np.concatenate([piece.start for piece in pieces]),
        np.concatenate([piece.end for piece in pieces]),
    )


def _group(units: Units, size: int, overlap: int, first_document: int) -> Spans:
    step = size - overlap
    # A window is opened only where the one before it did not reach the document's last unit.
    windows = np.where(units.counts == 0, 0, 1 + np.maximum(0, -(-(units.counts - size) // step)))
    document = np.repeat(np.arange(len(units.counts)), windows)
    ordinal = np.arange(len(document)) - np.repeat(np.cumsum(windows) - windows, windows)
    document_end = np.cumsum(units.counts)
    first = (document_end - units.counts)[document] + ordinal * step
    last = np.minimum(first + size, document_end[document]) - 1
    return Spans(
        (document + first_document).astype(np.int32),
        units.starts[first].astype(np.int32),
        units.ends[last].astype(np.int32),
    )


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    first, characters = 0, 0
    for row, text in enumerate(texts):
        characters += len(text)
        if characters >= _BATCH_CHARACTERS:
            yield first, texts[first : row + 1]
            first, characters = row + 1, 0
    if first < len(texts):
        yield first, texts[first:]


@cache
def _white_space() -> NDArray[np.bool_]:
    table = np.zeros(_HIGHEST_CODE, dtype=np.bool_)
    # U+3000 is the highest white space of Unicode; a test holds this against every code point.
    table[[code for code in range(0x3001) if chr(code).isspace()]] = True
    return table
