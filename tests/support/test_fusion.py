"""Merged rankings are what a dictionary and a sort make of them, one question after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import Hits
from ragtally.support import fusion as merging
from ragtally.support.fusion import fuse_hits
from ragtally.support.ranking import round_scores

MERGE = {np.add: lambda scores: float(sum(scores)), np.maximum: max}


def one_by_one(rows: np.ndarray, scores: np.ndarray, limit: int, merge: np.ufunc) -> list[list[tuple[int, float]]]:
    rankings = []
    for of_question, scored in zip(rows.tolist(), scores.tolist(), strict=True):
        gathered: dict[int, list[float]] = {}
        for row, score in zip(of_question, scored, strict=True):
            if row >= 0:
                gathered.setdefault(row, []).append(score)
        merged = {row: float(round_scores(np.array(MERGE[merge](of_row)))) for row, of_row in gathered.items()}
        best = sorted(merged.items(), key=lambda item: (-item[1], item[0]))
        rankings.append(best[:limit])
    return rankings


def expect(hits: Hits, rankings: list[list[tuple[int, float]]], limit: int) -> None:
    assert hits.passage.dtype == np.int32
    assert hits.score.dtype == np.float32
    assert hits.passage.shape == hits.score.shape == (len(rankings), limit)
    for rows, scores, ranking in zip(hits.passage, hits.score, rankings, strict=True):
        assert rows.tolist() == [row for row, _ in ranking] + [-1] * (limit - len(ranking))
        wanted = [score for _, score in ranking] + [0.0] * (limit - len(ranking))
        np.testing.assert_array_equal(scores, np.array(wanted, dtype=np.float32))


@pytest.mark.parametrize("merge", list(MERGE))
@given(data=st.data())
def test_ranks_as_a_dictionary_and_a_sort_do(merge: np.ufunc, data: st.DataObject) -> None:
    questions, candidates = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 9))
    cells = st.tuples(st.integers(-1, 4), st.sampled_from([-2.5, -1.0, -0.0, 0.0, 0.5, 1.0, 1 / 3, 1 / 61, 7e6]))
    drawn = data.draw(
        st.lists(st.lists(cells, min_size=candidates, max_size=candidates), min_size=questions, max_size=questions)
    )
    table = np.array(drawn, dtype=np.float64).reshape(questions, candidates, 2)
    rows, scores, limit = table[..., 0].astype(np.int32), table[..., 1], data.draw(st.integers(0, 12))
    expect(fuse_hits(rows, scores, limit, merge), one_by_one(rows, scores, limit, merge), limit)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    rows = draw.integers(-1, 40, (50, 30)).astype(np.int32)
    scores = draw.standard_normal((50, 30)).astype(np.float32)
    whole = fuse_hits(rows, scores, 25)
    monkeypatch.setattr(merging, "QUESTIONS_AT_ONCE", 7)
    pieces = fuse_hits(rows, scores, 25)
    np.testing.assert_array_equal(whole.passage, pieces.passage)
    np.testing.assert_array_equal(whole.score, pieces.score)
    expect(whole, one_by_one(rows, scores.astype(np.float64), 25, np.add), 25)


def test_the_largest_rows_keep_their_places() -> None:
    largest = np.iinfo(np.int32).max
    rows = np.array([[largest, 0, largest - 1, largest]], dtype=np.int32)
    hits = fuse_hits(rows, np.array([[1.0, 2.0, 2.0, 1.0]]), 4)
    assert hits.passage.tolist() == [[0, largest - 1, largest, -1]]
    assert hits.score.tolist() == [[2.0, 2.0, 2.0, 0.0]]


def test_scores_that_round_to_one_number_are_equal() -> None:
    # A third summed in another order; the sixth digit is no reason to prefer one.
    hits = fuse_hits(np.array([[7, 3]], dtype=np.int32), np.array([[1 / 3, 1 / 3 - 1e-8]]), 2)
    assert hits.passage.tolist() == [[3, 7]]
    assert hits.score[0, 0] == hits.score[0, 1]


def test_candidates_stay_as_they_are() -> None:
    rows, scores = np.array([[2, 0, 2]], dtype=np.int32), np.array([[0.1, 0.2, 0.3]])
    fuse_hits(rows, scores, 2)
    assert rows.tolist() == [[2, 0, 2]]
    assert scores.tolist() == [[0.1, 0.2, 0.3]]
