"""The retriever hybrid: what the formulas give, worked out one question and one chunk at a time."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import Candidates, Choice, Hits, Passages, PluginError, Queries, Reranker, Spans
from ragtally.support.ranking import round_scores
from ragtally_hybrid import fusion, register_retrievers

(COMPONENT,) = register_retrievers()
DEFAULTS = {name: schema["default"] for name, schema in COMPONENT.params.items()}
BM25, DENSE = Choice("retriever", "bm25"), Choice("retriever", "dense", {"distance": "cosine"})

Ranking = list[tuple[int, float]]


def build(**parameters: Any) -> Reranker:
    return COMPONENT.build(**{**DEFAULTS, "retrievers": None, **parameters})


def hits_of(rankings: list[Ranking], width: int) -> Hits:
    rows = [[*ranking, *[(-1, 0.0)] * (width - len(ranking))] for ranking in rankings]
    table = np.array(rows, dtype=np.float64).reshape(len(rankings), width, 2)
    return Hits(table[..., 0].astype(np.int32), table[..., 1].astype(np.float32))


def fuse(rankings: list[list[Ranking]], limit: int, **parameters: Any) -> Hits:
    """Fuse rankings, given by retriever and then by question."""
    widths = [max([len(one) for one in of_retriever], default=0) for of_retriever in rankings]
    nothing = np.zeros(0, dtype=np.int32)
    candidates = Candidates(
        hits=tuple(hits_of(one, width) for one, width in zip(rankings, widths, strict=True)),
        passages=Passages([], Spans(nothing, nothing, nothing)),
    )
    names = [str(row) for row in range(len(rankings[0]))]
    return build(**parameters).rerank(Queries(names, names), candidates, limit)


def as_lists(hits: Hits) -> list[list[tuple[int, float]]]:
    return [
        [(row, round(score, 4)) for row, score in zip(rows, scores, strict=True) if row >= 0]
        for rows, scores in zip(hits.passage.tolist(), hits.score.tolist(), strict=True)
    ]


def counts_of(ranking: Ranking, fusion: str, k: int, normalise: str) -> dict[int, float]:
    """What each chunk counts in one ranking, by the text of the formulas."""
    if fusion == "rrf":
        return {row: 1 / (k + rank) for rank, (row, _) in enumerate(ranking, start=1)}
    scores = [score for _, score in ranking]
    if len(set(scores)) < 2:
        return {row: 1.0 for row, _ in ranking}
    spread = max(scores) - min(scores) if normalise == "min_max" else statistics.pstdev(scores)
    return {row: (score - min(scores)) / spread for row, score in ranking}


def one_by_one(rankings: list[Ranking], weights: list[float], limit: int, depth: int, **how: Any) -> Ranking:
    total: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for row, count in counts_of(ranking[:depth], **how).items():
            total[row] = total.get(row, 0.0) + weight * count
    sums = {row: float(round_scores(np.array(score))) for row, score in total.items()}
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:limit]


def test_the_table_of_reciprocal_ranks() -> None:
    # By hand, k = 60: chunk 4 is first and third, 1/61 + 1/63; 7 is second and first, 1/62 + 1/61; 9 is third, 1/63;
    # 2 is second, 1/62.
    rankings = [[[(4, 9.0), (7, 8.0), (9, 1.0)]], [[(7, 0.9), (2, 0.8), (4, 0.1)]]]
    assert as_lists(fuse(rankings, 5)) == [[(7, 0.0325), (4, 0.0323), (2, 0.0161), (9, 0.0159)]]
    assert as_lists(fuse(rankings, 2)) == [[(7, 0.0325), (4, 0.0323)]]
    # k = 0, the second ranking counts double: 4 gets 1 + 2/3, 7 gets 1/2 + 2, 9 gets 1/3, 2 gets 2/2.
    ranking = fuse(rankings, 5, k=0, weights=[1.0, 2.0])
    assert as_lists(ranking) == [[(7, 2.5), (4, 1.6667), (2, 1.0), (9, 0.3333)]]


def test_the_table_of_weighted_scores() -> None:
    # By hand, ranges 8 and 0.8: 4 gets 1 and 0, 7 gets 7/8 and 1, 9 gets 0, 2 gets 7/8.
    rankings = [[[(4, 9.0), (7, 8.0), (9, 1.0)]], [[(7, 0.9), (2, 0.8), (4, 0.1)]]]
    table = fuse(rankings, 5, fusion="weighted")
    assert as_lists(table) == [[(7, 1.875), (4, 1.0), (2, 0.875), (9, 0.0)]]
    other = fuse(rankings, 5, fusion="weighted", weights=[0.5, 4.0])
    assert as_lists(other) == [[(7, 4.4375), (2, 3.5), (4, 0.5), (9, 0.0)]]
    # Standard deviations: of 9, 8, 1 the square root of 38/3; of 0.9, 0.8, 0.1 that of 0.38/3.
    deviations = fuse(rankings, 5, fusion="weighted", normalise="z_score")
    assert as_lists(deviations) == [[(7, 4.2146), (4, 2.2478), (2, 1.9668), (9, 0.0)]]


HOW = [("rrf", 60, "min_max"), ("rrf", 0, "min_max"), ("weighted", 60, "min_max"), ("weighted", 60, "z_score")]


@pytest.mark.parametrize(("way", "k", "normalise"), HOW)
@given(data=st.data())
def test_fuses_as_the_formulas_say(way: str, k: int, normalise: str, data: st.DataObject) -> None:
    score = st.sampled_from([-3.0, -1.0, 0.0, 0.25, 0.5, 2.0, 2**-10, 7e5])
    questions, retrievers = data.draw(st.integers(0, 4)), data.draw(st.integers(2, 3))
    ranking = st.lists(st.tuples(st.integers(0, 9), score), max_size=8, unique_by=lambda hit: hit[0])
    descending = ranking.map(lambda hits: sorted(hits, key=lambda hit: (-hit[1], hit[0])))
    rankings = [
        data.draw(st.lists(descending, min_size=questions, max_size=questions), label=f"of retriever {number}")
        for number in range(retrievers)
    ]
    weights = data.draw(
        st.none() | st.lists(st.sampled_from([0.25, 1.0, 3.0]), min_size=retrievers, max_size=retrievers)
    )
    limit, depth = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    how: Mapping[str, Any] = {"fusion": way, "k": k, "normalise": normalise}
    hits = fuse(rankings, limit, weights=weights, depth=depth, **how)
    assert hits.passage.shape == (questions, limit)
    for question, (rows, scores) in enumerate(zip(hits.passage, hits.score, strict=True)):
        of_question = [of_retriever[question] for of_retriever in rankings]
        expected = one_by_one(of_question, weights or [1.0] * retrievers, limit, depth, **how)
        assert rows.tolist() == [row for row, _ in expected] + [-1] * (limit - len(expected))
        np.testing.assert_allclose(scores[: len(expected)], [score for _, score in expected], rtol=1e-6)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(2)
    rankings = [
        [[(int(row), float(-number)) for number, row in enumerate(draw.permutation(40)[:9])] for _ in range(20)]
        for _ in range(3)
    ]
    whole = fuse(rankings, 10, fusion="weighted")
    monkeypatch.setattr(fusion, "QUESTIONS_AT_ONCE", 3)
    assert as_lists(fuse(rankings, 10, fusion="weighted")) == as_lists(whole)


def test_weights_for_another_number_of_rankings_are_refused() -> None:
    with pytest.raises(PluginError, match="3 weights for 2 rankings"):
        fuse([[[(1, 1.0)]], [[(1, 1.0)]]], 1, weights=[1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("changes", "parameter", "words"),
    [
        ({"retrievers": (BM25,)}, "retrievers", "one ranking alone"),
        ({"retrievers": (BM25, DENSE, BM25)}, "retrievers", "bm25 is fused with itself"),
        ({"weights": [1.0]}, "weights", "1 weights for 2 retrievers"),
        ({"fusion": "weighted", "k": 10}, "k", "reciprocal rank fusion"),
        ({"normalise": "z_score"}, "normalise", "no scores"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(changes: Any, parameter: str, words: str) -> None:
    (fault,) = COMPONENT.check({**DEFAULTS, "retrievers": (BM25, DENSE), **changes})
    assert fault.parameter == parameter
    assert words in fault.message
    assert fault.hint


@pytest.mark.parametrize(
    "changes", [{}, {"k": 10}, {"fusion": "weighted", "normalise": "z_score", "weights": [1, 2]}]
)
def test_parameters_that_fit_together_are_taken(changes: Any) -> None:
    assert COMPONENT.check({**DEFAULTS, "retrievers": (BM25, DENSE), **changes}) == []


def test_the_traits_ask_for_the_depth() -> None:
    traits = COMPONENT.traits({**DEFAULTS, "depth": 30})
    assert traits.reads == {"text", "hits"}
    assert traits.depth == 30
    assert traits.prefix_stable
    assert not traits.prompts
