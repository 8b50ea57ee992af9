"""Every question is in exactly one bucket, the first that applies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.analysis.decomposition import Bucket, Outcomes, decompose
from ragtally.api import Status

R, W, U, F, N = Status.RIGHT, Status.WRONG, Status.UNPARSED, Status.CALL_FAILED, Status.NO_VERDICT


def outcomes(rows: list[tuple[Status, int, int, Status]], doubtful: list[bool] | None = None) -> Outcomes:
    """From a row a question: what became of it, evidence characters read, those there are, and the gold control."""
    status, covered, evidence, gold = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    return Outcomes(status, np.array(covered, dtype=int), np.array(evidence, dtype=int), gold, doubtful)


ROWS = st.tuples(st.sampled_from(Status), st.integers(0, 10), st.integers(0, 10), st.sampled_from(Status)).map(
    lambda row: (row[0], min(row[1], row[2]), row[2], row[3])
)


@pytest.mark.parametrize(
    ("row", "bucket"),
    [
        ((F, 5, 10, R), Bucket.CALL_FAILED),
        ((F, 0, 10, W), Bucket.CALL_FAILED),
        ((U, 0, 10, R), Bucket.UNPARSED),
        ((N, 10, 10, R), Bucket.NO_VERDICT),
        ((R, 1, 10, W), Bucket.RIGHT_WITH_EVIDENCE),
        ((R, 0, 10, R), Bucket.RIGHT_WITHOUT_EVIDENCE),
        ((R, 0, 0, R), Bucket.RIGHT_WITHOUT_EVIDENCE),
        ((W, 0, 10, W), Bucket.NOT_RETRIEVED),
        ((W, 0, 10, R), Bucket.NOT_RETRIEVED),
        ((W, 1, 10, R), Bucket.DROWNED),
        ((W, 10, 10, W), Bucket.MISREAD),
        ((W, 10, 10, F), Bucket.MISREAD),
    ],
)
def test_the_first_bucket_that_applies(row: tuple[Status, int, int, Status], bucket: Bucket) -> None:
    found = decompose(outcomes([row]))
    assert found.bucket == (bucket,)
    assert found.counts[bucket] == 1


@pytest.mark.parametrize(
    ("share", "covered", "retrieved"),
    [(0.0, 1, True), (0.0, 0, False), (0.5, 4, False), (0.5, 5, True), (1.0, 9, False), (1.0, 10, True)],
)
def test_how_much_evidence_must_be_there(share: float, covered: int, retrieved: bool) -> None:
    found = decompose(outcomes([(W, covered, 10, R)]), share)
    assert found.bucket == (Bucket.DROWNED if retrieved else Bucket.NOT_RETRIEVED,)
    assert found.evidence_share == share


@given(st.lists(ROWS, max_size=30), st.floats(0, 1), st.data())
def test_buckets_sum_to_the_questions(rows: list, share: float, data: st.DataObject) -> None:
    flags = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    found = decompose(outcomes(rows, flags), share)
    assert list(found.counts) == list(Bucket)
    assert sum(found.counts.values()) == len(found.bucket) == len(rows)
    assert all(found.counts[bucket] == found.bucket.count(bucket) for bucket in Bucket)
    assert found.doubtful is not None
    assert sum(found.doubtful.values()) == sum(flags)
    assert all(found.doubtful[bucket] <= found.counts[bucket] for bucket in Bucket)
    assert found.counts[Bucket.GOLD_UNKNOWN] == 0
    right = found.counts[Bucket.RIGHT_WITH_EVIDENCE] + found.counts[Bucket.RIGHT_WITHOUT_EVIDENCE]
    assert right == sum(row[0] is R for row in rows)


@given(st.lists(ROWS, min_size=1, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_to_ask_for_more_evidence_never_finds_more(rows: list, one: float, other: float) -> None:
    less, more = sorted([one, other])
    with_evidence = (Bucket.RIGHT_WITH_EVIDENCE, Bucket.DROWNED, Bucket.MISREAD)
    for before, after in zip(
        decompose(outcomes(rows), less).bucket, decompose(outcomes(rows), more).bucket, strict=True
    ):
        assert before in with_evidence or after not in with_evidence


def test_without_a_gold_control_the_last_two_are_one() -> None:
    status, covered, evidence = [W, W, W, R], np.array([5, 1, 0, 5]), np.array([5, 5, 5, 5])
    found = decompose(Outcomes(status, covered, evidence))
    assert found.bucket == (
        Bucket.GOLD_UNKNOWN,
        Bucket.GOLD_UNKNOWN,
        Bucket.NOT_RETRIEVED,
        Bucket.RIGHT_WITH_EVIDENCE,
    )
    assert found.doubtful is None


def test_questions_without_evidence_are_told() -> None:
    assert decompose(outcomes([(W, 0, 0, R), (R, 0, 0, R), (R, 1, 2, R)])).without_evidence == 2
    assert decompose(outcomes([])).without_evidence == 0


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="one row a question"):
        Outcomes([R], np.array([1, 2]), np.array([2, 2]))
    with pytest.raises(ValueError, match="between none and all"):
        outcomes([(R, 3, 2, R)])
    with pytest.raises(ValueError, match="between 0 and 1"):
        decompose(outcomes([(R, 1, 2, R)]), 1.5)
