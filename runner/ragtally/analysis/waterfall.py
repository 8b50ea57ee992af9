"""From the gold context to the retrieved one, in points of accuracy: what was lost on the way, and what was won.

On every question the reader is right or not on the gold context (G), and right or not on the retrieved one (R). The
accuracies differ by the questions on which G and R differ, and each of these has one cause:

    1                         - reader loss (not G)                               = accuracy on gold contexts
    accuracy on gold contexts - retrieval loss (G, wrong, evidence not retrieved)
                              - distractor loss (G, wrong, evidence retrieved: drowned in other text, or vote noise)
                              - unanswered loss (G, but the call failed, was not parsed, or gave no verdict)
                              + gained by luck (not G, but R)                     = accuracy on retrieved contexts

Counted in questions, the sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ragtally.analysis.bootstrap import RESAMPLES, BootstrapDistribution, bootstrap
from ragtally.analysis.bootstrap_intervals import bca_interval
from ragtally.analysis.confidence import ConfidenceInterval
from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.decomposition import Outcomes, evidence_retrieved
from ragtally.analysis.intervals import share_interval
from ragtally.analysis.mcnemar import count_pairs
from ragtally.analysis.proportions import newcombe_paired, wilson
from ragtally.analysis.resampling import proper_clusters
from ragtally.api import Score, Status


@dataclass(frozen=True, slots=True)
class Part:
    """One bar: a number of questions, as a share of all, with its interval."""

    count: int  # How many questions
    share: Score  # As a share of all questions; 0.01 is one point of accuracy. None for no questions.
    # The share's interval, from the bootstrap. Wilson's where no question, or every question, counts, since then
    # resamples do not vary.
    interval: ConfidenceInterval


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The bars from the gold context to the retrieved one."""

    # In questions, `questions - reader_loss = gold`, and `gold - retrieval_loss - distractor_loss - unanswered_loss +
    # luck = retrieved`.

    questions: int  # How many questions there are
    gold: Part  # Right on the gold context
    retrieved: Part  # Right in the cell
    reader_loss: Part  # Not right on the gold context
    retrieval_loss: Part  # Right on gold; wrong in the cell, where the evidence was not retrieved
    distractor_loss: Part  # Right on gold; wrong in the cell, although the evidence was retrieved
    # Right on gold; in the cell the call failed, the text was not parsed, or there is no verdict.
    unanswered_loss: Part
    luck: Part  # Not right on gold, but right in the cell
    # Of these, with the evidence retrieved: vote noise, or a context easier than the gold one.
    luck_with_evidence: int
    change: Score  # The accuracy in the cell minus that on gold contexts
    change_interval: ConfidenceInterval


def waterfall(
    outcomes: Outcomes,
    generator: np.random.Generator,
    *,
    evidence_share: float = 0.0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
) -> Waterfall | None:
    """Compute the waterfall of a cell (see `waterfalls`)."""
    (found,) = waterfalls(
        [outcomes],
        generator,
        evidence_share=evidence_share,
        resamples=resamples,
        confidence=confidence,
        cluster=cluster,
    )
    return found


def waterfalls(
    cells: Sequence[Outcomes],
    generator: np.random.Generator,
    *,
    evidence_share: float = 0.0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    cluster: ArrayLike | None = None,
) -> list[Waterfall | None]:
    """Compute the waterfalls of cells that were asked the same questions, all from the same resamples."""
    able = {row: _columns(cell, evidence_share) for row, cell in enumerate(cells) if cell.gold_right is not None}
    if not able:
        return [None] * len(cells)
    questions = len(cells[0])
    cluster = proper_clusters(cluster, questions)
    distribution = None
    if questions:
        stacked = np.stack([column for columns in able.values() for column in columns.values()], axis=1)
        distribution = bootstrap(mean_contributions(stacked), generator, resamples, cluster)
    drawn = _Drawn(distribution, confidence, clustered=cluster is not None)
    found: list[Waterfall | None] = [None] * len(cells)
    for location, (row, columns) in enumerate(able.items()):
        retrieved = evidence_retrieved(cells[row], evidence_share)
        found[row] = _waterfall(columns, retrieved, drawn, location * len(columns))
    return found


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What intervals are computed from."""

    distribution: BootstrapDistribution | None  # Of all columns of all cells; None without questions
    confidence: float  # The confidence of intervals
    clustered: bool  # Whether some questions are drawn together


def _columns(outcomes: Outcomes, evidence_share: float) -> dict[str, NDArray[np.bool_]]:
    on_gold, right = outcomes.gold_right, outcomes.right
    assert on_gold is not None
    found = evidence_retrieved(outcomes, evidence_share)
    wrong = np.array([status is Status.WRONG for status in outcomes.status], dtype=np.bool_)
    return {
        "gold": on_gold,
        "retrieved": right,
        "reader_loss": ~on_gold,
        "retrieval_loss": on_gold & wrong & ~found,
        "distractor_loss": on_gold & wrong & found,
        "unanswered_loss": on_gold & ~wrong & ~right,
        "luck": ~on_gold & right,
    }


def _waterfall(
    columns: Mapping[str, NDArray[np.bool_]], retrieved: NDArray[np.bool_], drawn: _Drawn, first: int
) -> Waterfall:
    parts = {
        name: _part(column, drawn.distribution, first + location, drawn.confidence)
        for location, (name, column) in enumerate(columns.items())
    }
    change, interval = _change(columns["retrieved"], columns["gold"], drawn, first)
    return Waterfall(
        questions=len(retrieved),
        **parts,
        luck_with_evidence=int((columns["luck"] & retrieved).sum()),
        change=change,
        change_interval=interval,
    )


def _part(
    column: NDArray[np.bool_], distribution: BootstrapDistribution | None, location: int, confidence: float
) -> Part:
    count, questions = int(column.sum()), len(column)
    if distribution is None:
        return Part(count, Score(None, 0, "there are no questions"), wilson(0, 0, confidence))
    interval = share_interval(distribution, location, count, confidence)
    return Part(count, Score(count / questions, questions), interval)


def _change(
    right: NDArray[np.bool_], on_gold: NDArray[np.bool_], drawn: _Drawn, first: int
) -> tuple[Score, ConfidenceInterval]:
    interval = newcombe_paired(count_pairs(right, on_gold), drawn.confidence)
    if drawn.distribution is None:
        return Score(None, 0, "there are no questions"), interval
    if drawn.clustered:
        interval = bca_interval(drawn.distribution.differences([first + 1], [first]), 0, drawn.confidence)
    gained = int(right.sum()) - int(on_gold.sum())
    return Score(gained / len(right), len(right)), interval
