"""The embedder lsa: the truncated SVD of a TF-IDF matrix, the same on every run."""

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from ragtally.api import DataError, Embedder, SpecError, derive_seed
from ragtally_lsa import register_embedders
from ragtally_lsa.words import WordCounter, batches, learn

(COMPONENT,) = register_embedders()


def build(dim: int, seed: int = 3, stopwords: str | None = None, fit_chunks: int | None = 100_000) -> Embedder:
    return COMPONENT.build(dim=dim, seed=seed, stopwords=stopwords, fit_chunks=fit_chunks)


def corpus(count: int = 60) -> list[str]:
    draw = random.Random(5)
    words = [f"word{number}" for number in range(90)]
    return [" ".join(draw.choices(words, k=draw.randint(5, 25))) for _ in range(count)]


def independent_tfidf(texts: list[str]) -> np.ndarray:
    """scikit-learn's documented formulas: (1 + ln tf) * (ln((1 + n) / (1 + df)) + 1), rows of length one."""
    words = sorted({word for text in texts for word in text.split()})
    counts = np.array([[text.split().count(word) for word in words] for text in texts], float)
    weights = np.log((1 + len(texts)) / (1 + (counts > 0).sum(0))) + 1
    matrix = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * weights
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_similarities_are_those_of_a_full_svd() -> None:
    texts = corpus()
    embedder = build(dim=60)
    embedder.fit(texts)
    vectors = embedder.embed_documents(texts)
    matrix = independent_tfidf(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (60, 60)
    np.testing.assert_allclose(vectors @ vectors.T, matrix @ matrix.T, atol=1e-5)


def test_directions_are_the_leading_singular_vectors() -> None:
    texts = corpus()
    embedder = build(dim=5)
    embedder.fit(texts)
    vectors = embedder.embed_documents(texts).astype(float)
    left, singular, _ = np.linalg.svd(independent_tfidf(texts))
    expected = left[:, :5] * singular[:5]
    # The randomised SVD approximates; the first direction is well apart from the others.
    np.testing.assert_allclose(np.abs(vectors[:, 0]), np.abs(expected[:, 0]), atol=1e-3)
    np.testing.assert_allclose((vectors**2).sum(), (expected**2).sum(), rtol=0.02)


def test_queries_embed_like_documents_and_unknown_words_give_zero() -> None:
    embedder = build(dim=8)
    embedder.fit(corpus())
    vectors = embedder.embed_queries(["word1 WORD2", "never heard of", ""])
    np.testing.assert_array_equal(vectors[:1], embedder.embed_documents(["word1 word2"]))
    assert vectors[0].any()
    assert not vectors[1:].any()
    assert embedder.embed_documents([]).shape == (0, 8)


def test_stop_words_are_left_out() -> None:
    texts = ["the and of cells", "the and of mice", "the mice"]
    embedder = build(dim=1, stopwords="english")
    embedder.fit(texts)
    assert not embedder.embed_queries(["the and of"]).any()


class Lazy(Sequence[str]):
    """Texts that are there one at a time, and remember which were looked at."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self.rows: list[int] = []

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, row: Any) -> Any:
        assert type(row) is int, "a lazy sequence is asked for one text at a time"
        self.rows.append(row)
        return self._texts[row]


@pytest.mark.parametrize("stopwords", ["english", None])
def test_all_is_as_scikit_learn_has_it_to_the_bit(stopwords: str | None, tmp_path: Path) -> None:
    texts = [*corpus(300), "The word1 of WORD2, \u00e4 \u2265 word3\u00b7w\u00f6rd4", ""] * 10
    embedder = build(dim=20, stopwords=stopwords)
    embedder.fit(texts)
    vectorizer = TfidfVectorizer(dtype=np.float32, sublinear_tf=True, stop_words=stopwords)
    state = np.random.RandomState(derive_seed(3, "lsa"))
    svd = TruncatedSVD(20, random_state=state).fit(vectorizer.fit_transform(texts))
    directions = svd.components_ * np.sign([row[np.argmax(np.abs(row))] for row in svd.components_])[:, None]
    np.testing.assert_array_equal(embedder.embed_documents(texts), vectorizer.transform(texts) @ directions.T)
    embedder.save(tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "weights.npy"), vectorizer.idf_)


def test_a_large_corpus_is_learnt_from_a_part_drawn_by_the_seed() -> None:
    texts = Lazy(corpus(500))
    embedder = build(dim=5, fit_chunks=100)
    embedder.fit(texts)
    part = list(texts.rows)
    assert len(set(part)) == 100
    assert part == sorted(part)
    assert part[0] < 50 and part[-1] > 450
    vectors = embedder.embed_documents(texts)
    of_part = build(dim=5)
    of_part.fit([texts[row] for row in part])
    np.testing.assert_array_equal(of_part.embed_documents(texts), vectors)
    again, other = Lazy(corpus(500)), Lazy(corpus(500))
    build(dim=5, fit_chunks=100).fit(again)
    build(dim=5, fit_chunks=100, seed=4).fit(other)
    assert again.rows == part != other.rows


@pytest.mark.parametrize("fit_chunks", [60, 61, None])
def test_a_corpus_that_is_small_enough_is_learnt_whole(fit_chunks: int | None) -> None:
    texts = Lazy(corpus(60))
    embedder = build(dim=5, fit_chunks=fit_chunks)
    embedder.fit(texts)
    assert texts.rows == list(range(60))


def test_too_many_dimensions_of_a_part_is_an_error_that_says_so() -> None:
    with pytest.raises(SpecError, match="of 50 chunks") as caught:
        build(dim=60, fit_chunks=50).fit(corpus(80))
    assert "fit_chunks" in str(caught.value.hint)


CHARACTERS = st.sampled_from(
    list("aBz09_ .-\x00\x1c\x85\n\u03a3\u03c3\u0130\u00b5\u2265\u00bd\u24b6\u00aa\u0301\u6f22\U0001f642\u2170")
)


@given(st.lists(st.text(CHARACTERS | st.characters(), max_size=30), max_size=6))
@settings(max_examples=200, deadline=None)
def test_words_are_counted_as_scikit_learn_counts_them(texts: list[str]) -> None:
    counter = CountVectorizer(token_pattern=r"(?u)\b\w\w+\b", dtype=np.float32)
    try:
        expected = counter.fit_transform(texts)
    except ValueError:
        assert learn(batches(texts), ()).words == []
        return
    words = learn(batches(texts), ())
    assert words.words == counter.get_feature_names_out().tolist()
    # The entries' order counts too: it decides how sums are rounded.
    for counts, oracle in (
        (words.counts, expected),
        (WordCounter(words.words).count(texts), counter.transform(texts)),
    ):
        for column in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(counts, column), getattr(oracle, column))


def test_signs_without_spaces_are_words_in_pairs() -> None:
    words = learn([["\u4e2d\u56fd\u4eba \uff21bc, \u5e74", "\u4eba\u4e2d\u56fd"]], (), has_signs=True)
    assert words.words == ["abc", "\u4e2d\u56fd", "\u4eba\u4e2d", "\u56fd\u4eba"]
    assert words.counts.toarray().tolist() == [[1, 1, 0, 1], [0, 1, 1, 0]]
    assert WordCounter(words.words, has_signs=True).count(["\u56fd\u4eba"]).toarray().tolist() == [[0, 0, 0, 1]]


def test_unknown_words_do_not_count() -> None:
    assert WordCounter(["mice", "cells"]).count(["cells of cells", "of", "mice"]).toarray().tolist() == [
        [0, 2],
        [0, 0],
        [1, 0],
    ]


def save_files(embedder: Embedder, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    embedder.fit(corpus())
    embedder.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_seed_decides_and_nothing_else(tmp_path: Path) -> None:
    first = save_files(build(dim=7, seed=3), tmp_path / "first")
    assert first != save_files(build(dim=7, seed=4), tmp_path / "other seed")
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "from test_lsa import build, save_files\n"
        "save_files(build(dim=7, seed=3), pathlib.Path(sys.argv[2]))\n"
    )
    again = tmp_path / "again"
    arguments = [sys.executable, "-c", code, str(Path(__file__).parent), str(again)]
    threads = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "PYTHONHASHSEED": "12"}
    subprocess.run(arguments, check=True, env={**os.environ, **threads})
    assert first == {path.name: path.read_bytes() for path in again.iterdir()}


def test_signs_do_not_depend_on_the_seed() -> None:
    # Topics of different size, so that the directions are well apart.
    draw = random.Random(5)
    texts = [
        " ".join(draw.choices([f"{topic}{number}" for number in range(6)], k=8))
        for topic, count in (("red", 60), ("green", 30), ("blue", 15))
        for _ in range(count)
    ]
    first, second = build(dim=3, seed=1), build(dim=3, seed=2)
    first.fit(texts)
    second.fit(texts)
    np.testing.assert_allclose(first.embed_documents(texts), second.embed_documents(texts), atol=0.02)


def test_repeated_chunks_leave_no_noise() -> None:
    texts = ["alpha beta", "gamma delta"] * 10
    embedder = build(dim=4)
    embedder.fit(texts)
    vectors = embedder.embed_queries(["alpha gamma", "beta", "delta"])
    assert np.isfinite(vectors).all()
    assert not vectors[:, 2:].any()


def test_a_single_word_is_a_single_dimension() -> None:
    embedder = build(dim=1)
    embedder.fit(["alpha", "alpha alpha"])
    assert embedder.embed_queries(["alpha", "beta"]).tolist() == [[1.0], [0.0]]


def test_too_many_dimensions_is_an_error_that_names_the_largest() -> None:
    with pytest.raises(SpecError, match="256 dimensions of 10 chunks") as caught:
        build(dim=256).fit(corpus(10))
    assert "10" in str(caught.value.hint)
    build(dim=10).fit(corpus(10))


@pytest.mark.parametrize("texts", [[], ["", " "], ["a b c"]])
def test_a_corpus_without_words_is_an_error(texts: list[str]) -> None:
    with pytest.raises(DataError, match="no word"):
        build(dim=1).fit(texts)


def test_use_before_fit_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="before fit"):
        build(dim=1).embed_documents(["a"])


def test_without_a_number_as_many_dimensions_as_the_corpus_allows() -> None:
    texts = ["alpha beta", "beta gamma", "gamma delta alpha"]
    component = register_embedders()[0]
    sizes = {}
    for dim in (None, 3):
        embedder = component.build(dim=dim, stopwords=None, fit_chunks=None, seed=1)
        embedder.fit(texts)
        sizes[dim] = embedder.embed_documents(texts)
    np.testing.assert_array_equal(sizes[None], sizes[3])
