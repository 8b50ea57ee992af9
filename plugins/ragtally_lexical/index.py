"""An index from terms to the chunks that hold them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

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
    counted = count_terms(texts, tokenizer)
    held = np.bincount(counted.term, minlength=len(counted.vocabulary))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(held)])
    turn_round = _turn_round_in_bulk if len(counted.term) > MANY else _turn_round
    chunks, counts = turn_round(counted, bounds)
    return TermIndex(counted.vocabulary, bounds, chunks, counts, counted.lengths)


def load_index(folder: Path) -> TermIndex:
    """Map what `TermIndex.save` wrote into memory."""
    vocabulary = tuple(json.loads((folder / "terms.json").read_text(encoding="utf-8")))
    return TermIndex(vocabulary, *(_mapped(folder / f"{name}.npy") for name in _COLUMNS))


def _mapped(path: Path) -> NDArray[Any]:
    # An array without a single number cannot be mapped.
    mode: Literal["r"] | None = "r" if path.stat().st_size > _HEADER_BYTES else None
    return np.asarray(np.load(path, allow_pickle=False, mmap_mode=mode))


def _turn_round(
    counted: TermCounts, bounds: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.unsignedinteger]]:
    order = np.argsort(counted.term, kind="stable")
    chunk = np.repeat(np.arange(len(counted.sizes), dtype=np.int32), counted.sizes)
    return chunk[order], counted.count[order]


def _turn_round_in_bulk(
    counted: TermCounts, bounds: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.unsignedinteger]]:
    from ragtally_lexical.posting_kernels import turn_round

    chunks, counts = np.empty_like(counted.term), np.empty_like(counted.count)
    turn_round(counted.term, counted.count, counted.sizes, bounds[:-1].copy(), chunks, counts)
    return chunks, counts
