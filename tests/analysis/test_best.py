"""The cells that cannot be told from the best: the formula, its promise by simulation, and its use."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from ragtally.analysis.best import compare_with_best
from ragtally.analysis.bootstrap import BootstrapDistribution, bootstrap
from ragtally.analysis.contributions import mean_contributions, ratio_contributions


def right(shares: list[float], questions: int, seed: int, shared: float = 0.5) -> np.ndarray:
    """Right answers of cells that find the same questions easy."""
    rng = np.random.default_rng(seed)
    luck = np.where(rng.random((questions, 1)) < shared, rng.random((questions, 1)), rng.random((questions, 5)))
    return luck[:, : len(shares)] < shares


def drawn(column: np.ndarray, seed: int = 0, resamples: int = 300) -> BootstrapDistribution:
    return bootstrap(mean_contributions(column), np.random.default_rng(seed), resamples)


def test_the_formula_step_by_step() -> None:
    distribution = drawn(right([0.7, 0.68, 0.5], 120, 3))
    found = compare_with_best(distribution, 0.9)
    estimate, resampled = distribution.observed.value, distribution.resampled.value
    margin = np.zeros((3, 3))
    for i in range(3):
        others = [j for j in range(3) if j != i]
        error = {j: (resampled[:, j] - resampled[:, i]) - (estimate[j] - estimate[i]) for j in others}
        spread = {j: np.sqrt(np.mean(error[j] ** 2)) for j in others}
        critical = np.quantile(np.max([error[j] / spread[j] for j in others], axis=0), 0.9)
        for j in others:
            margin[i, j] = critical * spread[j]
    kept = [i for i in range(3) if all(estimate[i] - estimate[j] + margin[i, j] >= 0 for j in range(3) if j != i)]
    assert found.kept == tuple(kept)
    for i, interval in enumerate(found.intervals):
        others = [j for j in range(3) if j != i]
        upper = max(0, min(estimate[i] - estimate[j] + margin[i, j] for j in others))
        rivals = [j for j in kept if j != i]
        lower = min([0, *(estimate[i] - estimate[j] - margin[j, i] for j in rivals)]) if rivals else 0
        assert (interval.low, interval.high) == pytest.approx((lower, upper), abs=1e-12)


@pytest.mark.parametrize("shares", [[0.6] * 5, [0.66, 0.62, 0.6, 0.6, 0.4], [0.7, 0.7, 0.3, 0.3, 0.3]])
def test_the_best_is_kept_as_often_as_promised(shares: list[float]) -> None:
    studies, kept, covered = 80, 0, 0
    truth = [share - max(other for j, other in enumerate(shares) if j != i) for i, share in enumerate(shares)]
    for seed in range(studies):
        found = compare_with_best(drawn(right(shares, 120, seed), seed, 200), 0.9)
        kept += 0 in found.kept
        covered += all(interval.contains(value) for interval, value in zip(found.intervals, truth, strict=True))
    # At least 0.9, within what 80 studies can tell, and a little for the bootstrap.
    least = binom.ppf(0.001, studies, 0.88)
    assert kept >= least
    assert covered >= least


def test_what_is_far_behind_is_not_kept_and_a_clear_best_stands_alone() -> None:
    found = compare_with_best(drawn(right([0.9, 0.6, 0.5], 300, 1)))
    assert (found.highest, found.kept) == (0, (0,))
    assert found.intervals[0].low == 0
    assert found.intervals[0].high == pytest.approx(0.36, abs=0.08)
    assert all(interval.high == 0 and interval.low < 0 for interval in found.intervals[1:])


def test_the_highest_is_kept_and_equal_cells_are_not_told_apart() -> None:
    column = right([0.6], 100, 2)
    found = compare_with_best(drawn(np.repeat(column, 3, axis=1)))
    assert (found.highest, found.kept) == (0, (0, 1, 2))
    assert all((interval.low, interval.high) == (0, 0) for interval in found.intervals)


def test_less_can_be_better() -> None:
    column = right([0.7, 0.65, 0.4], 150, 5)
    up = compare_with_best(drawn(column))
    down = compare_with_best(drawn(~column), higher_is_better=False)
    assert (down.highest, down.kept) == (up.highest, up.kept)
    for one, other in zip(up.intervals, down.intervals, strict=True):
        assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=1e-9)


def test_a_cell_without_a_value_is_not_compared() -> None:
    part = right([0.7, 0.6, 0.5], 100, 6).astype(float)
    whole = np.ones_like(part)
    part[:, 1] = whole[:, 1] = 0
    contributions = ratio_contributions(part, whole, "no verdict is 'yes'")
    found = compare_with_best(bootstrap(contributions, np.random.default_rng(0), 100))
    assert found.highest == 0
    assert 1 not in found.kept
    assert found.intervals[1].reason == "no verdict is 'yes'"
    nothing = ratio_contributions(whole * 0, whole * 0, "no verdict is 'yes'")
    assert compare_with_best(bootstrap(nothing, np.random.default_rng(0), 100)).highest is None


def test_one_cell_alone_is_the_best() -> None:
    assert compare_with_best(drawn(right([0.6], 50, 1))).kept == (0,)


def test_few_questions_tell_nothing() -> None:
    found = compare_with_best(drawn(np.repeat([[True, False]], 9, axis=0)))
    assert (found.highest, found.kept) == (0, (0, 1))
    assert "fewer than 10" in (found.intervals[0].reason or "")
