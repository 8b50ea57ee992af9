"""Vote noise: how often two independent draws of the same reader on the same contexts differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragtally.stats.confidence import ConfidenceInterval
from ragtally.stats.proportions import wilson
from ragtally.types import Score, Status


@dataclass(frozen=True, slots=True)
class Flips:
    """Two draws compared, question by question.

    Attributes:
        verdict: Share of the questions whose verdict differs; to have none is a verdict of its own here.
        verdict_interval: Wilson's interval of it.
        right: Share of the questions that one draw had right and the other did not.
        right_interval: Wilson's interval of it.
        lost: Of the questions that the first draw had right, the share that the second did not. As much of a
            distractor loss is to be expected from vote noise alone, and about as much again is gained by luck.
        lost_interval: Wilson's interval of it.
    """

    verdict: Score
    verdict_interval: ConfidenceInterval
    right: Score
    right_interval: ConfidenceInterval
    lost: Score
    lost_interval: ConfidenceInterval


def compare_draws(
    first_verdict: Sequence[str | None],
    second_verdict: Sequence[str | None],
    first_status: Sequence[Status],
    second_status: Sequence[Status],
    confidence: float = 0.95,
) -> Flips:
    """Compute how often two draws of a reader differ.

    Args:
        first_verdict: The verdict of the first draw, one a question; None for none.
        second_verdict: That of the second, on the same questions in the same order.
        first_status: What became of each question in the first draw.
        second_status: And in the second.
        confidence: The confidence of the intervals.

    Returns:
        The flip rates.

    Raises:
        ValueError: If the columns are not equally long.
    """
    pairs = zip(first_verdict, second_verdict, first_status, second_status, strict=True)
    rows = [(one != other, before is Status.RIGHT, after is Status.RIGHT) for one, other, before, after in pairs]
    flipped, before, after = np.array(rows, dtype=np.bool_).reshape(-1, 3).T
    questions, right = len(rows), int(before.sum())
    counts = (
        (int(flipped.sum()), questions, "there are no questions"),
        (int((before != after).sum()), questions, "there are no questions"),
        (int((before & ~after).sum()), right, "the first draw has no question right"),
    )
    scores = [Score(part / whole, whole) if whole else Score(None, 0, reason) for part, whole, reason in counts]
    intervals = [wilson(part, whole, confidence) for part, whole, _ in counts]
    return Flips(scores[0], intervals[0], scores[1], intervals[1], scores[2], intervals[2])
