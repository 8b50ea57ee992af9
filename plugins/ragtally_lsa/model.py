"""Latent semantic analysis with scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfTransformer
from threadpoolctl import threadpool_limits

from ragtally import DataError, SpecError, derive_seed
from ragtally_lsa.words import WordCounter, batches, learn

_RANK_TOLERANCE = 1e-5

# How many a corpus that allows them gets where none are stated; the default of `dim`.
_MOST_DIMENSIONS = 256


class LatentSemanticAnalysis:
    """TF-IDF (logarithmic term frequency, rows of length one) times the right singular vectors."""

    # A text that shares no word with the corpus has a zero vector. Vectors are not scaled to a length of one. The
    # weights are scikit-learn's: (1 + ln tf) (1 + ln((1 + n) / (1 + df))) of n chunks, df of which have the word.

    def __init__(
        self, dim: int | None, stopwords: str | None, fit_chunks: int | None, seed: int, *, has_signs: bool = False
    ) -> None:
        self._dim, self._fit_chunks, self._seed = dim, fit_chunks, seed
        self._leave_out = ENGLISH_STOP_WORDS if stopwords == "english" else frozenset()
        self._weighting = TfidfTransformer(sublinear_tf=True)
        self._has_signs = has_signs
        self._words = self._counter([])
        # By rows of words, [words, dimensions]: a sparse product reads it row by row, and copies any other layout.
        self._directions: NDArray[np.float32] | None = None

    def fit(self, texts: Sequence[str]) -> None:
        """Learn words, weights and directions."""
        rows = self._sample(len(texts))
        limits = "corpus and chunker" if rows is None else "corpus, chunker and fit_chunks"
        corpus = learn(batches(texts, rows), self._leave_out, has_signs=self._has_signs)
        chunks, words = corpus.counts.shape
        if not words:
            raise DataError(
                f"the embedder lsa finds no word (two letters or more, no stop word) in {chunks} chunks",
                hint="look at the dataset's documents",
            )
        largest = min(chunks, words)
        dim = min(_MOST_DIMENSIONS, largest) if self._dim is None else self._dim
        if dim > largest:
            raise SpecError(
                f"the embedder lsa cannot make {dim} dimensions of {chunks} chunks with {words} different words",
                hint=f"dim: {largest} is the largest that this {limits} allow",
            )
        matrix = self._weighting.fit_transform(corpus.counts)
        self._words = self._counter(corpus.words)
        directions = _directions(matrix, dim, derive_seed(self._seed, "lsa"))
        self._directions = np.ascontiguousarray(directions.T)

    def save(self, folder: Path) -> None:
        """Write the words as JSON, their weights and the directions as `.npy`."""
        directions = np.ascontiguousarray(self._directions_or_error().T)
        (folder / "words.json").write_text(json.dumps(self._words.words), encoding="utf-8")
        np.save(folder / "weights.npy", self._weighting.idf_, allow_pickle=False)
        np.save(folder / "directions.npy", directions, allow_pickle=False)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self._words = self._counter(json.loads((folder / "words.json").read_text(encoding="utf-8")))
        self._weighting.idf_ = np.load(folder / "weights.npy", allow_pickle=False)
        directions = np.load(folder / "directions.npy", allow_pickle=False)
        self._directions = np.ascontiguousarray(directions.T)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed chunks (see `ragtally.api.Embedder.embed_documents`)."""
        directions = self._directions_or_error()
        vectors = np.empty((len(texts), directions.shape[1]), dtype=np.float32)
        start = 0
        for batch in batches(texts):
            matrix = self._weighting.transform(self._words.count(batch), copy=False)
            vectors[start : start + len(batch)] = matrix @ directions
            start += len(batch)
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions, the same way as chunks."""
        return self.embed_documents(texts)

    def _counter(self, words: Sequence[str]) -> WordCounter:
        return WordCounter(words, has_signs=self._has_signs)

    def _sample(self, chunks: int) -> list[int] | None:
        if self._fit_chunks is None or chunks <= self._fit_chunks:
            return None
        draw = np.random.default_rng(derive_seed(self._seed, "lsa", "fit_chunks"))
        rows: list[int] = np.sort(draw.choice(chunks, self._fit_chunks, replace=False)).tolist()
        return rows

    def _directions_or_error(self) -> NDArray[np.float32]:
        if self._directions is None:
            raise RuntimeError("the embedder lsa is used before fit or load")
        return self._directions


def _directions(matrix: Any, dim: int, seed: int) -> NDArray[np.float32]:
    if matrix.shape[1] == 1:
        return np.ones((1, 1), dtype=np.float32)
    svd = TruncatedSVD(dim, algorithm="randomized", random_state=np.random.RandomState(seed))
    # Sums split over more threads round differently, and the last directions are sensitive enough to change hits.
    # The sparse products, which take most of the time, run on one thread anyway.
    with threadpool_limits(limits=1):
        svd.fit(matrix)
    components = np.ascontiguousarray(svd.components_, dtype=np.float32)
    # A corpus with repeated chunks has fewer directions than chunks; what is left over is rounding noise.
    components[svd.singular_values_ <= _RANK_TOLERANCE * svd.singular_values_[0]] = 0.0
    largest = np.argmax(np.abs(components), axis=1)
    signs = np.where(np.take_along_axis(components, largest[:, None], axis=1) < 0, -1.0, 1.0)
    return (components * signs).astype(np.float32)
