"""How many characters of evidence each question has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ragtally.api import QuestionEvidence


def evidence_characters(evidence: QuestionEvidence, questions: int) -> NDArray[np.int64]:
    """Count the characters of evidence of each question; where spans overlap each character counts once."""
    total = np.zeros(questions, dtype=np.int64)
    if not len(evidence):
        return total
    order = np.lexsort((evidence.start, evidence.document, evidence.question))
    question, document, start, end = (
        np.asarray(column, dtype=np.int64)[order]
        for column in (evidence.question, evidence.document, evidence.start, evidence.end)
    )
    group = np.cumsum((np.diff(question, prepend=-1) != 0) | (np.diff(document, prepend=-1) != 0))
    # Laid end to end, groups cannot reach into each other, and the running maximum is what was counted before.
    stride = int(end.max()) + 1
    reach = np.maximum.accumulate(group * stride + end)
    before = np.concatenate([[0], reach[:-1]])
    np.add.at(total, question, np.maximum(0, reach - np.maximum(before, group * stride + start)))
    return total
