"""Answers and labels as arrays, for metrics and readers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NO_ANSWER = -1
"""The code of an answer that is None."""


def label_codes(labels: Sequence[str | None], answers: Sequence[str]) -> NDArray[np.int64]:
    """Number labels by their place among the declared answers.

    Args:
        labels: Gold labels or verdicts; None for none.
        answers: The declared answers.

    Returns:
        A code per label, `NO_ANSWER` for None; int64, shape [labels].

    Raises:
        ValueError: If a label is not among the declared answers.
    """
    codes: dict[str | None, int] = {answer: number for number, answer in enumerate(answers)}
    codes[None] = NO_ANSWER
    unknown = set(labels) - codes.keys()
    if unknown:
        raise ValueError(f"{sorted(map(str, unknown))} are not among the declared answers {tuple(answers)}")
    return np.fromiter((codes[label] for label in labels), dtype=np.int64, count=len(labels))


def one_hot(labels: Sequence[str | None], answers: Sequence[str]) -> NDArray[np.bool_]:
    """Mark each label's class.

    Args:
        labels: Gold labels or verdicts; None for none, which gets a row without a mark.
        answers: The declared answers, one per column.

    Returns:
        Whether a label is an answer; bool, shape [labels, answers].

    Raises:
        ValueError: If a label is not among the declared answers.
    """
    return np.asarray(label_codes(labels, answers)[:, None] == np.arange(len(answers)))
