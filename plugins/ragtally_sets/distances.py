"""Distances between sets, as scores: higher is nearer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragtally.support.ranking import round_scores

Floats = NDArray[np.float64]


def jaccard(common: Floats, asked: int, sizes: Floats) -> Floats:
    """Jaccard's similarity, `|A and B| / |A or B|`; 1 minus the distance (Jaccard, 1912)."""
    similarity: Floats = common / (asked + sizes - common)
    return similarity


def hamming(common: Floats, asked: int, sizes: Floats) -> Floats:
    """Minus the Hamming distance between the sets' indicator vectors: how many members are in one of the two only."""
    return 2 * common - sizes - asked


def unrounded(scores: Floats) -> Floats:
    """Leave scores as they are: whole numbers tie or do not."""
    return scores


@dataclass(frozen=True, slots=True)
class Distance:
    """One way to compare sets."""

    # Scores sets by their size and by what they have in common with the question's.
    score: Callable[[Floats, int, Floats], Floats]
    round: Callable[[Floats], Floats]  # Rounds scores before ties are broken
    common_only: bool  # Whether only a set with something in common is near at all


# Every distance by its name in a spec.
DISTANCES = {"jaccard": Distance(jaccard, round_scores, True), "hamming": Distance(hamming, unrounded, False)}
