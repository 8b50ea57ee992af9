"""Questions that share a document go together; what a model was asked about them is written."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from ragtally.api import QuestionEvidence
from ragtally.registry import load_registry
from ragtally.results import load_results
from ragtally.results.questions import document_clusters
from workbench import Bench

ASKED = """\
study: asked
dataset: {synthetic: {questions: 8, split: test}}
models: {m: echo}
readers: {r: {chat: {model: m}}}
grid: {chunker: sections, retriever: bm25, top_k: 1, reader: [r], votes: [1, 3]}
controls: [closed_book, gold_context]
metrics: [accuracy]
"""


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


def test_what_a_model_was_asked_is_written_word_for_word(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench("bench", load_registry())
    results = load_results(bench.run(ASKED))
    asked = {("r", "closed_book"), ("r", "gold_context"), ("r", "sections/bm25/top 1")}
    assert set(results.prompts.select("reader", "context").iter_rows()) == asked
    words = dict(results.questions.select("id", "question").iter_rows())
    rows = results.passages.select("context", "question", "text").iter_rows()
    passages = {(context, question): text for context, question, text in rows}
    for row in results.prompts.iter_rows(named=True):
        assert row["roles"][-1] == "user" and words[row["question"]] in row["contents"][-1]
        if row["context"] == "sections/bm25/top 1":
            assert passages[row["context"], row["question"]] in row["contents"][-1]
