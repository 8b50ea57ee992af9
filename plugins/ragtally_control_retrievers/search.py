"""The control retrievers `oracle` and `random`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragtally import Hits, Passages, PluginError, Queries, Spans, derive_seed
from ragtally.support.ranking import RankedRows, best_rows, no_hits, write_hits


class Oracle:
    """Ranks chunks by how many characters of the question's evidence they hold; a chunk with none is no hit."""

    def __init__(self) -> None:
        nothing = np.zeros(0, np.int32)
        self._spans = Spans(nothing, nothing, nothing)

    def add(self, passages: Passages, vectors: NDArray[np.float32] | None = None) -> None:
        """Keep where the chunks stand (see `ragtally.api.Retriever.add`)."""
        self._spans = passages.spans

    def save(self, folder: Path) -> None:
        """Write nothing: where the chunks stand is given to `load` again."""

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None = None) -> None:
        """Keep where the chunks stand (see `ragtally.api.Retriever.load`)."""
        self._spans = passages.spans

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the chunks with the evidence (see `ragtally.api.Retriever.search`)."""
        evidence = queries.evidence
        if evidence is None:
            raise PluginError("the retriever oracle needs the questions' evidence and was given none")
        hits = no_hits(len(queries), limit)
        bounds = np.searchsorted(evidence.question, np.arange(len(queries) + 1))
        for question in range(len(queries)):
            of_question = slice(bounds[question], bounds[question + 1])
            characters_of: dict[int, int] = {}
            for document, start, end in _merge(
                evidence.document[of_question], evidence.start[of_question], evidence.end[of_question]
            ):
                self._hold(characters_of, document, start, end)
            rows = np.fromiter(characters_of.keys(), np.int64, len(characters_of))
            characters = np.fromiter(characters_of.values(), np.float64, len(characters_of))
            write_hits(hits, question, best_rows(characters, rows, limit))
        return hits

    def _hold(self, characters_of: dict[int, int], document: int, start: int, end: int) -> None:
        first, past = np.searchsorted(self._spans.document, [document, document + 1])
        overlap = np.minimum(self._spans.end[first:past], end) - np.maximum(self._spans.start[first:past], start)
        for row in np.flatnonzero(overlap > 0).tolist():
            characters_of[int(first) + row] = characters_of.get(int(first) + row, 0) + int(overlap[row])


class Random:
    """Draws chunks by lot, for each question its own."""

    # The draw depends on the seed, the question's id and the number of chunks alone, and the first k are the same
    # whatever larger number is asked for. The score is one over the rank.

    def __init__(self, seed: int) -> None:
        self._seed, self._chunks = seed, 0

    def add(self, passages: Passages, vectors: NDArray[np.float32] | None = None) -> None:
        """Count the chunks (see `ragtally.api.Retriever.add`)."""
        self._chunks = len(passages)

    def save(self, folder: Path) -> None:
        """Write nothing: the chunks are given to `load` again."""

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None = None) -> None:
        """Count the chunks (see `ragtally.api.Retriever.load`)."""
        self._chunks = len(passages)

    def search(self, queries: Queries, limit: int) -> Hits:
        """Draw chunks for each question (see `ragtally.api.Retriever.search`)."""
        hits = no_hits(len(queries), limit)
        for row, question in enumerate(queries.id):
            rows = self._draw(question, min(limit, self._chunks))
            write_hits(hits, row, RankedRows(rows, (1 / np.arange(1, len(rows) + 1)).astype(np.float32)))
        return hits

    def _draw(self, question: str, count: int) -> NDArray[np.int32]:
        generator = np.random.default_rng(derive_seed(self._seed, "random", question, self._chunks))
        picks = generator.integers(np.arange(count), self._chunks).tolist()
        # Fisher and Yates's shuffle as far as it is needed; only the moved places are written down.
        swaps: dict[int, int] = {}
        rows = []
        for position, pick in enumerate(picks):
            rows.append(swaps.get(pick, pick))
            swaps[pick] = swaps.get(position, position)
        return np.array(rows, dtype=np.int32)


def _merge(
    documents: NDArray[np.int32], starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> list[tuple[int, int, int]]:
    merged: list[tuple[int, int, int]] = []
    for document, start, end in sorted(zip(documents.tolist(), starts.tolist(), ends.tolist(), strict=True)):
        if merged and merged[-1][0] == document and start <= merged[-1][2]:
            merged[-1] = (document, merged[-1][1], max(merged[-1][2], end))
        else:
            merged.append((document, start, end))
    return merged
