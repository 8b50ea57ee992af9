"""Questions that share a document go together."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from ragtally.api import QuestionEvidence
from ragtally.results.questions import document_clusters


def evidence(pairs: list[tuple[int, int]]) -> QuestionEvidence:
    question, document = np.array(sorted(pairs), dtype=np.int32).reshape(-1, 2).T
    return QuestionEvidence(question, document, np.zeros(len(pairs), np.int32), np.ones(len(pairs), np.int32))


def test_questions_that_share_a_document_go_together() -> None:
    #         0 - a, b; 1 - c; 2 - b, d; 3 - nothing; 4 - d
    pairs = [(0, 0), (0, 1), (1, 2), (2, 1), (2, 3), (4, 3)]
    assert document_clusters(evidence(pairs), 5).tolist() == [0, 1, 0, 3, 0]


@example([(0, 0), (1, 1), (2, 0), (2, 1)])
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_groups_are_the_closure_of_sharing_a_document(pairs: list[tuple[int, int]]) -> None:
    reach = np.eye(7, dtype=bool)
    for (one, first), (other, second) in itertools.product(pairs, repeat=2):
        reach[one, other] |= first == second
    for _ in range(3):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    found = document_clusters(evidence(pairs), 7)
    assert (found == reach.argmax(axis=1)).all()
