"""Shares by judges, corrected by people: against ppi-python, and by simulation of judges that err."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ragtally.analysis.prediction_powered import (
    JudgedValues,
    corrected_estimate,
    corrected_mean,
    difference,
)
from ragtally.analysis.proportions import wilson
from ragtally.results.people import DOUBTFUL, RIGHT, STRATA, WRONG, draw

REPETITIONS = 500


def sample(seed: int, questions: int = 400, graded: int = 80) -> JudgedValues:
    """Values of judges who are right nine times of ten, and of people on some questions drawn alike."""
    generator = np.random.default_rng(seed)
    truth = (generator.random(questions) < 0.6).astype(float)
    judges = np.where(generator.random(questions) < 0.9, truth, 1 - truth)
    people = np.full(questions, np.nan)
    rows = generator.permutation(questions)[:graded]
    people[rows] = truth[rows]
    weight = np.full(questions, questions / graded)
    return JudgedValues(judges, people, weight, np.ones(questions, dtype=bool), np.ones(questions))


@pytest.mark.slow  # Importing the oracle takes longest
@pytest.mark.parametrize("seed", range(5))
def test_it_is_ppi_python_s_where_all_are_drawn_alike(seed: int) -> None:
    ppi = pytest.importorskip("ppi_py", reason="ppi-python, the oracle, is not installed")
    values = sample(seed)
    has_grade = ~np.isnan(values.people)
    labels, of_labels, of_others = values.people[has_grade], values.judges[has_grade], values.judges[~has_grade]
    # Its judged answers without a grade are apart; ours hold the others too, whence the share between the powers.
    power = 0.75
    share = len(of_others) / len(values.judges)
    mean = corrected_mean(values, power)
    by_oracle = ppi.ppi_mean_pointestimate(labels, of_labels, of_others, lam=power * share)
    assert mean.value == pytest.approx(np.asarray(by_oracle).item())
    best = corrected_mean(values)
    limits = ppi.ppi_mean_ci(labels, of_labels, of_others, alpha=0.05, lam=best.power * share)
    low, high = (np.asarray(limit).item() for limit in limits)
    assert best.value == pytest.approx((low + high) / 2)
    questions = len(values.judges)
    error = math.sqrt((best.influence**2).sum()) / questions
    # Its variances are of n, ours cross a term that is zero for the best power of the labels themselves.
    assert error == pytest.approx((high - low) / 2 / 1.959964, rel=0.05)


def test_without_power_it_is_the_share_of_people_and_with_all_graded_that_of_all() -> None:
    values = sample(1)
    has_grade = ~np.isnan(values.people)
    assert corrected_mean(values, 0.0).value == pytest.approx(values.people[has_grade].mean())
    whole = sample(1, graded=400)
    mean = corrected_mean(whole)
    assert mean.value == pytest.approx(whole.people.mean())
    estimate = corrected_estimate(mean, np.arange(400))
    exact = wilson(int(whole.people.sum()), 400)
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high), abs=0.006)


def test_what_other_graders_decided_stays_as_it_is() -> None:
    values = sample(2)
    by_panel = np.arange(400) % 2 == 0
    mean = corrected_mean(replace(values, open=by_panel))
    swapped = np.where(by_panel, values.people, 1 - values.people)
    assert corrected_mean(replace(values, open=by_panel, people=swapped)).value == mean.value


def test_questions_of_one_document_err_together() -> None:
    values = sample(3)
    twice = [np.repeat(column, 2) for column in (values.judges, values.people, values.weight)]
    doubled = JudgedValues(*twice, np.ones(800, dtype=bool), np.ones(800))
    one, two = corrected_mean(values), corrected_mean(doubled)
    alone, together = corrected_estimate(one, np.arange(400)), corrected_estimate(two, np.repeat(np.arange(400), 2))
    assert together.value == pytest.approx(alone.value)
    assert together.low == pytest.approx(alone.low, abs=0.003)
    apart = corrected_estimate(two, np.arange(800))
    assert apart.low is not None and together.low is not None and apart.low > together.low


def test_few_grades_give_no_interval_and_no_error_among_some_is_no_certainty() -> None:
    values = sample(4, graded=9)
    estimate = corrected_estimate(corrected_mean(values), np.arange(400))
    assert estimate.value is None and "people graded 9 of its 400 judged answers" in str(estimate.reason)
    agreed = sample(4, graded=40)
    agreed = replace(agreed, people=np.where(np.isnan(agreed.people), np.nan, agreed.judges))
    certain = corrected_estimate(corrected_mean(agreed), np.arange(400))
    raw = wilson(int(agreed.judges.sum()), 400)
    assert certain.value == pytest.approx(raw.value)
    assert certain.high - certain.low > raw.high - raw.low  # type: ignore[operator]


def test_all_right_by_everybody_is_no_certainty() -> None:
    ones = np.ones(24)
    everybody = JudgedValues(ones, ones, ones, np.ones(24, dtype=bool), ones)
    estimate = corrected_estimate(corrected_mean(everybody), np.arange(24))
    exact = wilson(24, 24)
    assert (estimate.value, estimate.low, estimate.high) == (1.0, exact.low, 1.0)
    none = difference(corrected_mean(everybody), corrected_mean(everybody))
    assert "no question changes it" in str(corrected_estimate(none, np.arange(24), (-1.0, 1.0)).reason)


def ballots(
    generator: np.random.Generator, truth: NDArray[np.bool_], votes: int, sensitivity: float, specificity: float
) -> NDArray[np.bool_]:
    chance = np.where(truth, sensitivity, 1 - specificity)
    return generator.random((len(truth), votes)) < chance[:, None]


def simulate(
    repetition: int, *, sensitivity: float, specificity: float, votes: int = 3, share: float = 0.7
) -> tuple[JudgedValues, float]:
    """Answers that are right with a known probability, judged, and drawn for people as `grade` draws them."""
    generator = np.random.default_rng(repetition)
    truth = generator.random(400) < share
    cast = ballots(generator, truth, votes, sensitivity, specificity)
    count = cast.sum(axis=1)
    judges = (2 * count > votes).astype(float)
    stratum = np.where((count > 0) & (count < votes), DOUBTFUL, np.where(judges == 1, RIGHT, WRONG))
    frames = {name: [f"{row}" for row in np.flatnonzero(stratum == name)] for name in STRATA}
    record = draw("simulated", frames, 80, repetition)
    people, weight = np.full(400, np.nan), np.ones(400)
    for frame in record.frames.values():
        rows = [int(item) for item in record.sample if item in set(frame)]
        people[rows] = truth[rows]
        weight[rows] = len(frame) / max(1, len(rows))
    return JudgedValues(judges, people, weight, np.ones(400, dtype=bool), np.ones(400)), float(judges.mean())


@pytest.mark.slow
@pytest.mark.parametrize(("sensitivity", "specificity", "votes"), [(0.9, 0.7, 3), (0.8, 0.8, 1), (0.5, 0.5, 1)])
def test_corrected_intervals_cover_the_truth_and_raw_shares_are_off_by_what_is_expected(
    sensitivity: float, specificity: float, votes: int
) -> None:
    covered, raw_covered, raws, widths = 0, 0, [], []
    for repetition in range(REPETITIONS):
        values, raw = simulate(repetition, sensitivity=sensitivity, specificity=specificity, votes=votes)
        estimate = corrected_estimate(corrected_mean(values), np.arange(400))
        covered += bool(estimate.contains(0.7))
        raw_covered += bool(wilson(round(400 * raw), 400).contains(0.7))
        raws.append(raw)
        widths.append(estimate.high - estimate.low)  # type: ignore[operator]
    print(f"\ncorrected {covered / REPETITIONS:.1%}, raw {raw_covered / REPETITIONS:.1%}, share {np.mean(raws):.1%}")
    # Within three standard errors of 95 %.
    assert abs(covered / REPETITIONS - 0.95) < 0.03, covered
    # The share by one judge is p * sensitivity + (1 - p) * (1 - specificity); by a majority of three, of its own.
    of_panel = [rate if votes == 1 else rate**3 + 3 * rate**2 * (1 - rate) for rate in (sensitivity, specificity)]
    expected = 0.7 * of_panel[0] + 0.3 * (1 - of_panel[1])
    assert np.mean(raws) == pytest.approx(expected, abs=0.005)
    assert raw_covered < covered
    if sensitivity == 0.5:
        # A judge at chance tells nothing: the interval is that of the 80 answers that people graded.
        by_people = wilson(56, 80)
        assert np.mean(widths) == pytest.approx(by_people.high - by_people.low, rel=0.1)  # type: ignore[operator]
        assert raw_covered == 0


@pytest.mark.slow
def test_the_interval_of_a_difference_covers_it() -> None:
    covered = 0
    for repetition in range(100):
        first, _ = simulate(repetition, sensitivity=0.9, specificity=0.7)
        second, _ = simulate(repetition + 10_000, sensitivity=0.9, specificity=0.7, share=0.6)
        pair = difference(corrected_mean(first), corrected_mean(second))
        estimate = corrected_estimate(pair, np.arange(400), (-1.0, 1.0))
        covered += bool(estimate.contains(0.1))
    assert covered >= 88


def test_a_cell_does_not_differ_from_itself() -> None:
    same = corrected_mean(sample(1))
    assert corrected_estimate(difference(same, same), np.arange(400), (-1.0, 1.0)).value == 0
