"""The suite for chunkers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ragtally.api import Chunker, Documents, Spans
from ragtally.testing import samples
from ragtally.testing.component import ComponentSuite


class ChunkerSuite(ComponentSuite):
    """Checks a chunker on documents that are awkward to cut."""

    kind = "chunker"
    protocol = Chunker

    @pytest.fixture
    def documents(self) -> Documents:
        """The documents to cut; override it to add others."""
        return samples.documents()

    def test_chunks_are_columns_of_int32(self, build: Callable[[], Any], documents: Documents) -> None:
        """Three arrays of one length."""
        spans = build().split(documents)
        assert isinstance(spans, Spans), "`split` returns Spans"
        for name in ("document", "start", "end"):
            column = getattr(spans, name)
            assert isinstance(column, np.ndarray) and column.dtype == np.int32, f"`{name}` must be an int32 array"
            assert column.shape == (len(spans),), f"`{name}` must have one row per chunk"

    def test_chunks_lie_in_their_documents_and_are_not_empty(
        self, build: Callable[[], Any], documents: Documents
    ) -> None:
        """Offsets slice back to the text."""
        spans = build().split(documents)
        for document, start, end in zip(spans.document, spans.start, spans.end, strict=True):
            assert 0 <= document < len(documents), f"there is no document {document}"
            length = len(documents.text[document])
            assert 0 <= start < end <= length, f"[{start}, {end}) is no chunk of a document of {length} characters"

    def test_chunks_are_ordered_by_document_and_start(self, build: Callable[[], Any], documents: Documents) -> None:
        """So that a chunk's row is its identity."""
        spans = build().split(documents)
        rows = list(zip(spans.document.tolist(), spans.start.tolist(), strict=True))
        assert rows == sorted(rows), "chunks must be ordered by document and then by start"

    def test_chunks_hold_all_that_is_not_white_space(self, build: Callable[[], Any], documents: Documents) -> None:
        """Nothing is dropped between chunks."""
        spans = build().split(documents)
        for row, text in enumerate(documents.text):
            covers = np.zeros(len(text), dtype=bool)
            own = spans.document == row
            for start, end in zip(spans.start[own], spans.end[own], strict=True):
                covers[start:end] = True
            gaps = [at for at, character in enumerate(text) if not covers[at] and not character.isspace()]
            assert not gaps, f"no chunk holds the character {text[gaps[0]]!r} at {gaps[0]} of document {row}"

    def test_the_same_documents_give_the_same_chunks(self, build: Callable[[], Any], documents: Documents) -> None:
        """Twice by one chunker, and by another one of the same parameters."""
        chunker = build()
        first = _rows(chunker.split(documents))
        assert _rows(chunker.split(documents)) == first == _rows(build().split(documents)), "chunks differ"

    def test_every_document_is_cut_by_itself(self, build: Callable[[], Any], documents: Documents) -> None:
        """Whatever the others are: a large corpus is cut in stretches."""
        alone = []
        for row in range(len(documents)):
            own = slice(row, row + 1)
            names = documents.section_names
            one = Documents(
                documents.id[own],
                documents.text[own],
                documents.section_starts[own],
                documents.section_ends[own],
                None if names is None else names[own],
            )
            alone += [(row, start, end) for _, start, end in _rows(build().split(one))]
        assert alone == _rows(build().split(documents)), "a document is cut otherwise among others"

    def test_no_documents_give_no_chunks(self, build: Callable[[], Any]) -> None:
        """Still as arrays."""
        assert len(build().split(Documents([], [], [], []))) == 0, "no documents, but chunks"

    def test_documents_stay_as_they_are(self, build: Callable[[], Any], documents: Documents) -> None:
        """A chunker only reads."""
        before = copy.deepcopy(documents)
        build().split(documents)
        assert documents == before, "the chunker changed the documents"


def _rows(spans: Spans) -> list[tuple[int, int, int]]:
    return list(zip(spans.document.tolist(), spans.start.tolist(), spans.end.tolist(), strict=True))
