"""Feature hashing: scikit-learn counts, a seeded table picks dimensions and signs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer

from ragtally import derive_seed

# Where terms are counted before they are put together: so many that hardly two of a text share one.
_BUCKETS = 2**20
_NOISE = 1e-5
_BATCH = 2048


class Hashing:
    """Counts terms, weighs the counts, adds each weight to its term's dimension with its term's sign, scales to
    one.
    """

    # The signs make the products of two texts' vectors right on average, whatever falls together. A text without
    # terms has a zero vector.

    def __init__(
        self,
        dim: int,
        analyzer: str,
        ngram_range: tuple[int, int],
        term_frequency: str,
        stopwords: str | None,
        seed: int,
    ) -> None:
        self._dim, self._log = dim, term_frequency == "log"
        self._counter = HashingVectorizer(
            n_features=_BUCKETS,
            analyzer=analyzer,
            ngram_range=ngram_range,
            stop_words=stopwords if analyzer == "word" else None,
            alternate_sign=False,
            norm=None,
            dtype=np.float32,
        )
        draw = np.random.default_rng(derive_seed(seed, "hashing"))
        dimension = draw.integers(dim, size=_BUCKETS, dtype=np.int32)
        sign = draw.integers(2, size=_BUCKETS, dtype=np.int8).astype(np.float32) * 2 - 1
        self._projection = csr_matrix((sign, dimension, np.arange(_BUCKETS + 1)), shape=(_BUCKETS, dim))

    def fit(self, texts: Sequence[str]) -> None:
        """Learn nothing."""

    def save(self, folder: Path) -> None:
        """Write nothing."""

    def load(self, folder: Path) -> None:
        """Read nothing."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed chunks (see `ragtally.api.Embedder.embed_documents`)."""
        vectors = np.empty((len(texts), self._dim), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            end = min(start + _BATCH, len(texts))
            vectors[start:end] = self._embed([texts[row] for row in range(start, end)])
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions, the same way as chunks."""
        return self.embed_documents(texts)

    def _embed(self, texts: list[str]) -> Any:
        counts = self._counter.transform(texts)
        if self._log:
            counts.data = np.log(counts.data) + np.float32(1)
        sums = counts @ self._projection
        # What terms of opposite signs leave where they cancel out is rounding noise.
        sums.data[np.abs(sums.data) < _NOISE] = 0
        vectors = sums.toarray()
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(length > 0, length, 1)
