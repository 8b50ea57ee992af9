"""The paired randomisation test: could the difference of two cells be one of names only?

Were two cells alike, then on every question it would be chance which of the two gave which answer. So the answers
are swapped between them on random questions, and the difference is computed anew, again and again. This tests any
metric, macro-F1 included, and assumes no distribution.

Source: E. W. Noreen (1989), Computer-Intensive Methods for Testing Hypotheses; for answers to the same questions
since N. Chinchor (1992), The statistical significance of the MUC-4 results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import RESAMPLES
from ragtally.analysis.contributions import Contributions
from ragtally.analysis.resampling import UnitSums, swaps, unit_sums
from ragtally.analysis.significance import Significance

# Up to so many discordant questions all swaps are done, which makes the p-value exact.
MOST_ENUMERATED = 12
# How much smaller than the observed difference one is still taken for as large: the error of floats.
_TOLERANCE = 1e-10
# How many pairs are worked on at once.
_BATCH = 16


def randomisation_tests(
    contributions: Contributions,
    pairs: Sequence[tuple[int, int]],
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
) -> list[Significance]:
    """Test pairs of cells for a difference of a metric."""
    # p = (1 + number of swaps with a difference at least as large) / (1 + number of swaps), two-sided; this is never
    # 0 and never too small (B. Phipson and G. K. Smyth (2010), Permutation p-values should never be zero). With at
    # most `MOST_ENUMERATED` discordant units all swaps are done and counted, with no 1 to be added. A swap for which
    # the metric is not defined counts as one with a difference as large.
    if resamples < 1:
        raise ValueError(f"nothing to test with: {resamples} swaps")
    sums = unit_sums(contributions, cluster)
    batches = [_pairs(sums, pairs[begin : begin + _BATCH]) for begin in range(0, len(pairs), _BATCH)]
    extreme = [np.zeros(len(batch.observed), dtype=np.int64) for batch in batches]
    if not all(batch.exact.all() for batch in batches):
        for tossed in swaps(sums.units, resamples, generator):
            swapped = tossed.astype(sums.columns.dtype)
            for batch, count in zip(batches, extreme, strict=True):
                count += batch.extreme(swapped, batch.swapped)
    found = zip(batches, extreme, strict=True)
    return [result for batch, count in found for result in batch.results(count, resamples, contributions.reason)]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Some pairs of cells under test."""

    sums: UnitSums  # What the units contribute, with the metric's formula
    total: NDArray[np.float64]  # Sums over all units of either cell of each pair; shape [pairs, 2, parts]
    # What a swap of each unit adds to the first cell's sums and takes from the second's; shape [units, pairs, parts].
    swapped: NDArray[np.floating]
    observed: NDArray[np.float64]  # The differences; shape [pairs]
    defined: NDArray[np.bool_]  # Whether the metric has a value for both cells; shape [pairs]
    discordant: NDArray[np.int64]  # How many units tell the two apart; shape [pairs]
    exact: NDArray[np.bool_]  # Whether all swaps are done; shape [pairs]

    def extreme(self, tossed: NDArray[np.floating], swapped: NDArray[np.floating]) -> NDArray[np.int64]:
        """Count for each pair the swaps with a difference at least as large as that observed."""
        pairs, parts = swapped.shape[1:]
        gained = (tossed @ swapped.reshape(len(swapped), pairs * parts)).astype(np.float64)
        gained = gained.reshape(len(tossed), pairs, parts)
        own = np.stack([self.total[:, 0] + gained, self.total[:, 1] - gained], axis=2)
        difference, defined = _differences(self.sums, own)
        large = np.abs(difference) >= np.abs(self.observed) - _TOLERANCE
        count: NDArray[np.int64] = (~defined | large).sum(axis=0, dtype=np.int64)
        return count

    def enumerated(self, pair: int) -> int:
        """Count the extreme ones among all swaps of one pair."""
        one = slice(pair, pair + 1)
        alone = replace(self, total=self.total[one], observed=self.observed[one])
        units = np.flatnonzero(self.swapped[:, pair].any(axis=1))
        patterns = np.arange(1 << len(units))[:, None] >> np.arange(len(units)) & 1
        return int(alone.extreme(patterns.astype(self.swapped.dtype), self.swapped[units, one])[0])

    def results(self, extreme: NDArray[np.int64], resamples: int, reason: str) -> Iterator[Significance]:
        """Make p-values of counts."""
        for pair, discordant in enumerate(self.discordant.tolist()):
            if not self.defined[pair]:
                yield Significance(None, "randomisation", discordant, reason)
            elif self.exact[pair]:
                p_value = self.enumerated(pair) / (1 << discordant)
                yield Significance(p_value, "exact randomisation", discordant)
            else:
                p_value = (1 + int(extreme[pair])) / (1 + resamples)
                yield Significance(p_value, f"randomisation, {resamples} swaps", discordant)


def _pairs(sums: UnitSums, pairs: Sequence[tuple[int, int]]) -> _Pairs:
    own = sums.columns[:, : sums.cells * sums.parts].reshape(sums.units, sums.cells, sums.parts)
    first, second = own[:, [one for one, _ in pairs]], own[:, [other for _, other in pairs]]
    total = np.stack([column.astype(np.float64).sum(axis=0) for column in (first, second)], axis=1)
    swapped = second - first
    difference, defined = _differences(sums, total[None])
    discordant = swapped.any(axis=2).sum(axis=0)
    exact = ~defined[0] | (discordant <= MOST_ENUMERATED)
    return _Pairs(sums, total, swapped, difference[0], defined[0], discordant, exact)


def _differences(sums: UnitSums, own: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Compute differences of pairs from their sums of shape [swaps, pairs, 2, parts]."""
    swaps_done, pairs, _, parts = own.shape
    shared = sums.columns[:, sums.cells * sums.parts :].astype(np.float64).sum(axis=0)
    values = sums.formula(own.reshape(swaps_done, pairs * 2, parts), shared[None])
    value = values.value.reshape(swaps_done, pairs, 2)
    both = values.defined.reshape(swaps_done, pairs, 2)
    defined: NDArray[np.bool_] = both[..., 0] & both[..., 1]
    return value[..., 0] - value[..., 1], defined
