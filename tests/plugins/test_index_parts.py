"""Retrievers whose index is made in parts find in these what they find in one index, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ragtally_bm25
import ragtally_dense
import ragtally_sets
from plugins.lexical_corpus import passages, queries
from ragtally.api import Component, Passages, Queries, ShardedRetriever
from ragtally.testing.retriever import search_in_parts

WORDS = st.lists(st.sampled_from(["red", "blue", "green", "fish", "bird", "the"]), max_size=9).map(" ".join)
NUMBERS = st.floats(-2, 2, width=16)
LEXICAL = {"lucene": "bm25", "robertson": "bm25", "atire": "bm25", "hamming": "sets", "jaccard": "sets"}


def builder(component: Component, **parameters: object) -> Callable[[], ShardedRetriever]:
    defaults = {key: schema["default"] for key, schema in component.params.items()}
    return lambda: component.build(**{**defaults, **parameters})


def expect_the_same(
    build: Callable[[], ShardedRetriever],
    corpus: Passages,
    vectors: np.ndarray | None,
    asked: Queries,
    data: st.DataObject,
) -> None:
    starts = [0, *sorted(data.draw(st.sets(st.integers(1, len(corpus) - 1))))]
    limit = data.draw(st.integers(1, len(corpus)))
    whole = build()
    whole.add(corpus, vectors)
    expected = whole.search(asked, limit)
    with TemporaryDirectory() as folder:
        hits = search_in_parts(build, corpus, vectors, asked, limit, starts, Path(folder))
    np.testing.assert_array_equal(hits.passage, expected.passage)
    np.testing.assert_array_equal(hits.score, expected.score)


@pytest.mark.parametrize("name", LEXICAL)
@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(WORDS, min_size=2, max_size=12),
    questions=st.lists(WORDS, min_size=1, max_size=3),
    data=st.data(),
)
def test_words(name: str, texts: list[str], questions: list[str], data: st.DataObject) -> None:
    (component,) = (ragtally_bm25 if LEXICAL[name] == "bm25" else ragtally_sets).register_retrievers()
    build = builder(component, **{"method" if LEXICAL[name] == "bm25" else "distance": name})
    expect_the_same(build, passages(texts), None, queries(questions), data)


@pytest.mark.parametrize("distance", list(ragtally_dense.MEANINGS))
@settings(max_examples=15, deadline=None)
@given(
    chunks=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=2, max_size=12),
    questions=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=3),
    data=st.data(),
)
def test_vectors(
    distance: str, chunks: list[tuple[float, ...]], questions: list[tuple[float, ...]], data: st.DataObject
) -> None:
    (component,) = ragtally_dense.register_retrievers()
    texts = [str(row) for row in range(len(questions))]
    asked = Queries(texts, texts, np.array(questions, np.float32))
    build = builder(component, distance=distance, embedder=None)
    expect_the_same(build, passages([""] * len(chunks)), np.array(chunks, np.float32), asked, data)


def test_what_is_ordered_again_has_to_be_the_nearest_of_all() -> None:
    (component,) = ragtally_dense.register_retrievers()
    assert callable(component.traits)
    assert component.traits({"rescore": None}).in_parts
    assert not component.traits({"rescore": 10}).in_parts
