"""An index from terms to the chunks that hold them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ragtally import Passages
from ragtally_lexical.counting import TermCounts, count_terms
from ragtally_lexical.tokens import Tokenizer

# From how many pairs of term and chunk on compiled loops are worth loading.
MANY = 1 << 22

_COLUMNS = ("bounds", "chunks", "counts", "lengths")
_HEADER_BYTES = 128


@dataclass(frozen=True, slots=True)
class TermIndex:
    """Which chunks each term stands in and how often: a matrix of terms x chunks in compressed rows (CSR)."""

    vocabulary: tuple[str, ...]  # The terms; a term's row is its number
    bounds: NDArray[np.int64]  # Where each term's pairs start, and where the last one's end; int64, shape [terms + 1]
    chunks: NDArray[np.int32]  # The chunks, ascending within a term; int32, shape [pairs]
    counts: NDArray[np.unsignedinteger]  # How often the term stands in the chunk; uint8 or uint32, shape [pairs]
    lengths: NDArray[np.int32]  # How many terms each chunk has, repeated ones counted again; int32, shape [chunks]

    def save(self, folder: Path) -> None:
        """Write the terms as JSON and the rest as `.npy`."""
        (folder / "terms.json").write_text(json.dumps(self.vocabulary), encoding="utf-8")
        for name in _COLUMNS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)


def index_texts(texts: Sequence[str], tokenizer: Tokenizer) -> TermIndex:
    """Make an index."""
    by_text = count_terms(texts, tokenizer)
    frequency = np.bincount(by_text.term, minlength=len(by_text.vocabulary))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(frequency)])
    invert = _invert_in_bulk if len(by_text.term) > MANY else _invert
    chunks, counts = invert(by_text, bounds)
    return TermIndex(by_text.vocabulary, bounds, chunks, counts, by_text.lengths)


def load_index(folder: Path) -> TermIndex:
    """Map what `TermIndex.save` wrote into memory."""
    vocabulary = tuple(json.loads((folder / "terms.json").read_text(encoding="utf-8")))
    return TermIndex(vocabulary, *(_map(folder / f"{name}.npy") for name in _COLUMNS))


def _map(path: Path) -> NDArray[Any]:
    # An array without a single number cannot be mapped.
    mode: Literal["r"] | None = "r" if path.stat().st_size > _HEADER_BYTES else None
    return np.asarray(np.load(path, allow_pickle=False, mmap_mode=mode))


def _invert(by_text: TermCounts, bounds: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.unsignedinteger]]:
    order = np.argsort(by_text.term, kind="stable")
    chunk = np.repeat(np.arange(len(by_text.sizes), dtype=np.int32), by_text.sizes)
    return chunk[order], by_text.count[order]


def _invert_in_bulk(
    by_text: TermCounts, bounds: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.unsignedinteger]]:
    from ragtally_lexical.posting_kernels import invert

    chunks, counts = np.empty_like(by_text.term), np.empty_like(by_text.count)
    invert(by_text.term, by_text.count, by_text.sizes, bounds[:-1].copy(), chunks, counts)
    return chunks, counts


class IndexedRetriever:
    """A retriever that keeps an index of terms; how it searches is a subclass's."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._index: TermIndex | None = None

    @property
    def index(self) -> TermIndex:
        if self._index is None:
            raise RuntimeError("a retriever is used before add or load")
        return self._index

    def add(self, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        """Index the corpus (see `ragtally.api.Retriever.add`)."""
        self._index = index_texts(passages.text, self.tokenizer)

    def save(self, folder: Path) -> None:
        """Write the terms as JSON and where they stand as `.npy`."""
        self.index.save(folder)

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None) -> None:
        """Map what `save` wrote into memory."""
        self._index = load_index(folder)


# How many pairs a search adds up in the time that it takes to weigh one.
_PAIRS_PER_WEIGHT = 8


@dataclass(frozen=True, slots=True)
class TermQueries:
    """The terms of questions, one question's after the other's; within a question those with few chunks first."""

    # Where each question's terms start, and where the last one's end; int64, shape [questions + 1].
    bounds: NDArray[np.int64]
    term: NDArray[np.int64]  # Rows of the index's terms, each once per question; int64, shape [pairs]
    times: NDArray[np.float64]  # How often the term stands in the question; float64, shape [pairs]
    # How many different terms each question has, those that the index does not know among them; int64, shape
    # [questions].
    sizes: NDArray[np.int64]
    in_bulk: bool  # Whether compiled loops are worth loading for the search

    def __len__(self) -> int:
        return len(self.sizes)


def find_terms(index: TermIndex, texts: Sequence[str], tokenizer: Tokenizer) -> TermQueries:
    """Look the terms of questions up in an index."""
    counts = count_terms(texts, tokenizer)
    row_of = {term: row for row, term in enumerate(index.vocabulary)}
    rows = np.array([row_of.get(term, -1) for term in counts.vocabulary], np.int64)
    question = np.repeat(np.arange(len(texts)), counts.sizes)
    term, times = rows[counts.term], counts.count.astype(np.float64)
    in_index = term >= 0
    question, term, times = question[in_index], term[in_index], times[in_index]
    frequency = np.diff(index.bounds)[term]
    order = np.lexsort((term, frequency, question))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(question, minlength=len(texts)))])
    in_bulk = len(index.chunks) + int(frequency.sum()) // _PAIRS_PER_WEIGHT > MANY
    return TermQueries(bounds, term[order], times[order], counts.sizes.astype(np.int64), in_bulk)
