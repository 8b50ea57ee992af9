"""Vote noise: how often two independent draws of the same reader on the same contexts differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ragtally.analysis.bootstrap import RESAMPLES, bootstrap
from ragtally.analysis.confidence import ConfidenceInterval
from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.intervals import cell_intervals
from ragtally.analysis.proportions import wilson
from ragtally.analysis.resampling import proper_clusters
from ragtally.api import Score, Status


@dataclass(frozen=True, slots=True)
class Flips:
    """Two draws compared, question by question."""

    verdict: Score  # Share of the questions whose verdict differs; to have none is a verdict of its own here
    verdict_interval: ConfidenceInterval
    right: Score  # Share of the questions that one draw had right and the other did not
    right_interval: ConfidenceInterval
    # Share of the questions that the first draw had right and the second wrong. Up to as much of a distractor loss is
    # to be expected from vote noise alone, where the votes on what was retrieved are drawn independently of those on
    # the gold contexts; about as much again is gained by luck.
    lost: Score
    lost_interval: ConfidenceInterval


def compare_draws(
    first_verdict: Sequence[str | None],
    second_verdict: Sequence[str | None],
    first_status: Sequence[Status],
    second_status: Sequence[Status],
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Flips:
    """Compute how often two draws of a reader differ."""
    pairs = zip(first_verdict, second_verdict, first_status, second_status, strict=True)
    right, wrong = Status.RIGHT, Status.WRONG
    rows = [
        (one != other, (before is right) != (after is right), before is right and after is wrong)
        for one, other, before, after in pairs
    ]
    if not rows:
        none, unknown = Score(None, 0, "there are no questions"), wilson(0, 0, confidence)
        return Flips(none, unknown, none, unknown, none, unknown)
    columns = mean_contributions(np.array(rows, dtype=np.bool_))
    clustered = proper_clusters(cluster, len(rows))
    # Wilson's intervals, of questions drawn one by one, need no resamples.
    drawn = bootstrap(columns, generator, resamples if clustered is not None else 1, clustered)
    scores, intervals = columns.scores(), cell_intervals(columns, drawn, confidence)
    return Flips(scores[0], intervals[0], scores[1], intervals[1], scores[2], intervals[2])
