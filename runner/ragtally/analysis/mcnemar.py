"""Two cells on the same questions: who had which right, and McNemar's exact test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ragtally.analysis.binomial import binomial_cdf
from ragtally.analysis.significance import Significance


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """Questions by which of two cells had them right."""

    both: int  # Both cells
    first_only: int  # The first cell alone
    second_only: int  # The second cell alone
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.first_only, self.second_only, self.neither) < 0:
            raise ValueError(f"counts are never negative: {self}")

    @property
    def questions(self) -> int:
        """How many questions there are."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def discordant(self) -> int:
        """How many questions exactly one of the cells had right."""
        return self.first_only + self.second_only


def count_pairs(first: ArrayLike, second: ArrayLike) -> PairedCounts:
    """Count the questions that each cell, both, or neither had right."""
    one, other = np.asarray(first, dtype=np.bool_), np.asarray(second, dtype=np.bool_)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"columns of shape {one.shape} and {other.shape} are no pairs")
    both = int((one & other).sum())
    return PairedCounts(both, int(one.sum()) - both, int(other.sum()) - both, int((~one & ~other).sum()))


def mcnemar(counts: PairedCounts) -> Significance:
    """Test exactly whether two cells are right equally often."""
    # Were they, each discordant question would be one cell's or the other's like the toss of a coin: p = min(1, 2 P(X
    # <= min(first_only, second_only))) with X binomial over the discordant questions; 1 where there is none.
    # Source: Q. McNemar (1947), Psychometrika 12, 153-157; the exact form as in A. Agresti, Categorical Data
    # Analysis, section 11.1.
    test = "exact McNemar"
    if counts.questions == 0:
        return Significance(None, test, 0, "there are no questions")
    tail = float(binomial_cdf(min(counts.first_only, counts.second_only), counts.discordant, 0.5))
    return Significance(min(1.0, 2 * tail), test, counts.discordant)


@dataclass(frozen=True, slots=True)
class WinsTiesLosses:
    """On how many questions the first of two cells did better, as well, or worse."""

    wins: int  # Better
    ties: int  # As well
    losses: int  # Worse


def wins_ties_losses(first: ArrayLike, second: ArrayLike, *, higher_is_better: bool = True) -> WinsTiesLosses:
    """Count the questions on which one cell did better than another."""
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"columns of shape {one.shape} and {other.shape} are no pairs")
    gain = np.round(one - other, 10)
    above, below = int((gain > 0).sum()), int((gain < 0).sum())
    ties = len(gain) - above - below
    return WinsTiesLosses(above, ties, below) if higher_is_better else WinsTiesLosses(below, ties, above)
