"""Retrieval metrics at every size, overlap and window of the same documents: by hand, and against brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import Candidates, Documents, Hits, Passages, Queries, QuestionEvidence, RankingRelevance, Spans
from ragtally.metrics import metric_scores
from ragtally.relevance import relevance_of
from ragtally_chunkers import register_chunkers
from ragtally_parent.windows import Parent
from ragtally_retrieval_metrics import register_metrics

CHUNKERS = {component.name: component.build for component in register_chunkers()}
METRICS = {component.name: component.build for component in register_metrics()}
TWO, THREE = 1 / math.log2(3), 1 / math.log2(4)
"""Discounts of the second and third rank; that of the first is 1."""


def documents(*texts: str) -> Documents:
    return Documents([str(row) for row in range(len(texts))], texts, [[]] * len(texts), [[]] * len(texts))


def split(texts: Documents, chunker: tuple[str, dict[str, int]]) -> Spans:
    name, parameters = chunker
    return CHUNKERS[name](**parameters).split(texts)


def words(size: int, overlap: int = 0) -> tuple[str, dict[str, int]]:
    return "words", {"size": size, "overlap": overlap}


def ranking_hits(*rankings: Sequence[int]) -> Hits:
    depth = max(map(len, rankings))
    passage = np.array([[*ranking, *[-1] * (depth - len(ranking))] for ranking in rankings], dtype=np.int32)
    return Hits(passage, -np.cumsum(np.ones(passage.shape, dtype=np.float32), axis=1))


def score(name: str, k: int, relevance: RankingRelevance) -> float | None:
    return metric_scores(METRICS[f"{name}@k"](k=k), relevance)[f"{name}@{k}"].value


TEXTS = documents("a b c d e f g h", "i j k l")
EVIDENCE = QuestionEvidence(*np.array([[0, 0, 4, 9], [0, 1, 4, 5]], np.int32).T, np.array([1, 2], np.int32))
"""`c d e` of the first document (grade 1) and `k` of the second (grade 2): 6 characters."""


@dataclass
class Row:
    """One line of the table: a chunker, a ranking of its chunks, and what each metric is at each cut-off."""

    chunker: tuple[str, dict[str, int]]
    ranking: list[int]
    recall: list[float]
    precision: list[float]
    mrr: list[float]
    ndcg: list[float]
    coverage: list[float]
    ceiling: list[float]


TABLE = [
    # ab cd ef gh | ij kl: relevant are cd (3 characters), ef (1) and kl (1, grade 2); the space behind d is lost.
    Row(words(2), [0, 1, 5], [0, 1 / 3, 2 / 3], [0, 1 / 2, 2 / 3], [0, 1 / 2, 1 / 2],
        [0, TWO / (2 + TWO), (TWO + 2 * THREE) / (2 + TWO + THREE)], [0, 3 / 6, 4 / 6], [3 / 6, 4 / 6, 5 / 6]),
    # ab bc cd de ef fg gh | ij jk kl: relevant are bc (1), cd (3), de (3), ef (1), and jk and kl (1, grade 2).
    Row(words(2, 1), [2, 3, 8], [1 / 6, 2 / 6, 3 / 6], [1, 1, 1], [1, 1, 1],
        [1 / 2, (1 + TWO) / (2 + 2 * TWO), (1 + TWO + 2 * THREE) / (2 + 2 * TWO + THREE)],
        [3 / 6, 5 / 6, 6 / 6], [3 / 6, 5 / 6, 6 / 6]),
    # abcd efgh | ijkl: the evidence stands across the first two.
    Row(words(4), [1, 2, 0], [1 / 3, 2 / 3, 3 / 3], [1, 1, 1], [1, 1, 1],
        [1 / 2, (1 + 2 * TWO) / (2 + TWO), (1 + 2 * TWO + THREE) / (2 + TWO + THREE)],
        [1 / 6, 2 / 6, 5 / 6], [3 / 6, 4 / 6, 5 / 6]),
    # abcd cdef efgh | ijkl: the second holds all of the evidence in the first document.
    Row(words(4, 2), [3, 0, 1], [1 / 4, 2 / 4, 3 / 4], [1, 1, 1], [1, 1, 1],
        [1, (2 + TWO) / (2 + TWO), (2 + TWO + THREE) / (2 + TWO + THREE)],
        [1 / 6, 4 / 6, 6 / 6], [5 / 6, 6 / 6, 6 / 6]),
    Row(("whole", {}), [0, 1], [1 / 2, 2 / 2, 2 / 2], [1, 1, 2 / 3], [1, 1, 1],
        [1 / 2, (1 + 2 * TWO) / (2 + TWO), (1 + 2 * TWO) / (2 + TWO)], [5 / 6, 1, 1], [5 / 6, 1, 1]),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.chunker[0]}{list(row.chunker[1].values())}")
def test_a_table_by_hand(row: Row) -> None:
    # Padded to three places, since a ceiling is known only as deep as the ranking.
    hits = ranking_hits(row.ranking + [-1] * (3 - len(row.ranking)))
    relevance = relevance_of(hits, split(TEXTS, row.chunker), EVIDENCE, 1, 2)
    for name, expected in (
        ("recall", row.recall), ("precision", row.precision), ("mrr", row.mrr), ("ndcg", row.ndcg),
        ("evidence_coverage", row.coverage), ("evidence_ceiling", row.ceiling),
    ):  # fmt: skip
        assert [score(name, k, relevance) for k in (1, 2, 3)] == pytest.approx(expected), name


def test_windows_are_scored_as_another_chunking_of_the_same_documents() -> None:
    # Chunks ab, cd and kl are found; ab and cd lie in the window abcd, kl in ijkl.
    chunks, windows = split(TEXTS, words(2)), split(TEXTS, words(4))
    candidates = Candidates((ranking_hits([0, 1, 5]),), Passages([""] * len(chunks), chunks), windows)
    hits = Parent(3).rerank(Queries(["q"], ["?"]), candidates, 3)
    assert hits.passage.tolist() == [[0, 2, -1]]
    relevance = relevance_of(hits, windows, EVIDENCE, 1, 2)
    assert [score("recall", k, relevance) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert [score("precision", k, relevance) for k in (1, 2, 3)] == pytest.approx([1, 1, 2 / 3])
    assert [score("mrr", k, relevance) for k in (1, 2, 3)] == [1, 1, 1]
    ndcg = [1 / 2, (1 + 2 * TWO) / (2 + TWO), (1 + 2 * TWO) / (2 + TWO + THREE)]
    assert [score("ndcg", k, relevance) for k in (1, 2, 3)] == pytest.approx(ndcg)
    assert [score("evidence_coverage", k, relevance) for k in (1, 2, 3)] == pytest.approx([3 / 6, 4 / 6, 4 / 6])
    assert [score("evidence_ceiling", k, relevance) for k in (1, 2, 3)] == pytest.approx([3 / 6, 4 / 6, 5 / 6])


Span = tuple[int, int, int, int, int]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Documents, list[Span], tuple[str, dict[str, int]], list[list[int]]]:
    """Documents of short words, graded evidence anywhere in them, a chunker, and its chunks ranked by question."""
    word_lists = draw(
        st.lists(st.lists(st.sampled_from(["a", "bc", "def"]), min_size=1, max_size=9), min_size=1, max_size=3)
    )
    texts = documents(*map(" ".join, word_lists))
    evidence: list[Span] = []
    for question in range(2):
        for _ in range(draw(st.integers(1, 3))):
            document = draw(st.integers(0, len(texts) - 1))
            start, end = sorted(draw(st.tuples(*[st.integers(0, len(texts.text[document]))] * 2)))
            evidence += [(question, document, start, end, draw(st.integers(1, 3)))] if start < end else []
    size = draw(st.integers(1, 5))
    chunker = draw(st.sampled_from([words(size, overlap) for overlap in range(size)] + [("whole", {})]))
    chunks = len(split(texts, chunker))
    return texts, evidence, chunker, [draw(st.permutations(range(chunks))) for _ in range(2)]


@settings(max_examples=40, deadline=None)
@given(worlds(), st.integers(1, 8))
def test_every_chunking_agrees_with_ir_measures_and_with_sets_of_characters(world: Any, k: int) -> None:
    texts, evidence, chunker, rankings = world
    spans = split(texts, chunker)
    columns = np.array(evidence, dtype=np.int32).reshape(-1, 5).T
    # Rankings as deep as the corpus, or as k, so that every ideal is known.
    hits = ranking_hits(*[[*ranking, *[-1] * k] for ranking in rankings])
    relevance = relevance_of(hits, spans, QuestionEvidence(*columns), 2, len(texts))

    characters: dict[tuple[int, int], set[tuple[int, int]]] = {}
    judgements = []
    chunks = list(enumerate(zip(spans.document, spans.start, spans.end, strict=True)))
    for question, (row, chunk) in itertools.product(range(2), chunks):
        document, first, past = map(int, chunk)
        parts = [(grade, {(document, at) for at in range(max(first, start), min(past, end))})
                 for owner, of, start, end, grade in evidence if owner == question and of == document]  # fmt: skip
        characters[question, row] = set().union(*(part for _, part in parts))
        if grade := max((grade for grade, part in parts if part), default=0):
            judgements.append(ir_measures.Qrel(str(question), str(row), grade))
    run = [ir_measures.ScoredDoc(str(question), str(row), float(-rank))
           for question, ranking in enumerate(rankings) for rank, row in enumerate(ranking)]  # fmt: skip
    measures = {"recall": ir_measures.R @ k, "precision": ir_measures.P @ k, "mrr": ir_measures.RR @ k,
                "ndcg": ir_measures.nDCG @ k}  # fmt: skip
    expected = ir_measures.calc_aggregate(list(measures.values()), judgements, run) if judgements else None
    for name, measure in measures.items():
        assert score(name, k, relevance) == (pytest.approx(expected[measure]) if expected else None), name

    coverage, ceiling = [], []
    for question, ranking in enumerate(rankings):
        total = len(
            {(of, at) for owner, of, start, end, _ in evidence if owner == question for at in range(start, end)}
        )
        if total:
            coverage.append(len(set().union(*(characters[question, row] for row in ranking[:k]))) / total)
            useful = [characters[question, row] for row in ranking if characters[question, row]]
            choices = itertools.combinations(useful, min(k, len(useful)))
            ceiling.append(max(len(set().union(*choice)) for choice in choices) / total)
    assert score("evidence_coverage", k, relevance) == (pytest.approx(np.mean(coverage)) if coverage else None)
    assert score("evidence_ceiling", k, relevance) == (pytest.approx(np.mean(ceiling)) if ceiling else None)
