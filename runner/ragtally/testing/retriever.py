"""The suite for retrievers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import Hits, Passages, Queries, QuestionEvidence, Retriever
from ragtally.testing import samples
from ragtally.testing.component import ComponentSuite, assert_no_pickle

_LIMITS = (1, 3, 100)


class RetrieverSuite(ComponentSuite):
    """Checks a retriever on forty passages of ten documents; vectors come from a stub embedder."""

    kind = "retriever"
    protocol = Retriever

    @pytest.fixture
    def passages(self) -> Passages:
        """The corpus."""
        return samples.passages()

    @pytest.fixture
    def queries(self, traits: Any) -> Queries:
        """The questions, with what the traits read."""
        return samples.queries(traits.reads)

    @pytest.fixture
    def vectors(self, traits: Any, passages: Passages) -> Any:
        """The passages' vectors; None for a retriever that reads none."""
        return samples.StubEmbedder().embed_documents(passages.text) if "vectors" in traits.reads else None

    @pytest.fixture
    def index(self, build: Callable[[], Any], passages: Passages, vectors: Any) -> Callable[[], Any]:
        """Build the retriever and index the corpus, anew with each call."""

        def index() -> Any:
            retriever = build()
            retriever.add(passages, vectors)
            return retriever

        return index

    @pytest.mark.parametrize("limit", _LIMITS)
    def test_hits_are_rows_of_the_corpus(
        self, index: Callable[[], Any], passages: Passages, queries: Queries, limit: int
    ) -> None:
        """As many columns as asked for, no passage twice, -1 and 0 after the last hit."""
        hits = index().search(queries, limit)
        assert isinstance(hits, Hits), "`search` returns Hits"
        assert hits.passage.dtype == np.int32 and hits.score.dtype == np.float32, "hits are int32 and float32"
        shape = (len(queries), limit)
        assert hits.passage.shape == hits.score.shape == shape, f"hits must have the shape {shape}"
        assert np.isfinite(hits.score).all(), "scores must be finite"
        for row, scores in zip(hits.passage, hits.score, strict=True):
            hits_of_row = row[row >= 0]
            assert (row[len(hits_of_row) :] == -1).all(), "after the last hit there is -1 only"
            assert (scores[len(hits_of_row) :] == 0).all(), "after the last hit scores are 0"
            assert (hits_of_row < len(passages)).all(), "a hit is no passage of the corpus"
            assert len(set(hits_of_row.tolist())) == len(hits_of_row), "a passage is a hit twice"

    def test_hits_are_ordered_by_score_and_then_by_row(self, index: Callable[[], Any], queries: Queries) -> None:
        """Best first; of equal scores the lower row."""
        hits = index().search(queries, 100)
        for row, scores in zip(hits.passage, hits.score, strict=True):
            keys = [(-score, passage) for score, passage in zip(scores, row, strict=True) if passage >= 0]
            assert keys == sorted(keys), "hits must be ordered by score, and equal scores by row"

    def test_fewer_hits_are_the_first_of_more(self, index: Callable[[], Any], traits: Any, queries: Queries) -> None:
        """Checked where the traits say that the ranking is prefix-stable."""
        if traits.prefix_stable:
            retriever = index()
            many = retriever.search(queries, 100)
            for limit in (1, 2, 5):
                few = retriever.search(queries, limit)
                assert np.array_equal(few.passage, many.passage[:, :limit]), f"the first {limit} hits differ"
                assert np.array_equal(few.score, many.score[:, :limit]), f"the first {limit} scores differ"

    def test_the_same_corpus_gives_the_same_hits(self, index: Callable[[], Any], queries: Queries) -> None:
        """To the bit: twice by one index, and by another one."""
        retriever = index()
        first = retriever.search(queries, 7)
        _assert_equal(retriever.search(queries, 7), first, "a second search finds something else")
        _assert_equal(index().search(queries, 7), first, "a second index finds something else")

    def test_an_index_can_be_saved_and_loaded(
        self,
        build: Callable[[], Any],
        index: Callable[[], Any],
        passages: Passages,
        vectors: Any,
        queries: Queries,
        tmp_path: Path,
    ) -> None:
        """A loaded index is the saved one."""
        folder = tmp_path / "saved"
        folder.mkdir()
        retriever = index()
        retriever.save(folder)
        assert_no_pickle(folder)
        from_disk = build()
        from_disk.load(folder, passages, vectors)
        _assert_equal(
            from_disk.search(queries, 7), retriever.search(queries, 7), "the loaded index finds something else"
        )

    def test_a_question_finds_the_same_alone_and_among_others(
        self, index: Callable[[], Any], queries: Queries
    ) -> None:
        """Questions do not influence each other."""
        retriever = index()
        together = retriever.search(queries, 7)
        for row in range(len(queries)):
            alone = retriever.search(_one(queries, row), 7)
            assert np.array_equal(alone.passage[0], together.passage[row]), (
                f"question {row} finds something else alone"
            )

    def test_no_questions_find_nothing(self, index: Callable[[], Any], queries: Queries) -> None:
        """Hits of no rows."""
        hits = index().search(_rows(queries, slice(0, 0)), 7)
        assert hits.passage.shape == hits.score.shape == (0, 7), "no questions must give hits of no rows"

    def test_passages_and_questions_stay_as_they_are(
        self, index: Callable[[], Any], traits: Any, passages: Passages, queries: Queries
    ) -> None:
        """A retriever only reads."""
        texts, questions = list(passages.text), samples.queries(traits.reads)
        index().search(queries, 3)
        assert list(passages.text) == texts, "the retriever changed the passages"
        assert list(queries.text) == list(questions.text), "the retriever changed the questions"
        if queries.vectors is not None and questions.vectors is not None:
            assert np.array_equal(queries.vectors, questions.vectors), "the retriever changed the questions' vectors"


def _assert_equal(hits: Hits, other_hits: Hits, message: str) -> None:
    assert np.array_equal(hits.passage, other_hits.passage) and np.array_equal(hits.score, other_hits.score), message


def _one(queries: Queries, row: int) -> Queries:
    return _rows(queries, slice(row, row + 1))


def _rows(queries: Queries, rows: slice) -> Queries:
    evidence = queries.evidence
    if evidence is not None:
        own = np.isin(evidence.question, np.arange(len(queries))[rows])
        evidence = QuestionEvidence(
            evidence.question[own] - np.int32(rows.start),
            evidence.document[own],
            evidence.start[own],
            evidence.end[own],
        )
    vectors = None if queries.vectors is None else queries.vectors[rows]
    return Queries(queries.id[rows], queries.text[rows], vectors, evidence)
