"""Choosing on one half of the questions and reporting on the other, and how flattering it is not to do so."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import BootstrapDistribution
from ragtally.analysis.contributions import Contributions
from ragtally.analysis.resampling import unit_rows
from ragtally.api import Score

_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Selection:
    """The cell that was chosen on one half of the questions, and how it does on the other."""

    # Row of the chosen cell, the first of equals; None where no cell has a value on the half to choose on.
    cell: int | None
    dev: Score  # Its value on the half that it was chosen on
    held_out: Score  # Its value on the other half: what may be reported
    # By how much the first flatters, in units where more is better; negative where the other half happens to be
    # easier.
    optimism: Score


def split_halves(
    stratum: Sequence[Hashable], generator: np.random.Generator, cluster: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Split questions into two halves with the same share of every class."""
    unit = unit_rows(cluster, len(stratum))
    first = np.unique(unit, return_index=True)[1].tolist()
    by_class: dict[Hashable, list[int]] = {}
    for row, question in enumerate(first):
        by_class.setdefault(stratum[question], []).append(row)
    chosen = np.zeros(len(first), dtype=np.bool_)
    more = True
    for rows in by_class.values():
        half = (len(rows) + more) // 2
        more ^= len(rows) % 2 == 1
        chosen[generator.permutation(rows)[:half]] = True
    return chosen[unit]


def select_on_half(contributions: Contributions, dev: ArrayLike, *, higher_is_better: bool = True) -> Selection:
    """Choose the best cell on one half and score it on the other."""
    mask = np.asarray(dev, dtype=np.bool_)
    on_dev, on_other = contributions.of_questions(mask), contributions.of_questions(~mask)
    sign = 1.0 if higher_is_better else -1.0
    scores = on_dev.scores()
    scored = [
        (-sign * round(score.value, _DIGITS), row) for row, score in enumerate(scores) if score.value is not None
    ]
    if not scored:
        none = Score(None, on_dev.questions, "no cell has a value on the half to choose on")
        return Selection(None, none, Score(None, on_other.questions, "no cell was chosen"), none)
    cell = min(scored)[1]
    chosen, held_out = scores[cell], on_other.of_cells([cell]).scores()[0]
    if chosen.value is None or held_out.value is None:
        optimism = Score(None, on_other.questions, held_out.reason)
    else:
        optimism = Score(sign * (chosen.value - held_out.value), on_other.questions)
    return Selection(cell, chosen, held_out, optimism)


def expected_optimism(distribution: BootstrapDistribution, *, higher_is_better: bool = True) -> Score:
    """Estimate by how much the best of all cells flatters when it is chosen and reported on the same questions."""
    # In every resample the best cell is chosen anew; its value there, minus its value on the questions themselves, is
    # how much that choice flattered. The estimate is the mean over the resamples.
    # Source: B. Efron (1983), Estimating the error rate of a prediction rule, JASA 78; Efron and Tibshirani (1993),
    # section 17.6, with the choice of a cell as what is fitted.
    sign = 1.0 if higher_is_better else -1.0
    cells = np.flatnonzero(distribution.observed.defined)
    complete = distribution.resampled.defined[:, cells].all(axis=1)
    if len(cells) == 0 or not complete.any():
        return Score(None, distribution.questions, distribution.reason)
    values = sign * distribution.resampled.value[np.ix_(complete, cells)]
    best = values.argmax(axis=1)
    flattery = values[np.arange(len(values)), best] - sign * distribution.observed.value[cells][best]
    return Score(math.fsum(flattery.tolist()) / len(flattery), distribution.questions)
