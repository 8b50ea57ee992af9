"""Every question in one bucket, sums that hold exactly, and losses known by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from ragtally.analysis.error_breakdown import Bucket, Outcomes, Waterfall, waterfalls
from ragtally.analysis.estimate import Estimate
from ragtally.api import Status

R, W, U, F, N = Status.RIGHT, Status.WRONG, Status.UNPARSED, Status.CALL_FAILED, Status.NO_VERDICT
BARS = ("gold", "retrieved", "reader_loss", "retrieval_loss", "distractor_loss", "unanswered_loss", "recovered")


def rows_of(rows: list[tuple[Status, int, int, Status]]) -> Outcomes:
    """From one row per question: its status, evidence characters read, those there are, and the gold control."""
    status, covered, evidence, gold = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    return Outcomes(status, np.array(covered, dtype=int), np.array(evidence, dtype=int), gold)


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
        ((W, 1, 10, R), Bucket.DISTRACTED),
        ((W, 10, 10, W), Bucket.MISREAD),
        ((W, 10, 10, F), Bucket.MISREAD),
    ],
)
def test_the_first_bucket_that_applies(row: tuple[Status, int, int, Status], bucket: Bucket) -> None:
    assert rows_of([row]).buckets() == (bucket,)


@pytest.mark.parametrize(
    ("status", "gold", "bucket"),
    [
        (W, R, Bucket.UNANSWERABLE),
        (W, W, Bucket.UNANSWERABLE),
        (R, R, Bucket.RIGHT_WITHOUT_EVIDENCE),
        (U, R, Bucket.UNPARSED),
        (Status.NOT_GRADED, R, Bucket.NOT_GRADED),
    ],
)
def test_who_answers_what_cannot_be_answered_was_distracted(status: Status, gold: Status, bucket: Bucket) -> None:
    rows = replace(rows_of([(status, 0, 0, gold)]), unanswerable=np.array([True]))
    assert rows.buckets() == (bucket,)
    (bars,) = waterfalls([rows], np.random.default_rng(1))
    assert bars is not None
    assert bars.retrieval_loss.value == 0
    assert bars.distractor_loss.value == float(status is W and gold is R)


@pytest.mark.parametrize(
    ("row", "exactly", "bucket"),
    [
        ((W, 0, 10, R), 0, Bucket.NOT_RETRIEVED),
        ((W, 0, 10, R), 1, Bucket.LOST_BY_INDEX),
        ((W, 0, 10, W), 10, Bucket.LOST_BY_INDEX),
        ((W, 1, 10, R), 10, Bucket.DISTRACTED),
        ((W, 1, 10, W), 0, Bucket.MISREAD),
        ((R, 0, 10, R), 10, Bucket.RIGHT_WITHOUT_EVIDENCE),
        ((U, 0, 10, R), 10, Bucket.UNPARSED),
        ((W, 0, 0, R), 0, Bucket.NOT_RETRIEVED),
    ],
)
def test_what_only_an_exact_search_brings_before_the_reader_is_lost_by_the_index(
    row: tuple[Status, int, int, Status], exactly: int, bucket: Bucket
) -> None:
    outcomes = replace(rows_of([row]), exactly_covered=np.array([exactly]))
    assert outcomes.buckets() == (bucket,)


def test_without_a_gold_control_the_last_two_are_one() -> None:
    status, covered, evidence = [W, W, W, R], np.array([5, 1, 0, 5]), np.array([5, 5, 5, 5])
    assert Outcomes(status, covered, evidence).buckets() == (
        Bucket.GOLD_UNKNOWN,
        Bucket.GOLD_UNKNOWN,
        Bucket.NOT_RETRIEVED,
        Bucket.RIGHT_WITH_EVIDENCE,
    )


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="one row per question"):
        Outcomes([R], np.array([1, 2]), np.array([2, 2]))
    with pytest.raises(ValueError, match="between none and all"):
        rows_of([(R, 3, 2, R)])
    with pytest.raises(ValueError, match="between none and all"):
        replace(rows_of([(R, 1, 2, R)]), exactly_covered=np.array([3]))


def falls(outcomes: Outcomes, seed: int = 0, resamples: int = 200, cluster: np.ndarray | None = None) -> Waterfall:
    (waterfall,) = waterfalls([outcomes], np.random.default_rng(seed), resamples, cluster)
    assert waterfall is not None
    return waterfall


def count(bar: Estimate) -> int:
    """How many questions a bar stands for."""
    assert bar.value is not None
    return round(bar.value * bar.denominator)


def columns(status: Sequence[Status], retrieved: Sequence[bool], gold: Sequence[Status]) -> Outcomes:
    return Outcomes(list(status), np.array(retrieved, dtype=int) * 7, np.full(len(retrieved), 7), list(gold))


def test_by_hand() -> None:
    status = [R, R, W, W, W, W, U, F, N, R, R, W]
    retrieved = [1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1]
    gold = [R, R, R, R, R, W, R, R, W, W, U, R]
    result = falls(columns(status, retrieved, gold))
    counts = {name: count(getattr(result, name)) for name in BARS}
    assert counts == {
        "gold": 8,
        "retrieved": 4,
        "reader_loss": 4,
        "retrieval_loss": 1,
        "distractor_loss": 3,
        "unanswered_loss": 2,
        "recovered": 2,
    }
    assert result.change.value == pytest.approx(-4 / 12)


def test_the_index_takes_its_part_of_the_retrieval_loss() -> None:
    status = [W, W, W, W, R, U]
    retrieved = [0, 0, 0, 1, 0, 0]
    gold = [R, R, W, R, R, R]
    outcomes = columns(status, retrieved, gold)
    whole = falls(outcomes)
    assert whole.index_loss is None and count(whole.retrieval_loss) == 2
    result = falls(replace(outcomes, exactly_covered=np.array([7, 0, 7, 7, 7, 7])))
    assert result.index_loss is not None
    assert (count(result.index_loss), count(result.retrieval_loss), count(result.distractor_loss)) == (1, 1, 1)
    assert replace(result, index_loss=None, retrieval_loss=whole.retrieval_loss) == whole


ROW = st.tuples(st.sampled_from(Status), st.booleans(), st.sampled_from(Status))


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25), st.booleans())
def test_the_sums_hold_exactly(rows: list[tuple[Status, bool, Status]], by_document: bool) -> None:
    outcomes = columns(*zip(*rows, strict=True))
    cluster = np.arange(len(rows)) // 2 if by_document else None
    result = falls(outcomes, resamples=20, cluster=cluster)
    counts = {name: count(getattr(result, name)) for name in BARS}
    assert len(rows) - counts["reader_loss"] == counts["gold"]
    losses = counts["retrieval_loss"] + counts["distractor_loss"] + counts["unanswered_loss"]
    assert counts["gold"] - losses + counts["recovered"] == counts["retrieved"]
    assert result.change.value == pytest.approx((counts["retrieved"] - counts["gold"]) / len(rows))
    assert all(getattr(result, name).value == counts[name] / len(rows) for name in BARS)
    buckets = outcomes.buckets()
    assert counts["distractor_loss"] == buckets.count(Bucket.DISTRACTED)
    assert counts["retrieval_loss"] <= buckets.count(Bucket.NOT_RETRIEVED)


@dataclass(frozen=True)
class Construction:
    """A study whose losses are known: the shares that each bar must find."""

    outcomes: Outcomes
    truth: dict[str, float]


def constructed(seed: int, questions: int = 800, *, noise: float = 0.0, guess: float = 0.4) -> Construction:
    """A reader that errs on 10 % of gold contexts, a retriever that misses 20 %, and guesses without evidence.

    With `noise`, every draw of the reader with evidence is turned over with that probability.
    """
    rng = np.random.default_rng([5, seed])
    reads, retrieved = rng.random(questions) < 0.9, rng.random(questions) < 0.8
    draws = reads[:, None] ^ (rng.random((questions, 2)) < noise)
    gold, right = draws[:, 0], np.where(retrieved, draws[:, 1], rng.random(questions) < guess)
    share = 0.9 * (1 - noise) + 0.1 * noise
    kept_wrong = (0.9 * (1 - noise) * noise) + 0.1 * noise * (1 - noise)
    truth = {
        "gold": share,
        "reader_loss": 1 - share,
        "retrieval_loss": 0.2 * share * (1 - guess),
        "distractor_loss": 0.8 * kept_wrong,
        "unanswered_loss": 0.0,
        "recovered": 0.2 * (1 - share) * guess + 0.8 * kept_wrong,
        "retrieved": 0.8 * share + 0.2 * guess,
    }
    status = [R if flag else W for flag in right]
    return Construction(columns(status, retrieved.tolist(), [R if flag else W for flag in gold]), truth)


@pytest.mark.parametrize("noise", [0.0, 0.08])
def test_losses_known_by_construction_are_found(noise: float) -> None:
    study = constructed(0, 1000, noise=noise)
    result = falls(study.outcomes, resamples=2000)
    for name, share in study.truth.items():
        assert getattr(result, name).contains(share), name
    truth = study.truth["retrieved"] - study.truth["gold"]
    assert result.change.contains(truth)
    assert (result.distractor_loss.value == 0) == (noise == 0)


def test_its_intervals_hold_what_they_promise() -> None:
    studies = 40
    hits = dict.fromkeys(("gold", "retrieval_loss", "distractor_loss", "recovered"), 0)
    for seed in range(studies):
        study = constructed(seed, 500, noise=0.08)
        result = falls(study.outcomes, seed)
        for name in hits:
            hits[name] += bool(getattr(result, name).contains(study.truth[name]))
    assert min(hits.values()) >= binom.ppf(0.001, studies, 0.93)


def test_questions_of_one_document_widen_the_intervals() -> None:
    study = constructed(1, 100)
    outcomes = study.outcomes
    fourfold = columns(
        [status for status in outcomes.status for _ in range(4)],
        np.repeat(outcomes.covered > 0, 4).tolist(),
        [status for status in outcomes.gold_status or () for _ in range(4)],
    )

    def width(result: Waterfall) -> float:
        interval = result.retrieval_loss
        assert interval.low is not None and interval.high is not None
        return interval.high - interval.low

    together = falls(fourfold, resamples=1000, cluster=np.arange(400) // 4)
    assert width(together) > 1.6 * width(falls(fourfold, resamples=1000))
    assert together.change.method == "jackknife"
    # No question is unanswered: not more is known of that than 100 documents tell.
    assert together.unanswered_loss.high == pytest.approx(3.84 / 103.84, abs=1e-3)


def test_without_a_gold_control_there_is_no_waterfall() -> None:
    outcomes = Outcomes([R, W], np.array([1, 0]), np.array([1, 1]))
    assert waterfalls([outcomes], np.random.default_rng(0)) == [None]


def test_no_questions_have_no_shares() -> None:
    result = falls(columns([], [], []))
    assert result.gold.reason == result.change.reason == "there are no questions"
