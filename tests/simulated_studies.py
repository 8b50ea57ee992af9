"""Studies whose truth is known, drawn again and again: what the claims of the analysis are held against."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally.analysis.bootstrap import BootstrapDistribution, bootstrap
from ragtally.analysis.contributions import Contributions, mean_contributions, metric_contributions
from ragtally.analysis.estimate import STANDARD_NORMAL
from ragtally.analysis.jackknife import jackknife_differences
from ragtally.analysis.selection import best_set
from ragtally.api import Choice, GradedAnswers, Status
from ragtally.registry import load_registry

QUESTIONS = (25, 100, 329, 500)
CELLS = (6, 12, 48)
# How far cells differ, in standard errors of one cell: all alike; evenly over a range; a few good ones far ahead.
SPREADS = ("equal", "range of 2", "range of 6", "a quarter ahead")
ANSWERS = ("yes", "no", "maybe")
CLASSES = (0.552, 0.338, 0.110)
# Each row: how often a reader gives each answer where that of the row is right.
READERS = {
    "says maybe": ((0.80, 0.12, 0.08), (0.12, 0.78, 0.10), (0.35, 0.30, 0.35)),
    "rarely": ((0.86, 0.125, 0.015), (0.15, 0.835, 0.015), (0.52, 0.43, 0.05)),
    "more rarely": ((0.75, 0.24, 0.01), (0.25, 0.74, 0.01), (0.52, 0.45, 0.03)),
}
PAIRS = (("says maybe", "rarely"), ("rarely", "more rarely"), ("rarely", "rarely"), ("says maybe", "says maybe"))


@dataclass(frozen=True)
class Choices:
    """What choosing the best of several cells came to in many studies."""

    true_optimism: NDArray[np.float64]
    estimate: NDArray[np.float64]
    plain: NDArray[np.float64]  # The bootstrap that chooses again among the observed values
    error: NDArray[np.float64]  # Whether a cell as good as the best was set apart from it
    told_apart: NDArray[np.float64]  # How many cells were set apart


def cell_shares(spread: str, cells: int, questions: int) -> NDArray[np.float64]:
    """True shares of right answers."""
    step = np.sqrt(0.7 * 0.3 / questions)
    if spread == "equal":
        return np.full(cells, 0.7)
    if spread == "a quarter ahead":
        good = max(2, cells // 4)
        return np.clip(0.7 + 2 * step * np.where(np.arange(cells) < good, 1.0, -1.0), 0.05, 0.95)
    return np.clip(0.7 + float(spread.split()[-1]) * step * np.linspace(-0.5, 0.5, cells), 0.05, 0.95)


def right_answers(shares: NDArray[np.float64], questions: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Right answers of cells that find half of the same questions hard."""
    shape = (questions, len(shares))
    ease = np.sqrt(0.5) * (rng.standard_normal((questions, 1)) + rng.standard_normal(shape))
    return ease < np.array([STANDARD_NORMAL.inv_cdf(share) for share in shares])


def choose(shares: NDArray[np.float64], questions: int, studies: int, seed: int, resamples: int = 400) -> Choices:
    """Choose the best cell in many studies."""
    rng = np.random.default_rng([seed, questions, len(shares)])
    names = tuple(map(str, range(len(shares))))
    best = set(np.flatnonzero(shares >= shares.max() - 1e-12).astype(str))
    rows = []
    for _ in range(studies):
        distribution = bootstrap(mean_contributions(right_answers(shares, questions, rng)), rng, resamples)
        found = best_set(distribution, names)
        chosen, errors = int(str(found.highest)), distribution.observed.value - shares
        rows.append(
            (
                # Less what all cells have in common by chance, which is 0 on average.
                errors[chosen] - errors.mean(),
                found.optimism,
                _plain_optimism(distribution),
                not best <= set(found.cells),
                len(names) - len(found.cells),
            )
        )
    return Choices(*np.array(rows, dtype=np.float64).T)


def macro_f1_difference(
    first: str, second: str, questions: int, rng: np.random.Generator
) -> tuple[Contributions, float]:
    """A study of two readers that err on half of the same questions, and the true difference."""
    gold = rng.choice(3, questions, p=CLASSES)
    luck = rng.random(questions)
    verdicts, truths = [], []
    for reader in (first, second):
        table = np.array(READERS[reader])
        own = np.where(rng.random(questions) < 0.5, luck, rng.random(questions))
        verdicts.append((own[:, None] > table.cumsum(axis=1)[gold]).sum(axis=1).clip(0, 2))
        joint = np.array(CLASSES)[:, None] * table
        truths.append(float(np.mean(2 * np.diag(joint) / (joint.sum(axis=0) + joint.sum(axis=1)))))
    answers = [_graded(gold, verdict) for verdict in verdicts]
    contributions = metric_contributions(_macro_f1(), "macro_f1", answers)
    assert contributions is not None
    return contributions, truths[0] - truths[1]


def intervals(
    contributions: Contributions, rng: np.random.Generator, resamples: int
) -> dict[str, tuple[float, float]]:
    """Intervals of a difference by method; of those that were replaced only where resamples are asked for."""
    (one,) = jackknife_differences(contributions, [(0, 1)])
    low, high = one.estimate.low, one.estimate.high
    # Without an interval nothing is claimed.
    own = {"jackknife": (-np.inf if low is None else low, np.inf if high is None else high)}
    if not resamples:
        return own
    distribution = bootstrap(contributions, rng, resamples)
    replicates, observed, left_out = (
        values.value[..., 0] - values.value[..., 1]
        for values in (distribution.replicates, distribution.observed, distribution.jackknife)
    )
    gap = left_out.mean() - left_out
    acceleration = (gap**3).sum() / (6 * (gap**2).sum() ** 1.5)
    below = np.clip(((replicates < observed).mean() + (replicates <= observed).mean()) / 2, 0.001, 0.999)
    bias = STANDARD_NORMAL.inv_cdf(float(below))
    reach = bias + np.array([-1.959964, 1.959964])
    ends = [STANDARD_NORMAL.cdf(bias + one / (1 - acceleration * one)) for one in reach]
    percentile, bca = (np.quantile(replicates, shares).tolist() for shares in ([0.025, 0.975], ends))
    return own | {"percentile": tuple(percentile), "BCa": tuple(bca)}


def coverage(
    pair: tuple[str, str], questions: int, studies: int, seed: int, resamples: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Whether each method's interval holds the true difference, study by study."""
    rng = np.random.default_rng([seed, questions, *map(list(READERS).index, pair)])
    held: dict[str, list[float]] = {}
    for _ in range(studies):
        contributions, truth = macro_f1_difference(*pair, questions, rng)
        for method, (low, high) in intervals(contributions, rng, resamples).items():
            held.setdefault(method, []).append(float(low <= truth <= high))
    return {method: np.array(column) for method, column in held.items()}


@functools.cache
def _macro_f1() -> Any:
    return load_registry().build(Choice("metric", "macro_f1"))


def _graded(gold: NDArray[np.int64], verdict: NDArray[np.int64]) -> GradedAnswers:
    none = [0] * len(gold)
    status = [Status.RIGHT if one == other else Status.WRONG for one, other in zip(gold, verdict, strict=True)]
    labels, verdicts = ([ANSWERS[code] for code in column] for column in (gold, verdict))
    return GradedAnswers(labels, verdicts, status, ANSWERS, 1, none, none)


def _plain_optimism(distribution: BootstrapDistribution) -> float:
    values = distribution.replicates.value
    best = values.argmax(axis=1)
    return float((values[np.arange(len(values)), best] - distribution.observed.value[best]).mean())
