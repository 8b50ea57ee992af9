"""Latent semantic analysis with scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from ragtally.address import derive_seed
from ragtally.errors import DataError, SpecError

_SETTINGS: dict[str, Any] = {"dtype": np.float32, "sublinear_tf": True, "token_pattern": r"(?u)\b\w\w+\b"}
_RANK_TOLERANCE = 1e-5
_BATCH = 16_384


class LatentSemanticAnalysis:
    """TF-IDF (logarithmic term frequency, rows of length one) times the right singular vectors.

    A text that shares no word with the corpus has a zero vector. Vectors are not scaled to a length of one.
    """

    def __init__(self, dim: int, stopwords: str | None, seed: int) -> None:
        """Take the parameters.

        Args:
            dim: Dimensions of the vectors.
            stopwords: `"english"` for scikit-learn's list of words to leave out; None for none.
            seed: Seed of the randomised SVD.
        """
        self._dim, self._seed = dim, seed
        self._settings = {**_SETTINGS, "stop_words": stopwords}
        self._vectorizer: Any = None
        self._components: NDArray[np.float32] | None = None

    def fit(self, texts: Sequence[str]) -> None:
        """Learn words, weights and directions.

        Args:
            texts: All chunks of the corpus.

        Raises:
            DataError: If no chunk has a word.
            SpecError: If there are fewer chunks or words than dimensions.
        """
        vectorizer = TfidfVectorizer(**self._settings)
        try:
            matrix = vectorizer.fit_transform(texts)
        except ValueError as error:
            raise DataError(
                f"the embedder lsa finds no word (two letters or more, no stop word) in {len(texts)} chunks",
                hint="look at the dataset's documents",
            ) from error
        largest = min(matrix.shape)
        if self._dim > largest:
            raise SpecError(
                f"the embedder lsa cannot make {self._dim} dimensions of {matrix.shape[0]} chunks with "
                f"{matrix.shape[1]} different words",
                hint=f"dim: {largest} is the largest that this corpus and chunker allow",
            )
        self._vectorizer = vectorizer
        self._components = _directions(matrix, self._dim, derive_seed(self._seed, "lsa"))

    def save(self, folder: Path) -> None:
        """Write the words as JSON, their weights and the directions as `.npy`.

        Args:
            folder: An existing folder.
        """
        words = self._vectorizer.get_feature_names_out().tolist()
        (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")
        np.save(folder / "weights.npy", self._vectorizer.idf_, allow_pickle=False)
        np.save(folder / "directions.npy", self._fitted(), allow_pickle=False)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote.

        Args:
            folder: The folder that `save` was given.
        """
        words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        self._vectorizer = TfidfVectorizer(**self._settings, vocabulary={word: row for row, word in enumerate(words)})
        self._vectorizer.idf_ = np.load(folder / "weights.npy", allow_pickle=False)
        self._components = np.load(folder / "directions.npy", allow_pickle=False)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed chunks (see `ragtally.kinds.Embedder.embed_documents`)."""
        directions = self._fitted()
        vectors = np.zeros((len(texts), len(directions)), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            matrix = self._vectorizer.transform(texts[start : start + _BATCH])
            vectors[start : start + _BATCH] = matrix @ directions.T
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed questions, the same way as chunks."""
        return self.embed_documents(texts)

    def _fitted(self) -> NDArray[np.float32]:
        if self._components is None:
            raise RuntimeError("the embedder lsa is used before fit or load")
        return self._components


def _directions(matrix: Any, dim: int, seed: int) -> NDArray[np.float32]:
    if matrix.shape[1] == 1:
        return np.ones((1, 1), dtype=np.float32)
    svd = TruncatedSVD(dim, algorithm="randomized", random_state=np.random.RandomState(seed))
    # Sums split over more threads round differently, and the last directions are sensitive enough to change hits.
    # The sparse products, which take most of the time, run on one thread anyhow.
    with threadpool_limits(limits=1):
        svd.fit(matrix)
    components = np.ascontiguousarray(svd.components_, dtype=np.float32)
    # A corpus with repeated chunks has fewer directions than chunks; what is left over is rounding noise.
    components[svd.singular_values_ <= _RANK_TOLERANCE * svd.singular_values_[0]] = 0.0
    largest = np.argmax(np.abs(components), axis=1)
    signs = np.where(np.take_along_axis(components, largest[:, None], axis=1) < 0, -1.0, 1.0)
    return (components * signs).astype(np.float32)
