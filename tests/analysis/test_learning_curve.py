"""A known power law comes out of simulated answers, and its intervals cover what is true."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ragtally.analysis.learning_curve import PowerLaw, fit_power_laws, learning_curve

SIZES = (50, 100, 200, 400, 800)
LAW = PowerLaw(limit=0.15, scale=2.0, exponent=0.5)


def simulate(generator: np.random.Generator, questions: int = 400, draws: int = 3) -> NDArray[np.bool_]:
    """Answers to questions of unequal difficulty, whose mean error follows the law; draws share the questions."""
    ease = generator.random(questions)
    errors = np.array([LAW.error(size) for size in SIZES])
    noise = generator.random((draws, len(SIZES), questions)) - 0.5
    chance = np.clip(errors[None, :, None] + 0.2 * (ease - 0.5)[None, None], 0, 1)
    return noise + 0.5 >= chance


def test_exact_errors_give_the_law_back() -> None:
    sizes = np.array(SIZES, dtype=np.float64)
    (law,) = fit_power_laws(sizes, np.array([[LAW.error(size) for size in SIZES]]))
    assert (law.limit, law.scale, law.exponent) == pytest.approx((LAW.limit, LAW.scale, LAW.exponent), rel=1e-6)
    assert law.examples(law.error(1234)) == pytest.approx(1234)
    assert law.examples(law.limit - 0.01) == math.inf


def test_intervals_cover_what_is_true_about_as_often_as_they_say() -> None:
    """Twice the examples is what the curve is for; its truth is outside of what was measured."""
    curves = [learning_curve(SIZES, simulate(np.random.default_rng(seed)), seed) for seed in range(25)]
    truth = LAW.error(2 * SIZES[-1])
    covers = [curve.doubled.low <= truth <= curve.doubled.high for curve in curves]
    assert np.mean(covers) >= 0.85
    assert np.mean([curve.doubled.value for curve in curves]) == pytest.approx(truth, abs=0.01)
    assert np.mean([curve.doubled.high - curve.doubled.low for curve in curves]) < 0.12


def test_what_one_point_more_costs_is_unknown_where_the_curve_is_flat() -> None:
    generator = np.random.default_rng(0)
    right = np.repeat(generator.random((1, 1, 300)) < 0.7, len(SIZES), axis=1).repeat(3, axis=0)
    curve = learning_curve(SIZES, right, 1)
    assert curve.one_point.value == math.inf
    assert [point.error for point in curve.points] == pytest.approx([curve.limit.value] * len(SIZES))
    with pytest.raises(ValueError, match="three points"):
        learning_curve(SIZES[:2], right[:, :2], 1)
