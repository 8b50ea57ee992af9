"""The controls: oracle finds the evidence, random draws by lot."""

import time
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import Passages, PluginError, Queries, QuestionEvidence, Retriever, Spans
from ragtally_control_retrievers import register_retrievers

COMPONENTS = {component.name: component for component in register_retrievers()}
Span = tuple[int, int, int]


def columns(rows: list[tuple[int, ...]], width: int) -> list[np.ndarray]:
    return list(np.array(rows, np.int32).reshape(-1, width).T)


def retriever_of(name: str, chunks: list[Span], **parameters: int) -> Retriever:
    retriever = COMPONENTS[name].build(**parameters)
    retriever.add(passages(chunks), None)
    return retriever


def passages(chunks: list[Span]) -> Passages:
    return Passages([""] * len(chunks), Spans(*columns(chunks, 3)))


def queries_of(evidence: Mapping[int, list[Span]], count: int) -> Queries:
    rows = [(question, *span) for question in sorted(evidence) for span in evidence[question]]
    names = [f"q{row}" for row in range(count)]
    return Queries(names, names, evidence=QuestionEvidence(*columns(rows, 4)))


SPANS = st.builds(
    lambda document, start, length: (document, start, start + length),
    st.integers(0, 3),
    st.integers(0, 30),
    st.integers(1, 12),
)


@given(
    chunks=st.lists(SPANS, max_size=12, unique=True).map(sorted),
    evidence=st.dictionaries(st.integers(0, 2), st.lists(SPANS, max_size=4).map(sorted), max_size=3),
    limit=st.integers(1, 6),
)
def test_oracle_ranks_by_characters_of_evidence(
    chunks: list[Span], evidence: dict[int, list[Span]], limit: int
) -> None:
    hits = retriever_of("oracle", chunks).search(queries_of(evidence, 3), limit)
    for question in range(3):
        gold = {(document, at) for document, start, end in evidence.get(question, []) for at in range(start, end)}
        characters = [sum((document, at) in gold for at in range(start, end)) for document, start, end in chunks]
        order = sorted(
            (row for row, count in enumerate(characters) if count), key=lambda row: (-characters[row], row)
        )[:limit]
        assert hits.passage[question].tolist() == order + [-1] * (limit - len(order))
        assert hits.score[question].tolist() == [characters[row] for row in order] + [0] * (limit - len(order))


def test_oracle_needs_evidence() -> None:
    with pytest.raises(PluginError, match="evidence"):
        retriever_of("oracle", [(0, 0, 5)]).search(Queries(["a"], ["a"]), 1)


def draw(seed: int, chunks: int, limit: int, names: list[str]) -> np.ndarray:
    retriever = retriever_of("random", [(row, 0, 1) for row in range(chunks)], seed=seed)
    hits = retriever.search(Queries(names, names), limit)
    ranks = np.arange(1, limit + 1)
    np.testing.assert_allclose(hits.score, np.where(hits.passage >= 0, 1 / ranks, 0), rtol=1e-6)
    return hits.passage


@given(st.integers(0, 2**32 - 1), st.integers(0, 50), st.integers(1, 60), st.integers(1, 60))
def test_random_draws_are_distinct_and_begin_alike(seed: int, chunks: int, limit: int, longer: int) -> None:
    short, long = (draw(seed, chunks, size, ["a"])[0] for size in sorted((limit, longer)))
    rows = long[long >= 0].tolist()
    assert len(set(rows)) == len(rows) == min(max(limit, longer), chunks)
    assert all(0 <= row < chunks for row in rows)
    assert short.tolist() == long[: len(short)].tolist()


def test_random_depends_on_seed_question_and_number_of_chunks_alone() -> None:
    both = draw(1, 1000, 5, ["a", "b"])
    assert both[0].tolist() == draw(1, 1000, 5, ["z", "a"])[1].tolist()
    assert both[0].tolist() != both[1].tolist()
    assert both[0].tolist() != draw(2, 1000, 5, ["a"])[0].tolist()
    assert both[0].tolist() != draw(1, 1001, 5, ["a"])[0].tolist()


def test_random_is_fair() -> None:
    rows = draw(7, 5, 3, [str(row) for row in range(3000)])
    for rank in range(3):
        counts = np.bincount(rows[:, rank], minlength=5)
        # Chi-square with 4 degrees of freedom: 18.5 is exceeded once in a thousand.
        assert ((counts - 600) ** 2 / 600).sum() < 18.5


def test_random_is_pinned() -> None:
    # A change here changes results that are stored: raise the component's version.
    assert draw(20, 100, 5, ["q2"])[0].tolist() == [43, 65, 74, 92, 47]


def test_random_costs_by_hit_not_by_chunk() -> None:
    retriever = COMPONENTS["random"].build(seed=1)
    empty = np.zeros(0, np.int32)

    class Many(list[str]):
        def __len__(self) -> int:
            return 2**31 - 1

    retriever.add(Passages(Many(), Spans(empty, empty, empty)), None)
    names = [str(row) for row in range(200)]
    begin = time.perf_counter()
    retriever.search(Queries(names, names), 10)
    assert time.perf_counter() - begin < 2
