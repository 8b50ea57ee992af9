"""What a collection is made of, and how it is searched."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally import Passages, PluginError

Vectors = NDArray[np.float32]

# Part of every collection's name: to be raised whenever the same chunks would be written differently.
FORMAT = 1
PREFIX = "Ragtally_"
_ROWS = 4096
_SHORTEST = 1e-30
# Marks a UUID as one of a form of its own (RFC 9562, version 8).
_VERSION_AND_VARIANT = (8 << 76) | (0b10 << 62)


@dataclass(frozen=True, slots=True)
class Design:
    """What decides the outcome of a search and is fixed when the collection is made; see the parameters."""

    distance: str
    index: str
    ef_construction: int
    max_connections: int
    tokenization: str
    stopwords: str
    k1: float
    b: float


@dataclass(frozen=True, slots=True)
class Search:
    """How a collection is searched; see the parameters."""

    mode: str
    ef: int | None
    alpha: float | None
    fusion: str
    depth: int


class Inventory:
    """Which objects a collection holds, by the hash of their contents."""

    def __init__(self, digest: str, chunks: int) -> None:
        self.digest, self._chunks = digest, chunks
        self._upper = int(digest[:16], 16) << 64 & ~(0xF << 76)

    def __len__(self) -> int:
        return self._chunks

    @property
    def name(self) -> str:
        """The collection's name."""
        return f"{PREFIX}{self.digest}"

    def identifier(self, row: int) -> uuid.UUID:
        """Return the UUID of a chunk: it holds the row, and is the same whenever the chunk is written."""
        return uuid.UUID(int=self._upper | _VERSION_AND_VARIANT | row)

    def row(self, identifier: uuid.UUID) -> int | None:
        """Return the row of the chunk with a UUID; None for a UUID that is not from this collection."""
        row = identifier.int & ((1 << 62) - 1)
        return row if row < len(self) and self.identifier(row) == identifier else None


class Contents(Inventory):
    """Everything that a collection holds, and the name that follows from it."""

    def __init__(self, passages: Passages, vectors: Vectors | None, design: Design, build: int = 1) -> None:
        if vectors is not None and (vectors.ndim != 2 or len(vectors) != len(passages)):
            raise PluginError(f"the embedder gives vectors of shape {list(vectors.shape)} for {len(passages)} chunks")
        self.passages, self.vectors, self.design, self.build = passages, vectors, design, build
        super().__init__(self._hash(), len(passages))

    @property
    def compares_vectors(self) -> bool:
        """Whether the chunks have vectors."""
        return self.vectors is not None

    def vector(self, row: int) -> Vectors | None:
        """Return the vector to store for a chunk; None for one that has none, or a zero vector."""
        return None if self.vectors is None else _comparable(self.vectors[row], self.design.distance)

    def _hash(self) -> str:
        digest = hashlib.blake2b(digest_size=20)
        about = {"format": FORMAT, "chunks": len(self.passages), **asdict(self.design)}
        if self.build > 1:
            about["build"] = self.build
        digest.update(json.dumps(about, sort_keys=True).encode())
        for text in self.passages.text:
            content = text.encode()
            digest.update(len(content).to_bytes(8, "little") + content)
        for block in _blocks(self.vectors):
            digest.update(block.astype("<f4").tobytes())
        return digest.hexdigest()


def comparable_vector(vector: Vectors, distance: str) -> list[float] | None:
    """Turn a vector into what Weaviate compares."""
    comparable = _comparable(vector, distance)
    return None if comparable is None else comparable.tolist()


def _comparable(vector: Vectors, distance: str) -> Vectors | None:
    if float(np.abs(vector).max(initial=0.0)) < _SHORTEST:
        return None
    return (vector > 0).astype("<f4") if distance == "hamming" else vector.astype("<f4", copy=False)


def _blocks(vectors: Vectors | None) -> Iterator[Vectors]:
    for start in range(0, 0 if vectors is None else len(vectors), _ROWS):
        assert vectors is not None
        block = vectors[start : start + _ROWS]
        for row in np.flatnonzero(~np.isfinite(block).all(axis=1))[:1]:
            raise PluginError(f"the embedder gives a vector with NaN or infinity for the chunk in row {start + row}")
        yield block
