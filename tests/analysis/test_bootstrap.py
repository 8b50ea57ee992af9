"""The bootstrap: against scipy's intervals, a published example, and resampling row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import ragtally_answer_metrics
from ragtally.analysis.bootstrap import (
    BootstrapDistribution,
    bca_estimate,
    bootstrap,
    cell_estimates,
    coin_tosses,
    proper_clusters,
    resample_counts,
    unit_sums,
)
from ragtally.analysis.contributions import Values, mean_contributions, ratio_contributions
from ragtally.analysis.proportions import wilson
from ragtally.api import Score
from ragtally.metrics import metric_scores
from sample_results import answer_contributions, graded_codes

BUILD = {component.name: component.build for component in ragtally_answer_metrics.register_metrics()}
ANSWERS = ("yes", "no", "maybe")
# The spatial test data of Efron and Tibshirani (1993), table 14.1, column A.
SPATIAL = np.array(
    [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41], dtype=float
)


def bootstrap_rows(
    score: Callable[[np.ndarray], Score],
    questions: int,
    generator: np.random.Generator,
    resamples: int = 10_000,
    cluster: np.ndarray | None = None,
) -> BootstrapDistribution:
    """Bootstrap any function of resampled rows, one call per resample, as an oracle."""
    unit = np.arange(questions) if cluster is None else cluster
    units, rows = int(unit.max()) + 1, np.arange(questions)

    def values(scores: list[Score]) -> Values:
        column = np.array([score.value or 0.0 for score in scores])[:, None]
        return Values(column, np.array([[score.value is not None] for score in scores]))

    blocks = resample_counts(units, resamples, generator)
    replicates = values([score(np.repeat(rows, counts[unit])) for block in blocks for counts in block])
    left_out = values([score(rows[unit != one]) for one in range(units)])
    observed = values([score(rows)])
    return BootstrapDistribution(
        Values(observed.value[0], observed.has_value[0]), replicates, left_out, questions, "it is not defined"
    )


def variance(rows: np.ndarray) -> Score:
    return Score(float(np.var(SPATIAL[rows])), len(rows))


@pytest.fixture(scope="module")
def spatial() -> BootstrapDistribution:
    return bootstrap_rows(variance, len(SPATIAL), np.random.default_rng(14), resamples=4000)


def test_a_published_example(spatial: BootstrapDistribution) -> None:
    estimate = bca_estimate(spatial, confidence=0.9)
    assert estimate.value == pytest.approx(171.5, abs=0.05)
    # Table 14.2: 115.8 to 259.6, from 2,000 resamples, which vary by a few units.
    assert (estimate.low, estimate.high) == pytest.approx((115.8, 259.6), abs=6)


def scipys(distribution: BootstrapDistribution, column: np.ndarray, statistic, confidence: float):
    return scipy.stats.bootstrap(
        (column,),
        statistic,
        n_resamples=0,
        bootstrap_result=SimpleNamespace(bootstrap_distribution=distribution.replicates.value[:, 0]),
        confidence_level=confidence,
        method="BCa",
        vectorized=True,
    ).confidence_interval


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_is_scipys(spatial: BootstrapDistribution, confidence: float) -> None:
    estimate = bca_estimate(spatial, confidence=confidence)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(scipys(spatial, SPATIAL, np.var, confidence)))


def test_the_interval_of_a_metric_of_few_values_is_scipys() -> None:
    # A few values of so few questions: many resamples equal the observed value, which must count half.
    column = np.array([2.0] * 4 + [1.0] * 7 + [0.0])
    distribution = bootstrap(mean_contributions(column[:, None]), np.random.default_rng(2), 4000)
    assert (distribution.replicates.value == distribution.observed.value).mean() > 0.1
    estimate = bca_estimate(distribution, confidence=0.9)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(scipys(distribution, column, np.mean, 0.9)))


def verdicts(questions: int, cells: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, questions)
    verdict = np.where(rng.random((questions, cells)) < 0.6, gold[:, None], rng.integers(-1, 3, (questions, cells)))
    return gold, verdict


@pytest.mark.parametrize("cluster", [None, np.arange(30) // 3])
@pytest.mark.parametrize("name", ["macro_f1", "accuracy_of_covered"])
def test_matrix_products_give_what_resampling_rows_gives(cluster: np.ndarray | None, name: str) -> None:
    gold, verdict = verdicts(30, 2)
    metric = BUILD[name]()

    def score(rows: np.ndarray) -> Score:
        return metric_scores(metric, graded_codes(gold[rows], verdict[rows, 1], ANSWERS))[name]

    contributions = answer_contributions(name, gold, verdict, ANSWERS)
    assert contributions is not None
    fast = bootstrap(contributions, np.random.default_rng(5), 300, cluster)
    slow = bootstrap_rows(score, 30, np.random.default_rng(5), 300, cluster)
    assert fast.units == slow.units == (30 if cluster is None else 10)
    assert bca_estimate(fast, 1).value == pytest.approx(bca_estimate(slow).value, abs=1e-12)
    assert fast.replicates.value[:, 1] == pytest.approx(slow.replicates.value[:, 0], abs=1e-12)
    assert fast.jackknife.value[:, 1] == pytest.approx(slow.jackknife.value[:, 0], abs=1e-12)


def test_an_added_cell_changes_no_others_interval() -> None:
    gold, verdict = verdicts(50, 3)
    two, three = (answer_contributions("macro_f1", gold, verdict[:, :cells], ANSWERS) for cells in (2, 3))
    assert two is not None and three is not None
    few, more = (bootstrap(some, np.random.default_rng(2), 500) for some in (two, three))
    assert [bca_estimate(few, cell) for cell in range(2)] == [bca_estimate(more, cell) for cell in range(2)]


def test_cells_taken_out_are_those_that_were_drawn() -> None:
    values = np.random.default_rng(4).random((40, 5)) < 0.6
    whole = bootstrap(mean_contributions(values), np.random.default_rng(8), 200)
    alone = bootstrap(mean_contributions(values[:, [3, 1]]), np.random.default_rng(8), 200)
    subset = whole.of_cells([3, 1])
    assert subset.cells == 2
    for part in ("observed", "replicates", "jackknife"):
        np.testing.assert_array_equal(getattr(subset, part).value, getattr(alone, part).value)
        np.testing.assert_array_equal(getattr(subset, part).has_value, getattr(alone, part).has_value)


def test_intervals_hold_what_they_promise() -> None:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(200):
        column = rng.exponential(1.0, (60, 1))
        estimate = bca_estimate(bootstrap(mean_contributions(column), rng, 400), 0, 0.9)
        hits += estimate.contains(1.0)
    # 0.9 of 200, within four standard deviations and what 60 skewed values cost.
    assert 160 <= hits <= 197


def test_where_there_is_no_interval_there_is_a_reason() -> None:
    rng = np.random.default_rng(0)
    constant = bootstrap(mean_contributions(np.ones((20, 1))), rng, 100)
    assert "the same in all resamples" in (bca_estimate(constant).reason or "")
    few = bootstrap(mean_contributions(np.arange(9.0)[:, None]), rng, 100)
    assert "fewer than 10" in (bca_estimate(few).reason or "")
    seldom = np.zeros((20, 1))
    seldom[0] = 1
    often_none = bootstrap(ratio_contributions(seldom, seldom, "no verdict is 'yes'"), rng, 400)
    assert "no verdict is 'yes'" in (bca_estimate(often_none).reason or "")
    never = bootstrap(ratio_contributions(seldom * 0, seldom * 0, "no verdict is 'yes'"), rng, 10)
    undefined = bca_estimate(never)
    assert (undefined.value, undefined.denominator, undefined.reason) == (None, 0, "no verdict is 'yes'")


def test_nothing_cannot_be_resampled() -> None:
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap(mean_contributions(np.zeros((0, 1))), np.random.default_rng(0))
    with pytest.raises(ValueError, match="nothing to resample"):
        bootstrap(mean_contributions(np.zeros((5, 1))), np.random.default_rng(0), resamples=0)


ANSWERED_RIGHT = np.random.default_rng(0).random((60, 2)) < [0.7, 1.0]


def test_a_share_of_independent_questions_is_wilsons() -> None:
    contributions = mean_contributions(ANSWERED_RIGHT)
    estimate = cell_estimates(contributions, bootstrap(contributions, np.random.default_rng(0), 50))
    assert estimate == [wilson(int(ANSWERED_RIGHT[:, 0].sum()), 60), wilson(60, 60)]


def test_a_share_by_documents_is_the_bootstraps_unless_it_does_not_vary() -> None:
    contributions = mean_contributions(ANSWERED_RIGHT)
    distribution = bootstrap(contributions, np.random.default_rng(0), 200, np.arange(60) // 3)
    estimate = cell_estimates(contributions, distribution, 0.9)
    assert estimate == [bca_estimate(distribution, 0, 0.9), replace(wilson(20, 20, 0.9), denominator=60)]


@pytest.mark.parametrize("right", [True, False])
def test_one_question_and_one_document_have_an_interval_or_the_true_reason(right: bool) -> None:
    one = mean_contributions(np.array([[right]]))
    assert cell_estimates(one, bootstrap(one, np.random.default_rng(0), 10)) == [wilson(int(right), 1)]
    alike = mean_contributions(np.full((30, 1), right))
    together = bootstrap(alike, np.random.default_rng(0), 10, np.zeros(30))
    assert cell_estimates(alike, together) == [replace(wilson(int(right), 1), denominator=30)]
    mixed = mean_contributions(np.arange(30)[:, None] < 20)
    (estimate,) = cell_estimates(mixed, bootstrap(mixed, np.random.default_rng(0), 10, np.zeros(30)))
    assert estimate.low is None
    assert "fewer than 10" in (estimate.reason or "")


def test_any_other_metric_is_the_bootstraps() -> None:
    contributions = mean_contributions(np.random.default_rng(0).random((60, 1)))
    distribution = bootstrap(contributions, np.random.default_rng(0), 200)
    (estimate,) = cell_estimates(contributions, distribution)
    assert estimate.method == "bootstrap BCa"
    assert estimate == bca_estimate(distribution)


def test_clusters_of_one_are_none() -> None:
    assert proper_clusters([5, 3, 9], 3) is None
    assert proper_clusters(None, 3) is None
    assert proper_clusters([], 0) is None
    estimate = proper_clusters(["b", "a", "b"], 3)
    assert estimate is not None and estimate.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="3 questions"):
        proper_clusters([1, 2], 3)


def test_every_resample_has_as_many_draws_and_all_are_alike() -> None:
    counts = np.concatenate(list(resample_counts(2000, 3000, np.random.default_rng(1))))
    assert counts.shape == (3000, 2000)
    assert (counts.sum(axis=1) == 2000).all()
    # A count is nearly Poisson with mean 1: 1 / e are never drawn.
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=2e-3)
    assert abs(counts.mean(axis=0) - 1).max() < 5 / np.sqrt(3000)


def test_tosses_are_fair() -> None:
    tosses = np.concatenate(list(coin_tosses(2001, 3000, np.random.default_rng(1))))
    assert tosses.shape == (3000, 2001)
    assert set(np.unique(tosses)) == {0, 1}
    assert abs(tosses.mean(axis=0) - 0.5).max() < 2.5 / np.sqrt(3000)


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
