"""A BM25 index: bm25s tokenises and scores, a sparse product searches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import Stemmer
from bm25s import BM25
from bm25s.tokenization import Tokenizer
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ragtally.kinds.ranking import best_rows, no_hits, write_hits
from ragtally.types import Hits, Passages, Queries

_SCORES_AT_ONCE = 1 << 23


class Bm25:
    """BM25 with every score worked out when the index is made.

    A chunk's score is the sum of its words' scores over the question's words, a repeated word counting as often
    as it stands in the question. Chunks without a score above zero are no hits. Formulas: Kamphuis, de Vries,
    Boytsov and Lin (2020), "Which BM25 do you mean?"; index: Lù (2024), "BM25S".
    """

    def __init__(self, *, k1: float, b: float, method: str, stemmer: str | None, stopwords: str | None) -> None:
        """Take the parameters.

        Args:
            k1: Saturation of term frequency, 0 or more.
            b: Normalisation by chunk length, 0 to 1.
            method: Variant of the formula, `"lucene"`, `"robertson"` or `"atire"`.
            stemmer: Language of PyStemmer's stemmer; None for none.
            stopwords: Language of bm25s's stop words; None for none.
        """
        self._scoring = {"k1": k1, "b": b, "method": method}
        self._stems = stemmer is not None
        self._tokenizer = Tokenizer(stopwords=stopwords, stemmer=Stemmer.Stemmer(stemmer) if stemmer else None)
        self._index = csr_matrix((0, 0), dtype=np.float32)

    def add(self, passages: Passages, vectors: NDArray[np.float32] | None = None) -> None:
        """Index the corpus (see `ragtally.kinds.Retriever.add`)."""
        self._tokenizer.reset_vocab()
        tokens = self._tokenize(passages.text, learn=True)
        words, chunks = len(self._vocabulary()), len(passages)
        if not words:
            self._index = csr_matrix((0, chunks), dtype=np.float32)
            return
        # `build_index_from_ids` is what `BM25.index` calls, without its log lines and its extra empty word.
        scores = BM25(**self._scoring, csc_backend="scipy").build_index_from_ids(
            unique_token_ids=list(range(words)), corpus_token_ids=tokens, show_progress=False
        )
        # The columns of chunks x words are the rows of words x chunks.
        arrays = (scores["data"], scores["indices"], scores["indptr"])
        self._index = csr_matrix(arrays, shape=(words, chunks), copy=False)
        self._index.sort_indices()

    def save(self, folder: Path) -> None:
        """Write the words as JSON and the scores as `.npy`.

        Args:
            folder: An existing folder.
        """
        words = {"chunks": self._index.shape[1], "words": list(self._vocabulary())}
        (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")
        for name in ("data", "indices", "indptr"):
            np.save(folder / f"{name}.npy", getattr(self._index, name), allow_pickle=False)

    def load(self, folder: Path, passages: Passages, vectors: NDArray[np.float32] | None = None) -> None:
        """Read what `save` wrote.

        Args:
            folder: The folder that `save` was given.
            passages: What `add` was given.
            vectors: Likewise.
        """
        words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        self._tokenizer.reset_vocab()
        self._vocabulary().update((word, row) for row, word in enumerate(words["words"]))
        arrays = tuple(np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("data", "indices", "indptr"))
        self._index = csr_matrix(arrays, shape=(len(words["words"]), words["chunks"]), copy=False)

    def search(self, queries: Queries, limit: int) -> Hits:
        """Find the best chunks for each question (see `ragtally.kinds.Retriever.search`)."""
        hits = no_hits(len(queries), limit)
        counts = self._count_words(queries.text)
        for first, past in self._batches(counts):
            scores = counts[first:past] @ self._index
            for row in range(past - first):
                held = slice(scores.indptr[row], scores.indptr[row + 1])
                values, chunks = scores.data[held], scores.indices[held]
                if not values.all():
                    chunks, values = chunks[values > 0], values[values > 0]
                write_hits(hits, first + row, best_rows(values, chunks, limit))
        return hits

    def _count_words(self, texts: Sequence[str]) -> Any:
        tokens = self._tokenize(texts, learn=False)
        ends = np.cumsum([0, *map(len, tokens)])
        flat = np.fromiter((word for question in tokens for word in question), np.int32, ends[-1])
        counts = csr_matrix((np.ones(len(flat), np.float32), flat, ends), shape=(len(texts), self._index.shape[0]))
        counts.sum_duplicates()
        return counts

    def _batches(self, counts: Any) -> Iterator[tuple[int, int]]:
        # At most so many scores come out of a question as its words have chunks: that bounds the memory.
        held = np.diff(self._index.indptr)[counts.indices].astype(np.int64)
        sizes = np.diff(np.append(0, np.cumsum(held))[counts.indptr]) if len(held) else np.zeros(counts.shape[0])
        first, total = 0, 0
        for row, size in enumerate(sizes.tolist()):
            if row > first and total + size > _SCORES_AT_ONCE:
                yield first, row
                first, total = row, 0
            total += size
        if first < counts.shape[0]:
            yield first, counts.shape[0]

    def _tokenize(self, texts: Sequence[str], *, learn: bool) -> list[list[int]]:
        return list(self._tokenizer.streaming_tokenize(texts, update_vocab=learn, allow_empty=False))

    def _vocabulary(self) -> dict[str, int]:
        vocabulary: dict[str, int] = self._tokenizer.get_vocab_dict()
        return vocabulary
