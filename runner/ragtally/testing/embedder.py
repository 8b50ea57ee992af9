"""The suite for embedders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import Embedder, EmbedderTraits
from ragtally.testing import samples
from ragtally.testing.component import ComponentSuite, save

_OTHERS = ["", "zebrafish quantum", "Does insulin lower fever?"]


class EmbedderSuite(ComponentSuite):
    """Checks an embedder that learns from forty short passages, or from nothing; keep its dimensions small."""

    kind = "embedder"
    protocol = Embedder

    @pytest.fixture
    def texts(self) -> list[str]:
        """The chunks of the corpus."""
        return samples.passage_texts()

    @pytest.fixture
    def embedder(self, build: Callable[[], Any], texts: list[str]) -> Any:
        """An embedder that has learnt from the corpus."""
        embedder = build()
        embedder.fit(texts)
        return embedder

    def test_the_traits_fit_together(self, traits: EmbedderTraits) -> None:
        """Vectors that are cached by their text cannot depend on a corpus; batches have a size."""
        assert not (traits.cacheable and traits.requires_fit), (
            "vectors of an embedder that learns depend on the corpus: cacheable needs requires_fit=False"
        )
        assert traits.batch >= 1, "a batch is one text at least"
        assert traits.name or not traits.cacheable, "a store of vectors and a plan call it by its name"

    def test_an_embedder_that_does_not_learn_needs_no_corpus(
        self, build: Callable[[], Any], embedder: Any, traits: EmbedderTraits, texts: list[str]
    ) -> None:
        """With `requires_fit=False`, vectors are the same without `fit`, and after a `fit` without texts."""
        if traits.requires_fit:
            return
        without, with_nothing = build(), build()
        with_nothing.fit([])
        for other in (without, with_nothing):
            _assert_same(embedder, other, texts, "depend on the corpus: the traits must say requires_fit=True")

    def test_vectors_are_finite_float32_of_one_length(self, embedder: Any, texts: list[str]) -> None:
        """For chunks and for questions, also for empty and unseen words."""
        documents, queries = embedder.embed_documents([*texts, *_OTHERS]), embedder.embed_queries(_OTHERS)
        for vectors, count in ((documents, len(texts) + len(_OTHERS)), (queries, len(_OTHERS))):
            assert isinstance(vectors, np.ndarray) and vectors.dtype == np.float32, "vectors are a float32 array"
            assert vectors.ndim == 2 and len(vectors) == count, "one row per text"
            assert np.isfinite(vectors).all(), "vectors must be finite; a zero vector is allowed"
        assert documents.shape[1] == queries.shape[1], "chunks and questions have vectors of different lengths"

    def test_no_texts_give_no_vectors(self, embedder: Any, texts: list[str]) -> None:
        """An array of no rows and the usual number of columns."""
        columns = embedder.embed_documents(texts[:1]).shape[1]
        assert embedder.embed_documents([]).shape == (0, columns), "no chunks must give an array of no rows"
        assert embedder.embed_queries([]).shape == (0, columns), "no questions must give an array of no rows"

    def test_a_text_has_the_same_vector_alone_and_among_others(self, embedder: Any, texts: list[str]) -> None:
        """Rows do not depend on their neighbours, up to rounding."""
        together = embedder.embed_documents(texts)
        for row in (0, len(texts) // 2, len(texts) - 1):
            alone = embedder.embed_documents([texts[row]])[0]
            np.testing.assert_allclose(alone, together[row], rtol=1e-4, atol=1e-5)

    def test_the_same_corpus_gives_the_same_vectors(
        self, build: Callable[[], Any], embedder: Any, texts: list[str]
    ) -> None:
        """To the bit, by two embedders of the same parameters."""
        other = build()
        other.fit(list(texts))
        _assert_same(embedder, other, texts, "differ")

    def test_what_was_learnt_can_be_saved_and_loaded(
        self, build: Callable[[], Any], embedder: Any, texts: list[str], tmp_path: Path
    ) -> None:
        """A loaded embedder is the saved one, to the bit."""
        from_disk = build()
        from_disk.load(save(embedder, tmp_path))
        _assert_same(embedder, from_disk, texts, "differ")

    def test_texts_stay_as_they_are(self, embedder: Any, texts: list[str]) -> None:
        """An embedder only reads."""
        before = list(texts)
        embedder.embed_documents(texts)
        embedder.embed_queries(texts)
        assert texts == before, "the embedder changed the texts"


def _assert_same(embedder: Any, other: Any, texts: list[str], fault: str) -> None:
    assert np.array_equal(embedder.embed_documents(texts), other.embed_documents(texts)), f"vectors of chunks {fault}"
    assert np.array_equal(embedder.embed_queries(_OTHERS), other.embed_queries(_OTHERS)), (
        f"vectors of questions {fault}"
    )
