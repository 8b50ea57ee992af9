"""Which interval a metric gets."""

from __future__ import annotations

import numpy as np

from ragtally.analysis.bootstrap import bootstrap
from ragtally.analysis.bootstrap_intervals import bca_interval
from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.intervals import cell_intervals
from ragtally.analysis.proportions import wilson

RIGHT = np.random.default_rng(0).random((60, 2)) < [0.7, 1.0]


def test_a_share_of_independent_questions_is_wilsons() -> None:
    contributions = mean_contributions(RIGHT)
    found = cell_intervals(contributions, bootstrap(contributions, np.random.default_rng(0), 50))
    assert found == [wilson(int(RIGHT[:, 0].sum()), 60), wilson(60, 60)]


def test_a_share_by_documents_is_the_bootstraps_unless_it_does_not_vary() -> None:
    contributions = mean_contributions(RIGHT)
    distribution = bootstrap(contributions, np.random.default_rng(0), 200, np.arange(60) // 3)
    found = cell_intervals(contributions, distribution, 0.9)
    assert found == [bca_interval(distribution, 0, 0.9), wilson(20, 20, 0.9)]


def test_any_other_metric_is_the_bootstraps() -> None:
    contributions = mean_contributions(np.random.default_rng(0).random((60, 1)))
    distribution = bootstrap(contributions, np.random.default_rng(0), 200)
    (found,) = cell_intervals(contributions, distribution)
    assert found.method == "bootstrap BCa"
    assert found == bca_interval(distribution)
