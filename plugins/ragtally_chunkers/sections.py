"""Chunkers that take what the dataset gives: its sections, or whole documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ragtally import Documents, Spans


class Sections:
    """Cuts documents into their own sections; text outside of them becomes chunks too."""

    def split(self, documents: Documents) -> Spans:
        """Cut every document (see `ragtally.api.Chunker.split`)."""
        return _spans(
            documents.text,
            (
                _with_gaps(sorted(zip(starts, ends, strict=True)), len(text))
                for text, starts, ends in zip(
                    documents.text, documents.section_starts, documents.section_ends, strict=True
                )
            ),
        )


class Whole:
    """Leaves documents as they are."""

    def split(self, documents: Documents) -> Spans:
        """Make each document one chunk (see `ragtally.api.Chunker.split`)."""
        # White space at the ends stays: where the evidence is the document, its chunk holds all of it.
        rows = [row for row, text in enumerate(documents.text) if text.strip()]
        ends = [len(documents.text[row]) for row in rows]
        return Spans(np.array(rows, np.int32), np.zeros(len(rows), np.int32), np.array(ends, np.int32))


def _with_gaps(sections: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    covered_to = 0
    for start, end in sections:
        if start > covered_to:
            yield covered_to, start
        yield start, end
        covered_to = max(covered_to, end)
    if covered_to < length:
        yield covered_to, length


def _spans(texts: Sequence[str], pieces: Iterable[Iterable[tuple[int, int]]]) -> Spans:
    documents: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    for row, (text, spans) in enumerate(zip(texts, pieces, strict=True)):
        spans_of_text: dict[tuple[int, int], None] = {}
        for start, end in spans:
            piece = text[start:end]
            words = piece.strip()
            if words:
                first = start + len(piece) - len(piece.lstrip())
                spans_of_text[first, first + len(words)] = None
        # Trimmed sections that overlap may have changed places, and equal ones are one chunk.
        for first, past in sorted(spans_of_text):
            documents.append(row)
            starts.append(first)
            ends.append(past)
    return Spans(np.array(documents, np.int32), np.array(starts, np.int32), np.array(ends, np.int32))
