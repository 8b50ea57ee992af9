"""A family of paired comparisons: each pair's difference with interval, test, Holm's correction and power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import RESAMPLES, BootstrapDistribution, bootstrap
from ragtally.analysis.bootstrap_intervals import bca_interval, standard_error
from ragtally.analysis.confidence import ConfidenceInterval
from ragtally.analysis.contributions import Contributions
from ragtally.analysis.mcnemar import PairedCounts, WinsTiesLosses, count_pairs, mcnemar, wins_ties_losses
from ragtally.analysis.power import SmallestDifference, smallest_mcnemar_difference, smallest_normal_difference
from ragtally.analysis.proportions import newcombe_paired
from ragtally.analysis.randomisation import randomisation_tests
from ragtally.analysis.resampling import proper_clusters
from ragtally.analysis.significance import Significance, holm
from ragtally.api import Score


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two cells compared on the same questions."""

    first: int  # Row of the cell
    second: int  # Row of the one that it is compared with
    difference: Score  # The first one's value minus the second's
    interval: ConfidenceInterval  # The difference's interval
    significance: Significance  # The test of no difference
    adjusted_p_value: float | None  # Its p-value, corrected for the family; None where there is none
    tally: WinsTiesLosses  # On how many questions the first did better, as well, or worse
    # Which of the two had which question right, for a share of right answers; None for other metrics.
    counts: PairedCounts | None
    # The smallest difference that would have been found, were it the only one of the family (at the level divided by
    # the number of tests, the one that the smallest p-value must reach).
    smallest_difference: SmallestDifference

    def distinguishable(self, level: float = 0.05) -> bool | None:
        """Tell whether the two differ beyond chance."""
        return None if self.adjusted_p_value is None else self.adjusted_p_value <= level


def compare_pairs(
    contributions: Contributions,
    pairs: Sequence[tuple[int, int]],
    by_question: ArrayLike,
    generator: np.random.Generator,
    *,
    higher_is_better: bool = True,
    cluster: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    level: float = 0.05,
    power: float = 0.8,
    tests_in_family: int | None = None,
) -> list[PairedComparison]:
    """Compare pairs of cells, all of them one family, or part of one that `adjust_family` puts together."""
    # A share of right answers to questions that share no document is tested by McNemar's exact test and has
    # Newcombe's interval for paired proportions; everything else is tested by randomisation and has the bootstrap's
    # BCa interval.
    score = np.asarray(by_question, dtype=np.float64)
    if score.shape != (contributions.questions, contributions.cells):
        raise ValueError(f"values of shape {score.shape} for {contributions.questions} x {contributions.cells}")
    if not pairs or contributions.questions == 0:
        return []
    cluster = proper_clusters(cluster, contributions.questions)
    if contributions.binary and cluster is None:
        found = _exactly(contributions, pairs, confidence)
    else:
        found = _by_resampling(contributions, pairs, generator, cluster, resamples, confidence)
    tests = tests_in_family or max(1, sum(one.significance.p_value is not None for one in found))
    return adjust_family(
        [
            PairedComparison(
                first=first,
                second=second,
                difference=one.difference,
                interval=one.interval,
                significance=one.significance,
                adjusted_p_value=None,
                tally=wins_ties_losses(score[:, first], score[:, second], higher_is_better=higher_is_better),
                counts=one.counts,
                smallest_difference=one.smallest(level / tests, power),
            )
            for (first, second), one in zip(pairs, found, strict=True)
        ]
    )


def adjust_family(comparisons: Sequence[PairedComparison]) -> list[PairedComparison]:
    """Correct the p-values of a whole family by Holm's method, as of several metrics together."""
    adjusted = holm([comparison.significance.p_value for comparison in comparisons])
    pairs = zip(comparisons, adjusted, strict=True)
    return [replace(comparison, adjusted_p_value=p_value) for comparison, p_value in pairs]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found of a pair before the family is looked at."""

    difference: Score
    interval: ConfidenceInterval
    significance: Significance  # Its test
    counts: PairedCounts | None  # Which of the two had which question right, where that is what is compared
    independent: bool = True  # Whether McNemar's test was done on these
    error: float | None = None  # The difference's standard error, where it was not

    def smallest(self, level: float, power: float) -> SmallestDifference:
        if self.counts is None or not self.independent:
            return smallest_normal_difference(self.error, level, power)
        questions = self.counts.questions
        return smallest_mcnemar_difference(questions, self.counts.discordant / questions, level, power)


def _exactly(contributions: Contributions, pairs: Sequence[tuple[int, int]], confidence: float) -> list[_Found]:
    found = []
    for first, second in pairs:
        counts = _counts(contributions, first, second)
        gained = counts.first_only - counts.second_only
        difference = Score(gained / counts.questions, counts.questions)
        found.append(_Found(difference, newcombe_paired(counts, confidence), mcnemar(counts), counts))
    return found


def _by_resampling(
    contributions: Contributions,
    pairs: Sequence[tuple[int, int]],
    generator: np.random.Generator,
    cluster: NDArray[np.int64] | None,
    resamples: int,
    confidence: float,
) -> list[_Found]:
    drawing, swapping = generator.spawn(2)
    every: BootstrapDistribution = bootstrap(contributions, drawing, resamples, cluster)
    differences = every.differences([first for first, _ in pairs], [second for _, second in pairs])
    tests = randomisation_tests(contributions, pairs, swapping, resamples, cluster)
    found = []
    for row, ((first, second), test) in enumerate(zip(pairs, tests, strict=True)):
        found.append(
            _Found(
                difference=differences.score(row),
                interval=bca_interval(differences, row, confidence),
                significance=test,
                counts=_counts(contributions, first, second) if contributions.binary else None,
                independent=False,
                error=standard_error(differences, row),
            )
        )
    return found


def _counts(contributions: Contributions, first: int, second: int) -> PairedCounts:
    return count_pairs(contributions.own[:, first, 0] == 1, contributions.own[:, second, 0] == 1)
