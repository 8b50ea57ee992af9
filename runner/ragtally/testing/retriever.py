"""The suite for retrievers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import (
    Component,
    Hits,
    Passages,
    Queries,
    QuestionEvidence,
    Retriever,
    ShardedRetriever,
    Spans,
    VaryingRetriever,
)
from ragtally.support.ranking import merge_hits, ranking_depth
from ragtally.testing import samples
from ragtally.testing.component import ComponentSuite, save
from ragtally.testing.hits import assert_hits, assert_order, assert_same, first_columns

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
        """Build the retriever and index the corpus, again with each call."""

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
        assert_hits(index().search(queries, limit), len(queries), limit, len(passages))

    def test_hits_are_ordered_by_score_and_then_by_row(self, index: Callable[[], Any], queries: Queries) -> None:
        """Best first; of equal scores the lower row."""
        assert_order(index().search(queries, 100))

    def test_fewer_hits_are_the_first_of_more(self, index: Callable[[], Any], traits: Any, queries: Queries) -> None:
        """Checked where the traits say that the ranking is prefix-stable."""
        if traits.prefix_stable:
            retriever = index()
            many = retriever.search(queries, 100)
            for limit in (1, 2, 5):
                few = retriever.search(queries, limit)
                assert_same(few, first_columns(many, limit), f"the first {limit} hits differ")

    def test_the_same_corpus_gives_the_same_hits(
        self, index: Callable[[], Any], traits: Any, queries: Queries
    ) -> None:
        """To the bit: twice by one index, and by another one unless the traits say that it varies."""
        retriever = index()
        first = retriever.search(queries, 7)
        assert_same(retriever.search(queries, 7), first, "a second search finds something else")
        if not traits.variation:
            assert_same(index().search(queries, 7), first, "a second index finds something else")

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
        retriever = index()
        from_disk = build()
        from_disk.load(save(retriever, tmp_path), passages, vectors)
        assert_same(
            from_disk.search(queries, 7), retriever.search(queries, 7), "the loaded index finds something else"
        )

    def test_a_build_of_a_varying_index_is_known_again(
        self,
        component: Component,
        build: Callable[[], Any],
        traits: Any,
        passages: Passages,
        vectors: Any,
        queries: Queries,
        tmp_path: Path,
    ) -> None:
        """Checked where it varies and can be built several times: what is loaded is the build that was saved."""
        assert traits.variation or traits.builds == 1, "several builds of an index that repeats are one"
        if not traits.variation or "builds" not in component.params:
            return
        retriever = build()
        assert isinstance(retriever, VaryingRetriever), "a parameter `builds` wants a `choose_build`"
        retriever.choose_build(2)
        retriever.add(passages, vectors)
        from_disk = build()
        from_disk.load(save(retriever, tmp_path), passages, vectors)
        assert_same(
            from_disk.search(queries, 7), retriever.search(queries, 7), "the loaded build finds another's hits"
        )

    def test_parts_find_what_the_whole_finds(
        self,
        build: Callable[[], Any],
        index: Callable[[], Any],
        traits: Any,
        passages: Passages,
        vectors: Any,
        queries: Queries,
        tmp_path: Path,
    ) -> None:
        """Checked where the traits say that the index can be made in parts: to the bit, wherever it is cut."""
        if not traits.in_parts:
            return
        assert isinstance(build(), ShardedRetriever), "`in_parts` wants `share` and `load_part`"
        for number, starts in enumerate(((0, 13, 14), (0, 20), tuple(range(len(passages))))):
            for limit in _LIMITS:
                hits = search_in_parts(
                    build, passages, vectors, queries, limit, starts, tmp_path / f"{number}-{limit}"
                )
                assert_same(hits, index().search(queries, limit), f"parts that start at {starts} find something else")

    def test_a_question_finds_the_same_alone_and_among_others(
        self, index: Callable[[], Any], queries: Queries
    ) -> None:
        """Questions do not influence each other."""
        retriever = index()
        together = retriever.search(queries, 7)
        for row in range(len(queries)):
            alone = retriever.search(_rows(queries, slice(row, row + 1)), 7)
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


def search_in_parts(
    build: Callable[[], Any],
    passages: Passages,
    vectors: Any,
    queries: Queries,
    limit: int,
    starts: Sequence[int],
    folder: Path,
) -> Hits:
    """Index a corpus in parts, and search them as the engine does.

    Args:
        build: Builds the retriever.
        passages: The corpus.
        vectors: Its vectors, or None.
        queries: The questions.
        limit: How many hits each may have.
        starts: The row with which each part begins.
        folder: Where the index goes.

    Returns:
        The hits.
    """
    parts = [slice(*pair) for pair in itertools.pairwise([*starts, len(passages)])]
    folders = [folder / str(number) for number in range(len(parts))]
    shared = folder / "shared"

    def content(rows: slice) -> tuple[Passages, Any]:
        spans = Spans(passages.spans.document[rows], passages.spans.start[rows], passages.spans.end[rows])
        return Passages(passages.text[rows], spans), None if vectors is None else vectors[rows]

    for own, rows in zip(folders, parts, strict=True):
        own.mkdir(parents=True)
        retriever = build()
        retriever.add(*content(rows))
        retriever.save(own)
    shared.mkdir()
    build().share(folders, shared)
    hits = []
    for number, (own, rows) in enumerate(zip(folders, parts, strict=True)):
        part = build()
        part.load_part(own, shared, number, *content(rows))
        hits.append(part.search(queries, ranking_depth(limit, rows.stop - rows.start)))
    return merge_hits(hits, starts, limit)


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
