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
_CORPUS = "corpus.json"
_HEADER_BYTES = 128


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """What a search has to know of the whole corpus, whatever part of it an index holds."""

    chunks: int  # How many chunks there are
    mean_length: np.float64  # How many terms they have on average
    frequency: NDArray[np.int64]  # How many chunks hold each of the index's terms; int64, shape [terms]
    row: NDArray[np.int64]  # Each term's row in an index over the whole corpus, likewise


@dataclass(frozen=True, slots=True)
class TermIndex:
    """Which chunks each term stands in and how often: a matrix of terms x chunks in compressed rows (CSR)."""

    vocabulary: tuple[str, ...]  # The terms; a term's row is its number
    bounds: NDArray[np.int64]  # Where each term's pairs start, and where the last one's end; int64, shape [terms + 1]
    chunks: NDArray[np.int32]  # The chunks, ascending within a term; int32, shape [pairs]
    counts: NDArray[np.unsignedinteger]  # How often the term stands in the chunk; uint8 or uint32, shape [pairs]
    lengths: NDArray[np.int32]  # How many terms each chunk has, repeated ones counted again; int32, shape [chunks]
    corpus: CorpusStatistics

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
    return _whole(by_text.vocabulary, bounds, chunks, counts, by_text.lengths)


def _whole(
    vocabulary: tuple[str, ...],
    bounds: NDArray[np.int64],
    chunks: NDArray[np.int32],
    counts: NDArray[np.unsignedinteger],
    lengths: NDArray[np.int32],
) -> TermIndex:
    """The index of a whole corpus."""
    frequency, row = np.diff(bounds), np.arange(len(vocabulary))
    mean_length = np.float64(lengths.mean() if len(lengths) else 0)
    corpus = CorpusStatistics(len(lengths), mean_length, frequency, row)
    return TermIndex(vocabulary, bounds, chunks, counts, lengths, corpus)


def load_index(folder: Path) -> TermIndex:
    """Map what `TermIndex.save` wrote into memory."""
    return _whole(_vocabulary(folder), *_columns(folder))


def load_part(folder: Path, shared: Path, number: int) -> TermIndex:
    """Map the index of a part of a corpus into memory, with what `share_statistics` wrote of all parts."""
    corpus = json.loads((shared / _CORPUS).read_text(encoding="utf-8"))
    frequency, row = (_map(shared / f"{name}-{number}.npy") for name in ("frequency", "row"))
    mean_length = np.float64(corpus["terms"] / max(1, corpus["chunks"]))
    statistics = CorpusStatistics(corpus["chunks"], mean_length, frequency, row)
    bounds, chunks, counts, lengths = _columns(folder)
    return TermIndex(_vocabulary(folder), bounds, chunks, counts, lengths, statistics)


def share_statistics(parts: Sequence[Path], folder: Path) -> None:
    """Write what a search in any part has to know of the corpus; a part at a time is looked at."""
    rows: dict[str, int] = {}
    frequency, chunks, terms = np.zeros(0, np.int64), 0, 0
    for number, part in enumerate(parts):
        # Terms are numbered in order of their first occurrence in the corpus, as a single index does.
        own = np.fromiter((rows.setdefault(term, len(rows)) for term in _vocabulary(part)), np.int64)
        np.save(folder / f"row-{number}.npy", own, allow_pickle=False)
        frequency = np.concatenate([frequency, np.zeros(len(rows) - len(frequency), np.int64)])
        frequency[own] += np.diff(_map(part / "bounds.npy"))
        lengths = _map(part / "lengths.npy")
        chunks, terms = chunks + len(lengths), terms + int(lengths.sum(dtype=np.int64))
    for number in range(len(parts)):
        own = np.load(folder / f"row-{number}.npy", allow_pickle=False)
        np.save(folder / f"frequency-{number}.npy", frequency[own], allow_pickle=False)
    (folder / _CORPUS).write_text(json.dumps({"chunks": chunks, "terms": terms}), encoding="utf-8")


def _columns(folder: Path) -> list[NDArray[Any]]:
    return [_map(folder / f"{name}.npy") for name in _COLUMNS]


def _vocabulary(folder: Path) -> tuple[str, ...]:
    return tuple(json.loads((folder / "terms.json").read_text(encoding="utf-8")))


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

    def share(self, parts: Sequence[Path], folder: Path) -> None:
        """Write how many chunks hold each term (see `ragtally.api.ShardedRetriever.share`)."""
        share_statistics(parts, folder)

    def load_part(
        self, folder: Path, shared: Path, number: int, passages: Passages, vectors: NDArray[np.float32] | None
    ) -> None:
        """Map a part into memory."""
        self._index = load_part(folder, shared, number)


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
    frequency = index.corpus.frequency[term]
    # In a part of a corpus too, terms are added up in the order in which a search of all of it adds them.
    order = np.lexsort((index.corpus.row[term], frequency, question))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(question, minlength=len(texts)))])
    in_bulk = len(index.chunks) + int(np.diff(index.bounds)[term].sum()) // _PAIRS_PER_WEIGHT > MANY
    return TermQueries(bounds, term[order], times[order], counts.sizes.astype(np.int64), in_bulk)
