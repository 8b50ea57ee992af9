"""What is drawn together, how often, and sums that do not depend on the order of adding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.resampling import document_clusters, drawn_counts, proper_clusters, swaps, unit_sums
from ragtally.api import QuestionEvidence


def evidence(pairs: list[tuple[int, int]]) -> QuestionEvidence:
    question, document = np.array(sorted(pairs), dtype=np.int32).reshape(-1, 2).T
    return QuestionEvidence(question, document, np.zeros(len(pairs), np.int32), np.ones(len(pairs), np.int32))


def test_questions_that_share_a_document_go_together() -> None:
    #         0 - a, b; 1 - c; 2 - b, d; 3 - nothing; 4 - d
    pairs = [(0, 0), (0, 1), (1, 2), (2, 1), (2, 3), (4, 3)]
    assert document_clusters(evidence(pairs), 5).tolist() == [0, 1, 0, 3, 0]


@example([(0, 0), (1, 1), (2, 0), (2, 1)])
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_groups_are_the_closure_of_sharing_a_document(pairs: list[tuple[int, int]]) -> None:
    reach = np.eye(7, dtype=bool)
    for (one, first), (other, second) in itertools.product(pairs, repeat=2):
        reach[one, other] |= first == second
    for _ in range(3):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    found = document_clusters(evidence(pairs), 7)
    assert (found == reach.argmax(axis=1)).all()


def test_clusters_of_one_are_none() -> None:
    assert proper_clusters([5, 3, 9], 3) is None
    assert proper_clusters(None, 3) is None
    assert proper_clusters([], 0) is None
    found = proper_clusters(["b", "a", "b"], 3)
    assert found is not None and found.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="3 questions"):
        proper_clusters([1, 2], 3)


def test_every_resample_has_as_many_draws_and_all_are_alike() -> None:
    counts = np.concatenate(list(drawn_counts(2000, 3000, np.random.default_rng(1))))
    assert counts.shape == (3000, 2000)
    assert (counts.sum(axis=1) == 2000).all()
    # A count is nearly Poisson with mean 1: 1 / e are never drawn.
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=2e-3)
    assert abs(counts.mean(axis=0) - 1).max() < 5 / np.sqrt(3000)


def test_swaps_are_fair_coins() -> None:
    tossed = np.concatenate(list(swaps(2001, 3000, np.random.default_rng(1))))
    assert tossed.shape == (3000, 2001)
    assert set(np.unique(tossed)) == {0, 1}
    assert abs(tossed.mean(axis=0) - 0.5).max() < 2.5 / np.sqrt(3000)


@given(st.lists(st.floats(-1, 1) | st.sampled_from([1 / 3, 1e-9]), min_size=2, max_size=40), st.randoms())
def test_sums_do_not_depend_on_the_order(values: list[float], random: object) -> None:
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    columns = unit_sums(mean_contributions(np.array(values)[:, None])).columns
    own = columns[:, 0].astype(np.float64)
    assert sum(own.tolist()) == sum(own[order].tolist())
    assert own == pytest.approx(values, abs=1e-12)


def test_clusters_are_summed() -> None:
    sums = unit_sums(mean_contributions([[1], [0], [1]]), [7, 3, 7])
    assert sums.units == 2
    assert sums.columns.tolist() == [[0, 1], [2, 2]]
    assert sums.columns.dtype == np.float32
