"""The bootstrap: against scipy's intervals, a published example, and resampling row by row."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats

import ragtally_answer_metrics
from made_results import answer_contributions, graded_codes
from ragtally.analysis.bootstrap import BootstrapDistribution, bootstrap, bootstrap_rows
from ragtally.analysis.bootstrap_intervals import bca_interval, percentile_interval, standard_error
from ragtally.analysis.contributions import mean_contributions, ratio_contributions
from ragtally.api import Score
from ragtally.metrics import metric_scores

BUILD = {component.name: component.build for component in ragtally_answer_metrics.register_metrics()}
ANSWERS = ("yes", "no", "maybe")
INTERVAL = {"BCa": bca_interval, "percentile": percentile_interval}
# The spatial test data of Efron and Tibshirani (1993), table 14.1, column A.
SPATIAL = np.array(
    [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41], dtype=float
)


def variance(rows: np.ndarray) -> Score:
    return Score(float(np.var(SPATIAL[rows])), len(rows))


@pytest.fixture(scope="module")
def spatial() -> BootstrapDistribution:
    return bootstrap_rows(variance, len(SPATIAL), np.random.default_rng(14), resamples=4000)


def test_a_published_example(spatial: BootstrapDistribution) -> None:
    assert spatial.score().value == pytest.approx(171.5, abs=0.05)
    percentile, bca = percentile_interval(spatial, confidence=0.9), bca_interval(spatial, confidence=0.9)
    # Table 14.2: 100.8 to 233.9 and 115.8 to 259.6, from 2,000 resamples, which vary by a few units.
    assert (percentile.low, percentile.high) == pytest.approx((100.8, 233.9), abs=5)
    assert (bca.low, bca.high) == pytest.approx((115.8, 259.6), abs=6)


def scipys(distribution: BootstrapDistribution, column: np.ndarray, statistic, method: str, confidence: float):
    return scipy.stats.bootstrap(
        (column,),
        statistic,
        n_resamples=0,
        bootstrap_result=SimpleNamespace(bootstrap_distribution=distribution.resampled.value[:, 0]),
        confidence_level=confidence,
        method=method,
        vectorized=True,
    ).confidence_interval


@pytest.mark.parametrize("method", ["BCa", "percentile"])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_is_scipys(spatial: BootstrapDistribution, method: str, confidence: float) -> None:
    found = INTERVAL[method](spatial, confidence=confidence)
    assert (found.low, found.high) == pytest.approx(tuple(scipys(spatial, SPATIAL, np.var, method, confidence)))


def test_the_interval_of_a_metric_of_few_values_is_scipys() -> None:
    # A few values of so few questions: many resamples equal the observed value, which must count half.
    column = np.array([2.0] * 4 + [1.0] * 7 + [0.0])
    distribution = bootstrap(mean_contributions(column[:, None]), np.random.default_rng(2), 4000)
    assert (distribution.resampled.value == distribution.observed.value).mean() > 0.1
    found = bca_interval(distribution, confidence=0.9)
    assert (found.low, found.high) == pytest.approx(tuple(scipys(distribution, column, np.mean, "BCa", 0.9)))


def test_the_standard_error_is_that_of_the_mean() -> None:
    column = np.random.default_rng(3).random((400, 1))
    found = standard_error(bootstrap(mean_contributions(column), np.random.default_rng(0)))
    assert found == pytest.approx(column.std() / 20, rel=0.03)


def verdicts(questions: int, cells: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, questions)
    said = np.where(rng.random((questions, cells)) < 0.6, gold[:, None], rng.integers(-1, 3, (questions, cells)))
    return gold, said


@pytest.mark.parametrize("cluster", [None, np.arange(30) // 3])
@pytest.mark.parametrize("name", ["macro_f1", "accuracy_of_covered"])
def test_matrix_products_give_what_resampling_rows_gives(cluster: np.ndarray | None, name: str) -> None:
    gold, said = verdicts(30, 2)
    metric = BUILD[name]()

    def score(rows: np.ndarray) -> Score:
        return metric_scores(metric, graded_codes(gold[rows], said[rows, 1], ANSWERS))[name]

    contributions = answer_contributions(name, gold, said, ANSWERS)
    assert contributions is not None
    fast = bootstrap(contributions, np.random.default_rng(5), 300, cluster)
    slow = bootstrap_rows(score, 30, np.random.default_rng(5), 300, cluster)
    assert fast.units == slow.units == (30 if cluster is None else 10)
    assert fast.score(1).value == pytest.approx(slow.score().value, abs=1e-12)
    assert fast.resampled.value[:, 1] == pytest.approx(slow.resampled.value[:, 0], abs=1e-12)
    assert fast.jackknife.value[:, 1] == pytest.approx(slow.jackknife.value[:, 0], abs=1e-12)


def test_an_added_cell_changes_no_others_interval() -> None:
    gold, said = verdicts(50, 3)
    two, three = (answer_contributions("macro_f1", gold, said[:, :cells], ANSWERS) for cells in (2, 3))
    assert two is not None and three is not None
    few, more = (bootstrap(some, np.random.default_rng(2), 500) for some in (two, three))
    assert [bca_interval(few, cell) for cell in range(2)] == [bca_interval(more, cell) for cell in range(2)]


def test_cells_taken_out_are_those_that_were_drawn() -> None:
    values = np.random.default_rng(4).random((40, 5)) < 0.6
    whole = bootstrap(mean_contributions(values), np.random.default_rng(8), 200)
    alone = bootstrap(mean_contributions(values[:, [3, 1]]), np.random.default_rng(8), 200)
    taken = whole.of_cells([3, 1])
    assert taken.cells == 2
    for part in ("observed", "resampled", "jackknife"):
        np.testing.assert_array_equal(getattr(taken, part).value, getattr(alone, part).value)
        np.testing.assert_array_equal(getattr(taken, part).defined, getattr(alone, part).defined)


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(8)
    base = rng.random(200)
    column = np.stack([base, base + rng.normal(0.1, 0.02, 200)], axis=1)
    every = bootstrap(mean_contributions(column), np.random.default_rng(0), 2000)
    difference = every.differences([1], [0])
    found = bca_interval(difference)
    assert difference.score().value == pytest.approx(0.1, abs=0.01)
    assert found.low is not None and found.high is not None
    # Each of the two means varies by 0.02, their difference by a tenth of that.
    assert found.low < 0.1 < found.high < found.low + 0.02


def test_questions_that_stand_and_fall_together_widen_the_interval() -> None:
    right = np.repeat(np.random.default_rng(1).random(100) < 0.7, 4)
    contributions = mean_contributions(right[:, None])
    alone = standard_error(bootstrap(contributions, np.random.default_rng(0), 2000))
    together = standard_error(bootstrap(contributions, np.random.default_rng(0), 2000, np.arange(400) // 4))
    assert together is not None and alone is not None
    assert together / alone == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("interval", [percentile_interval, bca_interval])
def test_intervals_hold_what_they_promise(interval) -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        column = rng.exponential(1.0, (60, 1))
        found = interval(bootstrap(mean_contributions(column), rng, 400), 0, 0.9)
        held += found.contains(1.0)
    # 0.9 of 200, within four standard deviations and what 60 skewed values cost.
    assert 160 <= held <= 197


def test_where_there_is_no_interval_there_is_a_reason() -> None:
    rng = np.random.default_rng(0)
    constant = bootstrap(mean_contributions(np.ones((20, 1))), rng, 100)
    assert "the same in all resamples" in (bca_interval(constant).reason or "")
    assert standard_error(constant) is None
    few = bootstrap(mean_contributions(np.arange(9.0)[:, None]), rng, 100)
    assert "fewer than 10" in (percentile_interval(few).reason or "")
    seldom = np.zeros((20, 1))
    seldom[0] = 1
    often_none = bootstrap(ratio_contributions(seldom, seldom, "no verdict is 'yes'"), rng, 400)
    assert "no verdict is 'yes'" in (percentile_interval(often_none).reason or "")
    never = bootstrap(ratio_contributions(seldom * 0, seldom * 0, "no verdict is 'yes'"), rng, 10)
    assert never.score() == Score(None, 0, "no verdict is 'yes'")
    assert bca_interval(never).reason == "no verdict is 'yes'"
    one_of_two = np.concatenate([np.ones((20, 1)), seldom * 0], axis=1)
    half = bootstrap(ratio_contributions(one_of_two, one_of_two, "no verdict is 'yes'"), rng, 10)
    assert half.differences([0, 1], [1, 0]).score(0) == Score(None, 20, "no verdict is 'yes'")
    assert half.differences([0, 1], [1, 0]).score(1) == Score(None, 20, "no verdict is 'yes'")


def test_nothing_cannot_be_resampled() -> None:
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap(mean_contributions(np.zeros((0, 1))), np.random.default_rng(0))
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap_rows(variance, 5, np.random.default_rng(0), resamples=0)
