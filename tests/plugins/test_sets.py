"""The retriever sets: distances between token sets, as scipy works them out."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance as scipy_distance

from plugins.lexical_corpus import passages, queries
from ragtally.api import Retriever
from ragtally.support.ranking import best_rows
from ragtally_sets import register_retrievers

(COMPONENT,) = register_retrievers()
DISTANCES = ["jaccard", "hamming"]


@pytest.fixture(params=["small", "bulk"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to work, whatever the corpus' size; the compiled one in several blocks."""
    if request.param == "bulk":
        for name, value in {"index.MANY": -1, "search._BLOCK": 7}.items():
            monkeypatch.setattr(f"ragtally_lexical.{name}", value)
    return str(request.param)


def build(**parameters: object) -> Retriever:
    defaults = {key: schema["default"] for key, schema in COMPONENT.params.items()}
    return COMPONENT.build(**{**defaults, **parameters})


def retriever_of(texts: list[str], **parameters: object) -> Retriever:
    plain = {"tokenizer": "hyphenated", "stemmer": None, "stopwords": None}
    retriever = build(**{**plain, **parameters})
    retriever.add(passages(texts), None)
    return retriever


def random_texts(seed: int, count: int, longest: int, words: int) -> list[str]:
    draw = random.Random(seed)
    return [
        " ".join(f"w{int(words * draw.random() ** 3)}" for _ in range(draw.randint(0, longest))) for _ in range(count)
    ]


def assert_as_scipy(texts: list[str], questions: list[str], name: str, limit: int) -> None:
    """Compare every question with every chunk, as vectors of zeros and ones over all words of both."""
    hits = retriever_of(texts, distance=name).search(queries(questions), limit)
    words = sorted({word for text in [*texts, *questions] for word in text.split()})
    members = [np.array([word in set(text.split()) for word in words]) for text in texts]
    for row, question in enumerate(questions):
        own = np.array([word in set(question.split()) for word in words])
        near = [
            chunk
            for chunk, other in enumerate(members)
            if own.any() and other.any() and (name == "hamming" or (own & other).any())
        ]
        if name == "jaccard":
            scores = [1 - scipy_distance.jaccard(own, members[chunk]) for chunk in near]
        else:
            scores = [-round(scipy_distance.hamming(own, members[chunk]) * len(words)) for chunk in near]
        expected = best_rows(np.array(scores, np.float64), np.array(near, np.int64), limit)
        count = len(expected.rows)
        assert hits.passage[row].tolist() == [*expected.rows.tolist(), *[-1] * (limit - count)]
        np.testing.assert_allclose(hits.score[row], [*expected.scores.tolist(), *[0] * (limit - count)], rtol=1e-6)
    assert hits.passage.dtype == np.int32
    assert hits.score.dtype == np.float32


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("limit", [1, 10, 250])
def test_ranks_and_scores_as_scipy_does(size: str, name: str, limit: int) -> None:
    # Short questions and long chunks: under Hamming's distance many of the nearest chunks have nothing in common.
    assert_as_scipy(random_texts(1, 200, 30, 80), random_texts(2, 25, 8, 90), name, limit)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.text("abc ", max_size=10), max_size=10),
    st.lists(st.text("abcd ", max_size=6), max_size=4),
    st.sampled_from(DISTANCES),
    st.integers(1, 4),
)
def test_ranks_whatever_is_in_the_texts_as_scipy_does(
    texts: list[str], questions: list[str], name: str, limit: int
) -> None:
    assert_as_scipy(texts, questions, name, limit)


def test_a_table_by_hand(size: str) -> None:
    texts = ["a b", "a b c", "c", "", "a a d e f g"]
    jaccard = retriever_of(texts, distance="jaccard").search(queries(["b a z", "q"]), 5)
    assert jaccard.passage.tolist() == [[0, 1, 4, -1, -1], [-1] * 5]
    np.testing.assert_allclose(jaccard.score[0], [2 / 3, 2 / 4, 1 / 7, 0, 0], rtol=1e-4)
    hamming = retriever_of(texts, distance="hamming").search(queries(["b a z", "q"]), 5)
    assert hamming.passage.tolist() == [[0, 1, 2, 4, -1], [2, 0, 1, 4, -1]]
    assert hamming.score.tolist() == [[-1, -2, -4, -6, 0], [-2, -3, -4, -6, 0]]


@pytest.mark.parametrize("name", DISTANCES)
def test_empty_sets_are_near_to_nothing(size: str, name: str) -> None:
    """Under Hamming's distance a chunk without words would be the nearest to "a" of all but the first."""
    hits = retriever_of(["a", "", "? !", "b c d"], distance=name).search(queries(["a", "", "..."]), 4)
    others = {"jaccard": [-1, -1, -1], "hamming": [3, -1, -1]}[name]
    assert hits.passage.tolist() == [[0, *others], [-1] * 4, [-1] * 4]


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("texts", [[], [""], ["", "?"]])
def test_a_corpus_without_words_gives_no_hits(size: str, name: str, texts: list[str], tmp_path: Path) -> None:
    retriever, other = retriever_of(texts, distance=name), build(distance=name)
    retriever.save(tmp_path)
    other.load(tmp_path, passages(texts), None)
    for one in (retriever, other):
        assert one.search(queries(["mice"]), 2).passage.tolist() == [[-1, -1]]
        assert one.search(queries([]), 2).passage.shape == (0, 2)


def test_words_are_stemmed_and_stop_words_left_out() -> None:
    retriever = build()
    retriever.add(passages(["the healed mice", "of the cats"]), None)
    hits = retriever.search(queries(["Is the mouse healing mice?", "and the of"]), 2)
    assert hits.passage.tolist() == [[0, -1], [-1, -1]]
    assert hits.score[0, 0] == pytest.approx(2 / 3, rel=1e-4)


def test_one_index_serves_both_distances(tmp_path: Path) -> None:
    texts, questions = random_texts(1, 60, 20, 50), queries(random_texts(2, 20, 6, 50))
    retriever_of(texts).save(tmp_path)
    assert COMPONENT.params["distance"]["x-ragtally-search"]
    for name in DISTANCES:
        other = build(distance=name, tokenizer="hyphenated", stemmer=None, stopwords=None)
        other.load(tmp_path, passages(texts), None)
        hits, expected = other.search(questions, 7), retriever_of(texts, distance=name).search(questions, 7)
        np.testing.assert_array_equal(hits.passage, expected.passage)
        np.testing.assert_array_equal(hits.score, expected.score)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npy"}
