"""Retrieval metrics against ir_measures, a table by hand, and their own invariants."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ragtally_retrieval_metrics
from ragtally.api import RankingRelevance, Score
from ragtally.metrics import metric_scores

COMPONENTS = {component.name: component for component in ragtally_retrieval_metrics.register_metrics()}


def ranking(
    relevant: list[list[int]],
    relevant_total: list[int],
    *,
    hits: list[int] | None = None,
    relevant_document: list[list[int]] | None = None,
    evidence_total: list[int] | None = None,
    covered: list[list[int]] | None = None,
    coverable: list[list[int]] | None = None,
    ideal: list[list[int]] | None = None,
) -> RankingRelevance:
    """A ranking judged by its grades; what is left out follows from ten characters of evidence a relevant chunk."""
    grade = np.array(relevant, dtype=np.int32).reshape(len(relevant), len(relevant[0]) if relevant else 0)
    table = grade > 0
    total = np.array(relevant_total, dtype=np.int64)
    rank = np.arange(table.shape[1])
    depth = np.full(len(total), table.shape[1]) if hits is None else np.array(hits)
    best = np.minimum(rank + 1, total[:, None]) * 10
    return RankingRelevance(
        hit=rank < depth[:, None],
        relevant=table,
        relevant_document=table if relevant_document is None else np.array(relevant_document, dtype=bool),
        grade=grade,
        relevant_total=total,
        ideal=(rank < total[:, None]).astype(np.int32) if ideal is None else np.array(ideal, dtype=np.int32),
        evidence_total=total * 10 if evidence_total is None else np.array(evidence_total, dtype=np.int64),
        covered=np.cumsum(table, axis=1) * 10 if covered is None else np.array(covered, dtype=np.int64),
        coverable=best if coverable is None else np.array(coverable, dtype=np.int64),
    )


def score(name: str, k: int, relevance: RankingRelevance) -> Score:
    ((label, single),) = metric_scores(COMPONENTS[f"{name}@k"].build(k=k), relevance).items()
    assert label == f"{name}@{k}"
    return single


HAND = ranking(
    relevant=[[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    relevant_total=[3, 1, 2, 0],
    relevant_document=[[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
    evidence_total=[40, 10, 20, 0],
    covered=[[0, 10, 25, 25], [10, 10, 10, 10], [0, 0, 0, 0], [0, 0, 0, 0]],
    coverable=[[15, 30, 36, 36], [10, 10, 10, 10], [12, 20, 20, 20], [0, 0, 0, 0]],
)
"""Four questions: two of three relevant chunks found, the only one found first, none found, none to be found."""

GAIN = 1 / math.log2(3)
"""The gain of a relevant chunk at rank 2."""


@pytest.mark.parametrize(
    ("name", "k", "mean"),
    [
        ("document_hit", 1, 2 / 3),
        ("document_hit", 4, 3 / 3),
        ("mrr", 1, (0 + 1 + 0) / 3),
        ("mrr", 4, (1 / 2 + 1 + 0) / 3),
        ("recall", 2, (1 / 3 + 1 + 0) / 3),
        ("recall", 4, (2 / 3 + 1 + 0) / 3),
        ("precision", 2, (1 / 2 + 1 / 2 + 0) / 3),
        ("precision", 4, (2 / 4 + 1 / 4 + 0) / 3),
        ("ndcg", 1, (0 + 1 + 0) / 3),
        ("ndcg", 2, (GAIN / (1 + GAIN) + 1 + 0) / 3),
        ("ndcg", 4, ((GAIN + 1 / 2) / (1 + GAIN + 1 / 2) + 1 + 0) / 3),
        ("evidence_coverage", 3, (25 / 40 + 1 + 0) / 3),
        ("evidence_ceiling", 1, (15 / 40 + 1 + 12 / 20) / 3),
        ("evidence_ceiling", 3, (36 / 40 + 1 + 1) / 3),
    ],
)
def test_a_table_by_hand(name: str, k: int, mean: float) -> None:
    single = score(name, k, HAND)
    assert single.value == pytest.approx(mean, abs=1e-12)
    assert single.denominator == 3


GRADES = ranking([[0, 3, 1, 0], [1, 2, 0, 0]], [3, 2], ideal=[[3, 2, 1, 0], [2, 1, 0, 0]])
"""Grades 3 and 1 found of 3, 2 and 1; grades 1 and 2 found in the wrong order."""


@pytest.mark.parametrize(
    ("k", "mean"),
    [
        (1, (0 / 3 + 1 / 2) / 2),
        (2, (3 * GAIN / (3 + 2 * GAIN) + (1 + 2 * GAIN) / (2 + 1 * GAIN)) / 2),
        (4, ((3 * GAIN + 1 / 2) / (3 + 2 * GAIN + 1 / 2) + (1 + 2 * GAIN) / (2 + 1 * GAIN)) / 2),
        (9, ((3 * GAIN + 1 / 2) / (3 + 2 * GAIN + 1 / 2) + (1 + 2 * GAIN) / (2 + 1 * GAIN)) / 2),
    ],
)
def test_grades_by_hand(k: int, mean: float) -> None:
    assert score("ndcg", k, GRADES).value == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("name", ["document_hit", "mrr", "recall", "precision", "evidence_coverage"])
def test_grades_matter_to_ndcg_alone(name: str) -> None:
    level = replace(GRADES, grade=np.minimum(GRADES.grade, 1), ideal=np.minimum(GRADES.ideal, 1))
    assert score(name, 2, GRADES) == score(name, 2, level)
    assert score("ndcg", 2, GRADES) != score("ndcg", 2, level)


@dataclass
class Case:
    """A judged ranking with the grades of the relevant chunks that it missed."""

    relevance: RankingRelevance
    unranked: list[list[int]]


@st.composite
def rankings(draw: st.DrawFn, highest: int = 1) -> Case:
    questions, depth = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    grade = draw(hnp.arrays(np.int32, (questions, depth), elements=st.integers(0, highest)))
    hits = draw(st.lists(st.integers(0, depth), min_size=questions, max_size=questions))
    for row, count in enumerate(hits):
        grade[row, count:] = 0
    # Where grades differ, all relevant chunks must fit into the depth: past it, the best grades are not known.
    unranked = [
        draw(st.lists(st.integers(1, highest), max_size=4 if highest == 1 else depth - int((of_one > 0).sum())))
        for of_one in grade
    ]
    best = [
        sorted([*of_one, *more, *[0] * depth], reverse=True) for of_one, more in zip(grade, unranked, strict=True)
    ]
    total = [int((of_one > 0).sum()) + len(more) for of_one, more in zip(grade, unranked, strict=True)]
    return Case(ranking(grade.tolist(), total, hits=hits, ideal=[row[:depth] for row in best]), unranked)


@settings(max_examples=60, deadline=None)
@given(rankings() | rankings(3), st.integers(1, 10))
def test_ir_measures_agrees(case: Case, k: int) -> None:
    relevance, judgements, run = case.relevance, [], []
    for question, unranked in enumerate(case.unranked):
        ranks = np.flatnonzero(relevance.hit[question]).tolist()
        run += [ir_measures.ScoredDoc(str(question), f"h{rank}", 100.0 - rank) for rank in ranks]
        grades = {f"h{rank}": int(relevance.grade[question, rank]) for rank in ranks}
        grades |= {f"m{number}": grade for number, grade in enumerate(unranked)}
        # A question with nothing relevant is left out of our means, and has no line in these judgements either.
        if any(grades.values()):
            judgements += [ir_measures.Qrel(str(question), name, grade) for name, grade in grades.items()]
    names: dict[str, Any] = {"recall": ir_measures.R @ k, "precision": ir_measures.P @ k, "mrr": ir_measures.RR @ k}
    names["ndcg"] = ir_measures.nDCG @ k
    if not judgements:
        assert all(score(name, k, relevance).value is None for name in names)
        return
    expected = ir_measures.calc_aggregate(list(names.values()), judgements, run)
    for name, measure in names.items():
        assert score(name, k, relevance).value == pytest.approx(expected[measure], abs=1e-9), name


@settings(max_examples=40, deadline=None)
@given(rankings(), st.integers(1, 10))
def test_without_grades_ndcg_is_that_of_relevant_or_not_to_the_last_bit(case: Case, k: int) -> None:
    discount = [1 / math.log2(rank + 1) for rank in range(1, k + 1)]
    ideal = np.cumsum(discount)
    values = []
    for relevant, total in zip(case.relevance.relevant, case.relevance.relevant_total, strict=True):
        gain = sum(step for step, hit in zip(discount, relevant, strict=False) if hit)
        values += [float(gain / ideal[min(int(total), k) - 1])] if total else []
    assert score("ndcg", k, case.relevance).value == (math.fsum(values) / len(values) if values else None)


@settings(max_examples=100, deadline=None)
@given(rankings() | rankings(4), st.integers(1, 8))
def test_shares_stay_between_nothing_and_all(case: Case, k: int) -> None:
    relevance = case.relevance
    for component in COMPONENTS:
        number = score(component.removesuffix("@k"), k, relevance).value
        assert number is None or 0 <= number <= 1
    coverage, ceiling = score("evidence_coverage", k, relevance).value, score("evidence_ceiling", k, relevance).value
    assert coverage is None or ceiling is None or coverage <= ceiling


@pytest.mark.parametrize("name", ["mrr", "recall", "ndcg", "document_hit", "evidence_coverage", "evidence_ceiling"])
@pytest.mark.parametrize("k", range(1, 9))
def test_a_larger_cut_off_loses_nothing_and_a_perfect_ranking_gets_one(name: str, k: int) -> None:
    perfect = ranking([[1] * 3 + [0] * 5, [1] * 8], [3, 8])
    assert (score(name, k, perfect).value or 0) <= (score(name, 8, perfect).value or 0)
    if name in {"mrr", "ndcg", "document_hit"} or k == 8:
        assert score(name, k, perfect).value == 1.0


@pytest.mark.parametrize("name", ["document_hit", "mrr", "recall", "precision", "ndcg", "evidence_coverage"])
def test_a_ranking_that_ends_early_counts_as_one_without_further_hits(name: str) -> None:
    short = ranking([[0, 1]], [2])
    longer = ranking([[0, 1, 0, 0, 0]], [2], hits=[2])
    assert score(name, 5, short) == score(name, 5, longer)


@pytest.mark.parametrize("name", ["document_hit", "mrr", "recall", "precision", "ndcg", "evidence_coverage"])
def test_a_ranking_of_no_depth_scores_zero(name: str) -> None:
    assert score(name, 3, ranking([[]], [2])) == Score(0.0, 1)


def test_a_ceiling_beyond_the_ranking_is_known_only_where_no_more_chunks_could_count() -> None:
    assert score("evidence_ceiling", 5, ranking([[0, 1]], [2])) == Score(1.0, 1)
    unknown = score("evidence_ceiling", 5, ranking([[0, 1], [0, 1]], [2, 3]))
    assert unknown == Score(None, 0, "the ranking is 2 deep, too shallow to know the ceiling at 5")


def test_the_best_grades_beyond_the_ranking_are_known_only_where_they_must_be_one() -> None:
    assert score("ndcg", 3, ranking([[1, 0]], [3], ideal=[[2, 1]])).value == pytest.approx(1 / (2 + GAIN + 1 / 2))
    unknown = score("ndcg", 3, ranking([[1, 0], [1, 0]], [1, 3], ideal=[[1, 0], [2, 2]]))
    assert unknown == Score(None, 0, "the ranking is 2 deep, too shallow to know the best grades at 3")


@pytest.mark.parametrize("name", sorted(COMPONENTS))
@pytest.mark.parametrize("questions", [0, 2])
def test_where_nothing_applies_nothing_is_scored(name: str, questions: int) -> None:
    single = score(name.removesuffix("@k"), 2, ranking([[0, 0]] * questions, [0] * questions))
    assert (single.value, single.denominator) == (None, 0)
    assert single.reason


def test_evidence_that_no_chunk_holds_counts_for_coverage_but_not_for_recall() -> None:
    relevance = replace(ranking([[0]], [0]), evidence_total=np.array([4]))
    assert score("evidence_coverage", 1, relevance) == Score(0.0, 1)
    assert score("evidence_ceiling", 1, relevance) == Score(0.0, 1)
    assert score("recall", 1, relevance).reason == "no question has a relevant chunk"


def test_a_cut_off_must_be_given() -> None:
    for component in COMPONENTS.values():
        assert component.params["k"]["minimum"] == 1
        assert "default" not in component.params["k"]
