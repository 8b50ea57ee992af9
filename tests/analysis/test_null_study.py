"""Readers that are alike but for their seeds: tests reject no more often than they say, intervals hold 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import binom

from ragtally.analysis.contributions import Contributions
from ragtally.analysis.jackknife import jackknife_differences
from ragtally.analysis.proportions import count_pairs, newcombe_paired
from ragtally.analysis.significance import LEVEL, holm, mcnemar, randomisation_tests
from sample_results import answer_contributions

REPETITIONS = 200
MOST = int(binom.ppf(0.999, REPETITIONS, LEVEL))
"""A test of that level rejects more often than this in one study of a thousand."""
ANSWERS = ("yes", "no", "maybe")


def identical_readers(seed: int, readers: int) -> tuple[np.ndarray, np.ndarray]:
    """PubMedQA's classes, and readers that are right on 70 % and otherwise guess, each by its own seed."""
    rng = np.random.default_rng([7, seed])
    gold = rng.choice(3, size=120, p=[0.55, 0.34, 0.11])
    right = rng.random((120, readers)) < 0.7
    return gold, np.where(right, gold[:, None], rng.integers(-1, 3, (120, readers)))


def studies(metric: str, readers: int) -> Iterator[tuple[Contributions, np.random.Generator]]:
    for seed in range(REPETITIONS):
        gold, verdict = identical_readers(seed, readers)
        contributions = answer_contributions(metric, gold, verdict, ANSWERS)
        assert contributions is not None
        yield contributions, np.random.default_rng(seed)


@pytest.mark.no_cover
def test_of_right_answers() -> None:
    rejected = missed = 0
    for contributions, _ in studies("accuracy", 2):
        right = contributions.own[..., 0]
        counts = count_pairs(right[:, 0], right[:, 1])
        p_value = mcnemar(counts).p_value
        assert p_value is not None
        rejected += p_value <= LEVEL
        missed += not newcombe_paired(counts).contains(0)
    assert rejected <= MOST
    assert missed <= MOST


@pytest.mark.no_cover
@pytest.mark.parametrize("cluster", [None, np.arange(120) // 2])
def test_of_macro_f1(cluster: np.ndarray | None) -> None:
    rejected = missed = 0
    for contributions, generator in studies("macro_f1", 2):
        (result,) = randomisation_tests(contributions, [(0, 1)], generator, 99, cluster)
        assert result.p_value is not None
        rejected += result.p_value <= LEVEL
        (difference,) = jackknife_differences(contributions, [(0, 1)], cluster)
        missed += not difference.estimate.contains(0)
    assert rejected <= MOST
    assert missed <= MOST


@pytest.mark.no_cover
def test_of_a_family() -> None:
    rejected = 0
    for contributions, generator in studies("macro_f1", 4):
        result = randomisation_tests(contributions, [(1, 0), (2, 0), (3, 0)], generator, 99)
        adjusted = holm([test.p_value for test in result])
        rejected += any(p_value is not None and p_value <= LEVEL for p_value in adjusted)
    assert rejected <= MOST
