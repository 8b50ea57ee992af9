"""The embedder hashing: signed sums of weighted words, which tell texts apart as their words do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import Embedder
from ragtally_hashing import register_embedders

(COMPONENT,) = register_embedders()
TEXTS = ["cells grow", "cells grow cells in mice", "mice cells", "kidney biopsy", "growing cell"]


def build(**parameters: object) -> Embedder:
    defaults = {name: schema["default"] for name, schema in COMPONENT.params.items() if name != "seed"}
    return COMPONENT.build(**{**defaults, "dim": 256, "stopwords": None, "seed": 3, **parameters})


def cosines(texts: list[str], log: bool) -> np.ndarray:
    """Similarities of counted words, without any hashing."""
    words = sorted({word for text in texts for word in text.split()})
    counts = np.array([[text.split().count(word) for word in words] for text in texts], float)
    matrix = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) if log else counts
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix @ matrix.T


@pytest.mark.parametrize("term_frequency", ["log", "raw"])
def test_with_many_dimensions_similarities_are_those_of_the_words(term_frequency: str) -> None:
    vectors = build(dim=65536, term_frequency=term_frequency).embed_documents(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors @ vectors.T, cosines(TEXTS, term_frequency == "log"), atol=1e-6)


def test_with_few_dimensions_they_are_right_on_average() -> None:
    # 200 pairs of texts that have a third of their 30 words in common. Without signs, words that share one of the 64
    # dimensions would only ever make texts more alike, by 0.2 on average.
    texts = [
        " ".join(f"word{60 * (row // 2) + 20 * (row % 2) + location}" for location in range(30)) for row in range(400)
    ]
    vectors = build(dim=64).embed_documents(texts)
    products = np.sum(vectors[::2] * vectors[1::2], axis=1)
    assert products.std() > 0.05
    assert products.mean() == pytest.approx(cosines(texts[:2], log=True)[0, 1], abs=0.03)


def test_pairs_of_words_tell_their_order() -> None:
    one, other = "mice eat cheese", "cheese eat mice"
    first, second = build().embed_documents([one, other])
    assert first @ second == pytest.approx(1)
    first, second = build(ngram_range=[1, 2]).embed_documents([one, other])
    assert first @ second < 0.9


def test_characters_find_parts_of_words() -> None:
    for analyzer, ngram_range, alike in (("word", [1, 1], False), ("char_wb", [3, 5], True)):
        vectors = build(dim=4096, analyzer=analyzer, ngram_range=ngram_range).embed_documents(["growing", "grows"])
        assert (vectors[0] @ vectors[1] > 0.2) == alike


def test_stop_words_are_left_out() -> None:
    assert not build(stopwords="english").embed_queries(["the and of"]).any()
    assert build(stopwords=None).embed_queries(["the and of"]).any()


def test_the_seed_decides() -> None:
    assert not np.array_equal(build(seed=1).embed_documents(TEXTS), build(seed=2).embed_documents(TEXTS))


WORDS = st.sampled_from(["alpha", "beta", "gamma", "delta", "of", "x", "β-cell", "42"])


@given(st.lists(st.lists(WORDS, max_size=12).map(" ".join), max_size=5), st.sampled_from([1, 3, 50]))
@settings(max_examples=20, deadline=None)
def test_every_vector_has_length_one_or_zero(texts: list[str], dim: int) -> None:
    vectors = build(dim=dim).embed_documents(texts)
    assert vectors.shape == (len(texts), dim)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))


def test_a_range_upside_down_is_a_fault() -> None:
    assert COMPONENT.check is not None
    parameters = {name: schema.get("default") for name, schema in COMPONENT.params.items()}
    assert not COMPONENT.check(parameters)
    (fault,) = COMPONENT.check(parameters | {"ngram_range": [3, 2]})
    assert (fault.parameter, fault.hint) == ("ngram_range", "ngram_range: [2, 3]")
