"""From gold to retrieved contexts: sums that hold exactly, and losses known by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from ragtally.analysis.decomposition import Bucket, Outcomes, decompose
from ragtally.analysis.waterfall import Part, Waterfall, waterfall
from ragtally.api import Status

R, W, U, F, N = Status.RIGHT, Status.WRONG, Status.UNPARSED, Status.CALL_FAILED, Status.NO_VERDICT
PARTS = ("gold", "retrieved", "reader_loss", "retrieval_loss", "distractor_loss", "unanswered_loss", "luck")


def falls(outcomes: Outcomes, seed: int = 0, resamples: int = 200, **settings: object) -> Waterfall:
    found = waterfall(outcomes, np.random.default_rng(seed), resamples=resamples, **settings)  # type: ignore[arg-type]
    assert found is not None
    return found


def columns(status: Sequence[Status], found: Sequence[bool], gold: Sequence[Status]) -> Outcomes:
    return Outcomes(list(status), np.array(found, dtype=int) * 7, np.full(len(found), 7), list(gold))


def test_by_hand() -> None:
    status = [R, R, W, W, W, W, U, F, N, R, R, W]
    found = [1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1]
    gold = [R, R, R, R, R, W, R, R, W, W, U, R]
    result = falls(columns(status, found, gold))
    counts = {name: getattr(result, name).count for name in PARTS}
    assert counts == {
        "gold": 8,
        "retrieved": 4,
        "reader_loss": 4,
        "retrieval_loss": 1,
        "distractor_loss": 3,
        "unanswered_loss": 2,
        "luck": 2,
    }
    assert result.luck_with_evidence == 1
    assert result.change.value == pytest.approx(-4 / 12)


ROW = st.tuples(st.sampled_from(Status), st.booleans(), st.sampled_from(Status))


@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25), st.booleans())
def test_the_sums_hold_exactly(rows: list[tuple[Status, bool, Status]], by_document: bool) -> None:
    outcomes = columns(*zip(*rows, strict=True))
    cluster = np.arange(len(rows)) // 2 if by_document else None
    result = falls(outcomes, resamples=20, cluster=cluster)
    assert result.questions - result.reader_loss.count == result.gold.count
    losses = result.retrieval_loss.count + result.distractor_loss.count + result.unanswered_loss.count
    assert result.gold.count - losses + result.luck.count == result.retrieved.count
    assert result.change.value == pytest.approx((result.retrieved.count - result.gold.count) / result.questions)
    for name in PARTS:
        part: Part = getattr(result, name)
        assert part.share.value == part.count / result.questions
    buckets = decompose(outcomes).counts
    assert result.distractor_loss.count == buckets[Bucket.DROWNED]
    assert result.retrieval_loss.count <= buckets[Bucket.NOT_RETRIEVED]


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
    reads, found = rng.random(questions) < 0.9, rng.random(questions) < 0.8
    draws = reads[:, None] ^ (rng.random((questions, 2)) < noise)
    gold, right = draws[:, 0], np.where(found, draws[:, 1], rng.random(questions) < guess)
    share = 0.9 * (1 - noise) + 0.1 * noise
    kept_wrong = (0.9 * (1 - noise) * noise) + 0.1 * noise * (1 - noise)
    truth = {
        "gold": share,
        "reader_loss": 1 - share,
        "retrieval_loss": 0.2 * share * (1 - guess),
        "distractor_loss": 0.8 * kept_wrong,
        "unanswered_loss": 0.0,
        "luck": 0.2 * (1 - share) * guess + 0.8 * kept_wrong,
        "retrieved": 0.8 * share + 0.2 * guess,
    }
    status = [R if flag else W for flag in right]
    return Construction(columns(status, found.tolist(), [R if flag else W for flag in gold]), truth)


@pytest.mark.parametrize("noise", [0.0, 0.08])
def test_losses_known_by_construction_are_found(noise: float) -> None:
    study = constructed(0, 1000, noise=noise)
    result = falls(study.outcomes, resamples=2000)
    for name, share in study.truth.items():
        assert getattr(result, name).interval.contains(share), name
    truth = study.truth["retrieved"] - study.truth["gold"]
    assert result.change_interval.contains(truth)
    assert (result.distractor_loss.count == 0) == (noise == 0)


def test_its_intervals_hold_what_they_promise() -> None:
    studies = 40
    held = dict.fromkeys(("gold", "retrieval_loss", "distractor_loss", "luck"), 0)
    for seed in range(studies):
        study = constructed(seed, 500, noise=0.08)
        result = falls(study.outcomes, seed, confidence=0.9)
        for name in held:
            held[name] += bool(getattr(result, name).interval.contains(study.truth[name]))
    assert min(held.values()) >= binom.ppf(0.001, studies, 0.88)


def test_questions_of_one_document_widen_the_intervals() -> None:
    study = constructed(1, 100)
    outcomes = study.outcomes
    repeated = columns(
        [status for status in outcomes.status for _ in range(4)],
        np.repeat(outcomes.covered > 0, 4).tolist(),
        [status for status in outcomes.gold_status or () for _ in range(4)],
    )

    def width(result: Waterfall) -> float:
        interval = result.retrieval_loss.interval
        assert interval.low is not None and interval.high is not None
        return interval.high - interval.low

    together = falls(repeated, resamples=1000, cluster=np.arange(400) // 4)
    assert width(together) > 1.6 * width(falls(repeated, resamples=1000))
    assert together.change_interval.method == "bootstrap BCa"
    # No question is unanswered: not more is known of that than 100 documents tell.
    assert together.unanswered_loss.interval.high == pytest.approx(3.84 / 103.84, abs=1e-3)


def test_without_a_gold_control_there_is_no_waterfall() -> None:
    outcomes = Outcomes([R, W], np.array([1, 0]), np.array([1, 1]))
    assert waterfall(outcomes, np.random.default_rng(0)) is None


def test_no_questions_have_no_shares() -> None:
    result = falls(columns([], [], []))
    assert result.questions == 0
    assert result.gold.share.reason == result.change.reason == "there are no questions"
