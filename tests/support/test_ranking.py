"""Ranking: rounded scores, ties by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ragtally.support.ranking import RankedRows, best_rows, no_hits, round_scores, write_hits

FINITE = st.floats(-1e300, 1e300, allow_nan=False)


@pytest.mark.parametrize(
    ("score", "rounded"),
    [
        (0.0, 0.0),
        (1.0, 1.0),
        (0.123456789, 0.12346),
        (123456.7, 123460.0),
        (-0.00012345678, -0.00012346),
        (9.99996, 10.0),
        (1e-320, 0.0),
    ],
)
def test_rounds_to_five_significant_digits(score: float, rounded: float) -> None:
    assert round_scores(np.array([score]))[0] == pytest.approx(rounded, rel=1e-12, abs=1e-300)


@given(arrays.arrays(np.float64, st.integers(0, 40), elements=FINITE))
def test_rounding_keeps_the_order_and_is_done_after_once(scores: np.ndarray) -> None:
    rounded = round_scores(np.sort(scores))
    assert np.isfinite(rounded).all()
    assert (np.diff(rounded) >= 0).all()
    np.testing.assert_allclose(round_scores(rounded), rounded, rtol=1e-9)


@pytest.mark.parametrize("noise", [1 - 1e-7, 1 + 1e-7])
def test_noise_in_the_seventh_digit_does_not_change_the_order(noise: float) -> None:
    ranked = best_rows(np.array([2.5, 2.5 * noise, 2.5]), np.array([9, 4, 7]), 3)
    assert ranked.rows.tolist() == [4, 7, 9]


@given(
    st.lists(st.tuples(st.integers(-30, 30), st.integers(-3, 3)), max_size=80),
    st.integers(0, 12),
    st.randoms(use_true_random=False),
)
def test_equals_a_plain_sort(parts: list[tuple[int, int]], limit: int, random) -> None:
    # Few different magnitudes with errors around the rounding step: many ties and near ties.
    scores = np.array([value * (1 + 4e-5 * nudge) for value, nudge in parts], dtype=np.float64)
    rows = list(range(len(scores)))
    random.shuffle(rows)
    expected = sorted(zip((-round_scores(scores)).tolist(), rows, strict=True))[:limit]
    ranked = best_rows(scores, np.array(rows, dtype=np.int64), limit)
    assert ranked.rows.tolist() == [row for _, row in expected]
    np.testing.assert_array_equal(ranked.scores, np.array([-score for score, _ in expected], np.float32))
    assert ranked.rows.dtype == np.int32
    assert ranked.scores.dtype == np.float32


def test_hits_are_padded() -> None:
    hits = no_hits(2, 3)
    write_hits(hits, 1, RankedRows(np.array([8, 2], np.int32), np.array([1.5, 0.5], np.float32)))
    assert hits.passage.tolist() == [[-1, -1, -1], [8, 2, -1]]
    assert hits.score.tolist() == [[0, 0, 0], [1.5, 0.5, 0]]
    assert hits.passage.dtype == np.int32
    assert hits.score.dtype == np.float32
