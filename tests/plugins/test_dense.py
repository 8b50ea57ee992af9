"""The retriever dense: the same neighbours as SciPy finds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from ragtally.errors import PluginError
from ragtally.kinds import Retriever
from ragtally.kinds.ranking import best_rows
from ragtally.types import Hits, Passages, Queries, Spans
from ragtally_dense import register_retrievers

(COMPONENT,) = register_retrievers()
NAMES = ["cosine", "dot", "l2", "l1"]


def filled(distance: str, vectors: np.ndarray) -> Retriever:
    retriever = COMPONENT.build(embedder=None, distance=distance)
    rows = np.arange(len(vectors), dtype=np.int32)
    retriever.add(Passages([""] * len(vectors), Spans(rows, rows, rows)), vectors.astype(np.float32))
    return retriever


def queries(vectors: np.ndarray) -> Queries:
    names = [str(row) for row in range(len(vectors))]
    return Queries(names, names, vectors=vectors.astype(np.float32))


def scipy_scores(distance: str, asked: np.ndarray, chunks: np.ndarray) -> np.ndarray:
    asked, chunks = asked.astype(np.float32).astype(float), chunks.astype(np.float32).astype(float)
    if distance == "dot":
        return asked @ chunks.T
    if distance == "cosine":
        scores = 1 - cdist(asked, chunks, "cosine")
        return np.where(np.abs(scores) < 1e-6, 0, scores)
    return -cdist(asked, chunks, {"l1": "cityblock", "l2": "euclidean"}[distance])


def expect(hits: Hits, scores: np.ndarray, limit: int) -> None:
    for row, of_question in enumerate(scores):
        expected = best_rows(of_question, np.arange(len(of_question)), limit)
        assert hits.passage[row, : len(expected.rows)].tolist() == expected.rows.tolist()
        np.testing.assert_allclose(hits.score[row, : len(expected.rows)], expected.scores, rtol=1e-6)
        assert (hits.passage[row, len(expected.rows) :] == -1).all()


@pytest.mark.parametrize("distance", NAMES)
@pytest.mark.parametrize(("chunks", "limit"), [(700, 5), (700, 40), (3, 10), (1, 1)])
def test_finds_what_scipy_finds(distance: str, chunks: int, limit: int) -> None:
    draw = np.random.default_rng(chunks + limit)
    corpus, asked = draw.standard_normal((chunks, 24)) * 3, draw.standard_normal((40, 24))
    corpus *= draw.uniform(0.1, 5, (chunks, 1))
    hits = filled(distance, corpus).search(queries(asked), limit)
    assert hits.passage.dtype == np.int32
    assert hits.score.dtype == np.float32
    expect(hits, scipy_scores(distance, asked, corpus), limit)


@pytest.mark.parametrize("distance", NAMES)
def test_blocks_do_not_show(distance: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    corpus, asked = draw.integers(-2, 3, (500, 3)), draw.integers(-2, 3, (30, 3))
    corpus[200] = [1, 1, 1]
    whole = filled(distance, corpus).search(queries(asked), 6)
    monkeypatch.setattr("ragtally_dense.search._CHUNKS", 37)
    monkeypatch.setattr("ragtally_dense.search._QUESTIONS", 7)
    monkeypatch.setattr("ragtally_dense.search._GROUP", 4)
    monkeypatch.setattr("ragtally_dense.distances._L1_BLOCK", 11)
    pieces = filled(distance, corpus).search(queries(asked), 6)
    np.testing.assert_array_equal(whole.passage, pieces.passage)
    np.testing.assert_array_equal(whole.score, pieces.score)


@pytest.mark.parametrize("distance", NAMES)
@given(data=st.data())
def test_ties_go_to_the_lower_row(distance: str, data: st.DataObject) -> None:
    # Small whole numbers: many chunks at exactly the same distance.
    vector = st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any)
    corpus = np.array(data.draw(st.lists(vector, min_size=1, max_size=90)))
    asked = np.array(data.draw(st.lists(vector, min_size=1, max_size=4)))
    limit = data.draw(st.integers(1, 8))
    expect(filled(distance, corpus).search(queries(asked), limit), scipy_scores(distance, asked, corpus), limit)


@pytest.mark.parametrize("distance", NAMES)
def test_near_ties_are_told_by_their_rounded_scores(distance: str) -> None:
    # The seventh digit differs, which another machine's sums could turn around.
    corpus = np.array([[1.0, 2.0], [3.0, 1.0 + 2e-7], [3.0, 1.0]])
    assert filled(distance, corpus).search(queries(np.array([[3.0, 1.1]])), 2).passage.tolist() == [[1, 2]]


@pytest.mark.parametrize("distance", ["l2", "l1"])
def test_a_distance_far_from_the_origin_is_exact(distance: str) -> None:
    corpus = np.array([[1000.0, 1000.25], [1000.0, 1000.125], [1000.0, 1000.5]])
    hits = filled(distance, corpus).search(queries(np.array([[1000.0, 1000.0]])), 3)
    assert hits.passage.tolist() == [[1, 0, 2]]
    assert hits.score.tolist() == [[-0.125, -0.25, -0.5]]


@pytest.mark.parametrize("distance", NAMES)
def test_a_zero_vector_is_near_to_nothing(distance: str) -> None:
    corpus = np.array([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0], [-3.0, 1.0]])
    hits = filled(distance, corpus).search(queries(np.array([[0.1, 0.0], [0.0, 0.0]])), 4)
    assert sorted(hits.passage[0, :2].tolist()) == [1, 3]
    assert hits.passage[0, 2:].tolist() == [-1, -1]
    assert hits.passage[1].tolist() == [-1] * 4
    assert np.isfinite(hits.score).all()
    assert filled(distance, corpus[:1]).search(queries(corpus[1:2]), 1).passage.tolist() == [[-1]]


@pytest.mark.parametrize("distance", NAMES)
@pytest.mark.parametrize("chunks", [0, 1, 50])
def test_what_is_saved_is_what_is_loaded(distance: str, chunks: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    corpus, asked = draw.standard_normal((chunks, 6)), queries(draw.standard_normal((9, 6)))
    retriever, other = filled(distance, corpus), COMPONENT.build(embedder=None, distance=distance)
    retriever.save(tmp_path)
    other.load(tmp_path, None)
    before, after = retriever.search(asked, 5), other.search(asked, 5)
    np.testing.assert_array_equal(before.passage, after.passage)
    np.testing.assert_array_equal(before.score, after.score)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.npy"]


def test_the_first_hits_do_not_depend_on_the_limit() -> None:
    draw = np.random.default_rng(4)
    retriever = filled("l2", draw.standard_normal((900, 4)))
    asked = queries(draw.standard_normal((20, 4)))
    longest = retriever.search(asked, 300)
    for limit in (1, 4, 14):
        np.testing.assert_array_equal(retriever.search(asked, limit).passage, longest.passage[:, :limit])


def test_the_index_is_shared_between_distances() -> None:
    assert COMPONENT.params["distance"]["x-ragtally-search"] is True


@pytest.mark.parametrize(
    ("vectors", "message"),
    [(None, "given none"), (np.ones((2, 3), np.float32), "shape"), (np.full((1, 3), np.nan, np.float32), "NaN")],
)
def test_wrong_vectors_are_an_error(vectors: np.ndarray | None, message: str) -> None:
    row = np.zeros(1, np.int32)
    with pytest.raises(PluginError, match=message):
        COMPONENT.build(embedder=None, distance="l2").add(Passages(["a"], Spans(row, row, row)), vectors)


def test_dimensions_must_agree() -> None:
    with pytest.raises(PluginError, match="2 dimensions for questions and 3"):
        filled("dot", np.ones((4, 3))).search(queries(np.ones((1, 2))), 1)
