"""Characters of evidence, against a set of positions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import QuestionEvidence
from ragtally.evidence_length import evidence_characters

SPAN = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 12), st.integers(1, 9))


@given(st.lists(SPAN, max_size=12))
def test_each_character_counts_once(spans: list[tuple[int, int, int, int]]) -> None:
    positions: list[set[tuple[int, int]]] = [set() for _ in range(4)]
    for question, document, start, length in spans:
        positions[question] |= {(document, at) for at in range(start, start + length)}
    rows = [(question, document, start, start + length) for question, document, start, length in sorted(spans)]
    columns = np.array(rows, dtype=np.int32).reshape(-1, 4).T
    grade = {"grade": np.ones(len(rows), np.int32)} if "grade" in QuestionEvidence.__dataclass_fields__ else {}
    found = evidence_characters(QuestionEvidence(*columns, **grade), 4)
    assert found.tolist() == [len(held) for held in positions]
