"""The retriever dense: the same neighbours as SciPy finds, under all six distances, small or large."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from ragtally.api import Hits, Passages, PluginError, Queries, Retriever, Spans
from ragtally.support.ranking import best_rows
from ragtally_dense import MEANINGS, register_retrievers, scan
from ragtally_dense.search import COMPARISONS

(COMPONENT,) = register_retrievers()
NAMES = list(MEANINGS)
ON_VECTORS = ["cosine", "dot", "l2", "l1"]
WITH_KERNELS = ["l1", "hamming", "jaccard"]


def passages(count: int) -> Passages:
    rows = np.arange(count, dtype=np.int32)
    return Passages([""] * count, Spans(rows, rows, rows))


def retriever_of(distance: str, vectors: np.ndarray, **parameters: Any) -> Retriever:
    retriever = COMPONENT.build(embedder=None, distance=distance, **parameters)
    retriever.add(passages(len(vectors)), vectors.astype(np.float32))
    return retriever


def queries(vectors: np.ndarray) -> Queries:
    names = [str(row) for row in range(len(vectors))]
    return Queries(names, names, vectors=vectors.astype(np.float32))


def scipy_scores(distance: str, questions: np.ndarray, chunks: np.ndarray) -> np.ndarray:
    questions, chunks = questions.astype(np.float32).astype(float), chunks.astype(np.float32).astype(float)
    if distance == "dot":
        return questions @ chunks.T
    if distance == "cosine":
        scores = 1 - cdist(questions, chunks, "cosine")
        return np.where(np.abs(scores) < 1e-6, 0, scores)
    if distance == "hamming":
        return -np.round(cdist(questions > 0, chunks > 0, "hamming") * questions.shape[1])
    if distance == "jaccard":
        return 1 - cdist(questions > 0, chunks > 0, "jaccard")
    return -cdist(questions, chunks, {"l1": "cityblock", "l2": "euclidean"}[distance])


def expect(hits: Hits, scores: np.ndarray, limit: int) -> None:
    for row, of_question in enumerate(scores):
        expected = best_rows(of_question, np.arange(len(of_question)), limit)
        assert hits.passage[row, : len(expected.rows)].tolist() == expected.rows.tolist()
        np.testing.assert_allclose(hits.score[row, : len(expected.rows)], expected.scores, rtol=1e-6)
        assert (hits.passage[row, len(expected.rows) :] == -1).all()


def assert_same(one: Hits, other: Hits) -> None:
    np.testing.assert_array_equal(one.passage, other.passage)
    np.testing.assert_array_equal(one.score, other.score)


@pytest.fixture(params=["small", "large"])
def work(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether there is so much work that compiled code is loaded."""
    if request.param == "large":
        for name in WITH_KERNELS:
            monkeypatch.setattr(COMPARISONS[name], "worth_compiling", 0)
    return request.param


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("distance", NAMES)
@pytest.mark.parametrize(("chunks", "limit", "dimensions"), [(700, 5, 24), (700, 40, 300), (3, 10, 64), (1, 1, 1)])
def test_finds_what_scipy_finds(distance: str, chunks: int, limit: int, dimensions: int) -> None:
    draw = np.random.default_rng(chunks + limit)
    corpus, questions = draw.standard_normal((chunks, dimensions)) * 3, draw.standard_normal((41, dimensions))
    corpus *= draw.uniform(0.1, 5, (chunks, 1))
    hits = retriever_of(distance, corpus).search(queries(questions), limit)
    assert hits.passage.dtype == np.int32
    assert hits.score.dtype == np.float32
    expect(hits, scipy_scores(distance, questions, corpus), limit)


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("distance", NAMES)
@pytest.mark.parametrize("limit", [1, 6, 90])
def test_stretches_shares_and_threads_do_not_show(distance: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    corpus, questions = draw.integers(-2, 3, (500, 3)), draw.integers(-2, 3, (30, 3))
    corpus[200] = [1, 1, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    whole = retriever_of(distance, corpus).search(queries(questions), limit)
    for name, value in {"_CHUNKS": 36, "_QUESTIONS": 7, "_GROUP": 4, "_MOST_PAIRS": 50}.items():
        monkeypatch.setattr(scan, name, value)
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        assert_same(retriever_of(distance, corpus).search(queries(questions), limit), whole)
    assert (whole.passage >= 0).any()


def test_threads_are_those_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert scan.threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert 1 <= scan.threads() <= 8


small_vectors = st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any)


@pytest.mark.parametrize("distance", NAMES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_ties_go_to_the_lower_row(distance: str, work: str, data: st.DataObject) -> None:
    # Small whole numbers: many chunks at exactly the same distance.
    corpus = np.array(data.draw(st.lists(small_vectors, min_size=1, max_size=90)))
    questions = np.array(data.draw(st.lists(small_vectors, min_size=1, max_size=4)))
    limit = data.draw(st.integers(1, 8))
    expect(
        retriever_of(distance, corpus).search(queries(questions), limit),
        scipy_scores(distance, questions, corpus),
        limit,
    )


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"_CHUNKS": 16, "_GROUP": 4, "_MOST_PAIRS": 20}.items():
        monkeypatch.setattr(scan, name, value)
    yield


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("distance", NAMES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_ties_go_to_the_lower_row_across_stretches(distance: str, data: st.DataObject) -> None:
    # A few different vectors, each many times, in any order.
    kinds = np.array(data.draw(st.lists(small_vectors, min_size=1, max_size=5)))
    corpus = kinds[data.draw(st.lists(st.integers(0, len(kinds) - 1), min_size=1, max_size=120))]
    limit = data.draw(st.integers(1, 20))
    expect(retriever_of(distance, corpus).search(queries(kinds), limit), scipy_scores(distance, kinds, corpus), limit)


@pytest.mark.parametrize("distance", ON_VECTORS)
def test_near_ties_are_told_by_their_rounded_scores(distance: str) -> None:
    # The seventh digit differs, which another machine's sums could turn around.
    corpus = np.array([[1.0, 2.0], [3.0, 1.0 + 2e-7], [3.0, 1.0]])
    assert retriever_of(distance, corpus).search(queries(np.array([[3.0, 1.1]])), 2).passage.tolist() == [[1, 2]]


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("distance", ["l2", "l1"])
def test_a_distance_far_from_the_origin_is_exact(distance: str) -> None:
    corpus = np.array([[1000.0, 1000.25], [1000.0, 1000.125], [1000.0, 1000.5]])
    hits = retriever_of(distance, corpus).search(queries(np.array([[1000.0, 1000.0]])), 3)
    assert hits.passage.tolist() == [[1, 0, 2]]
    assert hits.score.tolist() == [[-0.125, -0.25, -0.5]]


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("distance", NAMES)
def test_one_vector_much_longer_than_all_others_hides_none(distance: str) -> None:
    draw = np.random.default_rng(5)
    corpus, questions = draw.standard_normal((200, 8)), draw.standard_normal((20, 8))
    corpus[60] *= 1e6
    expect(retriever_of(distance, corpus).search(queries(questions), 7), scipy_scores(distance, questions, corpus), 7)


@pytest.mark.parametrize("distance", NAMES)
@pytest.mark.parametrize("size", [1e-20, 1e14])
def test_very_short_and_very_long_vectors_are_compared(distance: str, size: float) -> None:
    draw = np.random.default_rng(6)
    corpus, questions = draw.standard_normal((50, 8)) * size, draw.standard_normal((9, 8)) * size
    hits = retriever_of(distance, corpus).search(queries(questions), 7)
    scores = scipy_scores(distance, questions, corpus)
    for row, of_question in enumerate(scores):
        assert hits.passage[row].tolist() == best_rows(of_question, np.arange(50), 7).rows.tolist()


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("distance", NAMES)
def test_a_zero_vector_is_near_to_nothing(distance: str) -> None:
    corpus = np.array([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0], [-3.0, 1.0]])
    hits = retriever_of(distance, corpus).search(queries(np.array([[0.1, 0.0], [0.0, 0.0]])), 4)
    assert sorted(hits.passage[0, :2].tolist()) == [1, 3]
    assert hits.passage[0, 2:].tolist() == [-1, -1]
    assert hits.passage[1].tolist() == [-1] * 4
    assert np.isfinite(hits.score).all()
    assert retriever_of(distance, corpus[:1]).search(queries(corpus[1:2]), 1).passage.tolist() == [[-1]]


@pytest.mark.usefixtures("work")
def test_two_vectors_without_a_component_above_zero_are_equal_to_jaccard() -> None:
    corpus = np.array([[-1.0, -2.0, 0.0], [1.0, -1.0, -1.0], [-5.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    hits = retriever_of("jaccard", corpus).search(queries(np.array([[-1.0, -1.0, -9.0], [1.0, 1.0, -1.0]])), 4)
    assert hits.passage.tolist() == [[0, 2, 1, -1], [1, 0, 2, -1]]
    assert hits.score.tolist() == [[1.0, 1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize("distance", ["hamming", "jaccard"])
def test_a_shortlist_is_ordered_again_by_cosine(distance: str) -> None:
    draw = np.random.default_rng(7)
    corpus, questions = draw.standard_normal((300, 20)), draw.standard_normal((15, 20))
    shortlists = retriever_of(distance, corpus).search(queries(questions), 30).passage
    cosines = scipy_scores("cosine", questions, corpus)
    retriever = retriever_of(distance, corpus, rescore=30)
    for limit in (5, 30, 50):
        hits = retriever.search(queries(questions), limit)
        for row, shortlist in enumerate(shortlists):
            expected = best_rows(cosines[row, shortlist], shortlist, limit)
            assert hits.passage[row, :30].tolist() == expected.rows.tolist()
            np.testing.assert_allclose(hits.score[row, :30], expected.scores, rtol=1e-6)
        assert (hits.passage[:, 30:] == -1).all()


def test_a_shortlist_may_be_longer_than_the_corpus() -> None:
    corpus = np.array([[1.0, 1.0], [3.0, 1.0], [-1.0, 2.0]])
    hits = retriever_of("hamming", corpus, rescore=100).search(queries(np.array([[3.0, 1.1]])), 5)
    assert hits.passage.tolist() == [[1, 0, 2, -1, -1]]


@pytest.mark.parametrize("distance", NAMES)
def test_rescoring_has_a_meaning_for_bits_alone(distance: str) -> None:
    assert COMPONENT.check is not None
    assert COMPONENT.check({"embedder": "lsa", "distance": distance, "rescore": None}) == []
    faults = COMPONENT.check({"embedder": "lsa", "distance": distance, "rescore": 10})
    assert [fault.parameter for fault in faults] == (["rescore"] if distance in ON_VECTORS else [])
    for fault in faults:
        assert distance in fault.message
        assert "hamming" in str(fault.hint)


@pytest.mark.parametrize("distance", NAMES)
@pytest.mark.parametrize("chunks", [0, 1, 50])
def test_vectors_are_read_from_a_file_and_not_written_again(distance: str, chunks: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    corpus, questions = draw.standard_normal((chunks, 6)).astype(np.float32), queries(draw.standard_normal((9, 6)))
    np.save(tmp_path / "vectors.npy", corpus)
    before = (tmp_path / "vectors.npy").read_bytes()
    on_disk = np.load(tmp_path / "vectors.npy", mmap_mode="r" if chunks else None)
    retriever, other = retriever_of(distance, corpus), COMPONENT.build(embedder=None, distance=distance, rescore=None)
    folder = tmp_path / "saved"
    folder.mkdir()
    retriever.save(folder)
    other.load(folder, passages(chunks), on_disk)
    assert_same(retriever.search(questions, 5), other.search(questions, 5))
    assert list(folder.iterdir()) == []
    assert (tmp_path / "vectors.npy").read_bytes() == before


@pytest.mark.parametrize("distance", NAMES)
def test_a_question_finds_the_same_alone_and_among_others(distance: str) -> None:
    draw = np.random.default_rng(8)
    retriever, questions = retriever_of(distance, draw.standard_normal((400, 33))), draw.standard_normal((25, 33))
    together = retriever.search(queries(questions), 9)
    for row in range(len(questions)):
        alone = retriever.search(queries(questions[row : row + 1]), 9)
        np.testing.assert_array_equal(alone.passage[0], together.passage[row])
        np.testing.assert_array_equal(alone.score[0], together.score[row])


@pytest.mark.parametrize("parameter", ["distance", "rescore"])
def test_the_index_is_shared_between_searches(parameter: str) -> None:
    assert COMPONENT.params[parameter]["x-ragtally-search"] is True


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (None, "given none"),
        (np.ones((2, 3), np.float32), "shape"),
        (np.full((1, 3), np.nan, np.float32), "NaN"),
        (np.full((1, 3), 1e20, np.float32), "of length 1.73e\\+20"),
    ],
)
def test_wrong_vectors_are_an_error(vectors: np.ndarray | None, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        COMPONENT.build(embedder=None, distance="l2").add(passages(1), vectors)


def test_little_work_loads_no_compiled_code() -> None:
    script = """
import sys
import numpy as np
from ragtally.api import Passages, Queries, Spans
from ragtally_dense import MEANINGS, register_retrievers
heavy = {"numba", "scipy", "sklearn", "torch"}
vectors, rows = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32), np.arange(50, dtype=np.int32)
assert not heavy & set(sys.modules)
for distance in MEANINGS:
    retriever = register_retrievers()[0].build(embedder=None, distance=distance, rescore=None)
    retriever.add(Passages([""] * 50, Spans(rows, rows, rows)), vectors)
    retriever.search(Queries(["q"], ["q"], vectors=vectors[:1]), 3)
assert not heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_dimensions_must_agree() -> None:
    with pytest.raises(PluginError, match="2 dimensions for questions and 3"):
        retriever_of("dot", np.ones((4, 3))).search(queries(np.ones((1, 2))), 1)
