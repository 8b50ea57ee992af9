"""Hits against evidence, compared with sets of characters and with every choice of chunks there is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import Hits, QuestionEvidence, RankingRelevance, Spans
from ragtally.relevance import evidence_characters, relevance_of, select_rows

LENGTH = 12


@dataclass
class World:
    """A made-up corpus: chunks, evidence and hits as plain lists of tuples."""

    documents: int
    chunks: list[tuple[int, int, int]]
    evidence: list[tuple[int, int, int, int]]
    hits: list[list[int]]
    depth: int
    grades: list[int] | None = None

    def judged(self) -> RankingRelevance:
        chunks = np.array(self.chunks, dtype=np.int32).reshape(-1, 3)
        evidence = np.array(self.evidence, dtype=np.int32).reshape(-1, 4)
        passage = np.full((len(self.hits), self.depth), -1, dtype=np.int32)
        for row, hits in enumerate(self.hits):
            passage[row, : len(hits)] = hits
        return relevance_of(
            Hits(passage, np.zeros(passage.shape, dtype=np.float32)),
            Spans(chunks[:, 0], chunks[:, 1], chunks[:, 2]),
            QuestionEvidence(
                *(evidence[:, column] for column in range(4)),
                None if self.grades is None else np.array(self.grades, dtype=np.int32),
            ),
            len(self.hits),
            self.documents,
        )

    def evidence_of(self, question: int) -> set[tuple[int, int]]:
        return {(d, c) for q, d, start, end in self.evidence if q == question for c in range(start, end)}

    def held(self, question: int) -> list[set[tuple[int, int]]]:
        """What each chunk holds of a question's evidence."""
        wanted = self.evidence_of(question)
        return [{(d, c) for c in range(start, end)} & wanted for d, start, end in self.chunks]

    def graded(self, question: int) -> list[int]:
        """Each chunk's grade for a question."""
        grades = self.grades or [1] * len(self.evidence)
        spans = [(*span, grade) for span, grade in zip(self.evidence, grades, strict=True) if span[0] == question]
        return [
            max((grade for _, d, first, past, grade in spans if d == document and max(first, start) < min(past, end)),
                default=0)
            for document, start, end in self.chunks
        ]  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> World:
    documents = draw(st.integers(1, 3))
    span = st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).filter(lambda pair: pair[0] < pair[1])
    chunks = sorted(
        (document, start, end)
        for document in range(documents)
        for start, end in draw(st.lists(span, max_size=5, unique=True))
    )
    questions = draw(st.integers(0, 3))
    evidence = [
        (question, document, start, min(start + length, LENGTH))
        for question in range(questions)
        for document, start, length in draw(
            st.lists(st.tuples(st.integers(0, documents - 1), st.integers(0, LENGTH), st.integers(0, 6)), max_size=4)
        )
    ]
    depth = draw(st.integers(0, 5))
    rows = st.lists(st.integers(0, len(chunks) - 1), unique=True, max_size=depth) if chunks else st.just([])
    grades = draw(st.none() | st.lists(st.integers(1, 4), min_size=len(evidence), max_size=len(evidence)))
    return World(documents, chunks, evidence, [draw(rows) for _ in range(questions)], depth, grades)


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_judging_agrees_with_sets_of_characters(world: World) -> None:
    judged = world.judged()
    for question, hits in enumerate(world.hits):
        wanted, held = world.evidence_of(question), world.held(question)
        documents = {document for document, _ in wanted}
        absent = [False] * (world.depth - len(hits))
        assert judged.hit[question].tolist() == [True] * len(hits) + absent
        assert judged.relevant[question].tolist() == [bool(held[c]) for c in hits] + absent
        from_evidence = [world.chunks[c][0] in documents for c in hits]
        assert judged.relevant_document[question].tolist() == from_evidence + absent
        grades = world.graded(question)
        assert judged.grade[question].tolist() == [grades[c] for c in hits] + [0] * len(absent)
        best = sorted((grade for grade in grades if grade), reverse=True)
        assert judged.ideal[question].tolist() == (best + [0] * world.depth)[: world.depth]
        assert judged.relevant_total[question] == sum(map(bool, held)) == len(best)
        assert judged.evidence_total[question] == len(wanted)
        for rank in range(world.depth):
            union: set[tuple[int, int]] = set().union(*(held[c] for c in hits[: rank + 1]))
            assert judged.covered[question, rank] == len(union)


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_the_ceiling_is_the_best_of_every_choice_of_chunks(world: World) -> None:
    judged = world.judged()
    for question in range(len(world.hits)):
        held = [part for part in world.held(question) if part]
        for rank in range(world.depth):
            choices = itertools.combinations(held, min(rank + 1, len(held)))
            assert judged.coverable[question, rank] == max(len(set().union(*choice)) for choice in choices)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_coverage_never_falls_and_never_passes_its_ceiling(world: World) -> None:
    judged = world.judged()
    assert (judged.covered <= judged.coverable).all()
    assert (judged.coverable <= judged.evidence_total[:, None]).all()
    assert (np.diff(judged.covered, axis=1) >= 0).all()
    assert (np.diff(judged.coverable, axis=1) >= 0).all()
    assert (judged.relevant <= judged.relevant_document).all()
    assert (judged.relevant_document <= judged.hit).all()
    assert (judged.relevant.sum(axis=1) <= judged.relevant_total).all()
    assert ((judged.grade > 0) == judged.relevant).all()
    assert (np.diff(judged.ideal, axis=1) <= 0).all()
    assert (np.cumsum(judged.grade, axis=1) <= np.cumsum(judged.ideal, axis=1)).all()


@settings(max_examples=100, deadline=None)
@given(worlds(), st.data())
def test_questions_are_judged_independently_of_each_other(world: World, data: st.DataObject) -> None:
    if not world.hits:
        return
    keep = data.draw(st.lists(st.integers(0, len(world.hits) - 1), unique=True))
    selected = select_rows(world.judged(), np.array(keep, dtype=np.int64))
    for row, question in enumerate(keep):
        alone = World(
            world.documents,
            world.chunks,
            [(0, *rest) for q, *rest in world.evidence if q == question],
            [world.hits[question]],
            world.depth,
            None
            if world.grades is None
            else [grade for (q, *_), grade in zip(world.evidence, world.grades, strict=True) if q == question],
        ).judged()
        for name in RankingRelevance.__slots__:
            assert getattr(selected, name)[row].tolist() == getattr(alone, name)[0].tolist(), name


def test_a_table_by_hand() -> None:
    #   document 0: aaaaaaaaaabbbbbbbbbb, chunks 0-6 and 4-12 and 12-20; evidence 2-8 and 14-16
    world = World(
        2, [(0, 0, 6), (0, 4, 12), (0, 12, 20), (1, 0, 20)], [(0, 0, 14, 16), (0, 0, 2, 8)], [[3, 0, 1, 2]], 4
    )
    judged = world.judged()
    assert judged.relevant.tolist() == [[False, True, True, True]]
    assert judged.relevant_document.tolist() == [[False, True, True, True]]
    assert judged.grade.tolist() == [[0, 1, 1, 1]]
    assert judged.ideal.tolist() == [[1, 1, 1, 0]]
    assert judged.relevant_total.tolist() == [3]
    assert judged.evidence_total.tolist() == [8]
    assert judged.covered.tolist() == [[0, 4, 6, 8]]
    assert judged.coverable.tolist() == [[4, 6, 8, 8]]


def test_greedy_choice_would_miss_the_ceiling() -> None:
    # The longest chunk is in the middle, but the two beside it cover more together.
    world = World(1, [(0, 0, 6), (0, 2, 10), (0, 6, 12)], [(0, 0, 0, 12)], [[0]], 2)
    assert world.judged().coverable.tolist() == [[8, 12]]


@pytest.mark.parametrize(("size", "stride"), [(4, 1), (6, 1), (6, 2), (7, 3), (3, 2), (5, 5)])
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 13), st.integers(1, 14)), min_size=1, max_size=3))
def test_the_ceiling_of_sliding_windows(size: int, stride: int, evidence: list[tuple[int, int]]) -> None:
    chunks = [(0, start, min(start + size, 14)) for start in range(0, 14, stride)]
    world = World(1, chunks, [(0, 0, start, min(start + length, 14)) for start, length in evidence], [[]], 4)
    held = [part for part in world.held(0) if part]
    best = [
        max(len(set().union(*choice)) for choice in itertools.combinations(held, min(number, len(held))))
        for number in range(1, 5)
    ]
    assert world.judged().coverable.tolist() == [best]


def test_evidence_in_several_documents_shares_one_ceiling() -> None:
    world = World(2, [(0, 0, 5), (0, 5, 9), (1, 0, 7)], [(0, 0, 0, 9), (0, 1, 0, 7)], [[0]], 3)
    assert world.judged().coverable.tolist() == [[7, 12, 16]]


def test_many_chunks_a_question_keep_the_ceiling_exact() -> None:
    # Equal chunks that overlap by half: n of them cover 10 each when taken apart, then 5 for each in between.
    chunks = [(0, start, start + 10) for start in range(0, 200, 5)]
    judged = World(1, chunks, [(0, 0, 0, 205)], [[0]], 45).judged()
    expected = [min(10 * n, 200 + 5 * (n > 20)) for n in range(1, 46)]
    assert judged.coverable[0].tolist() == expected


@pytest.mark.parametrize(
    ("hits", "evidence", "word"),
    [
        ([[7]], [], "passage"),
        ([[0]], [(4, 0, 0, 1)], "question"),
        ([[0]], [(0, 9, 0, 1)], "document"),
    ],
)
def test_a_row_out_of_range_is_an_error(hits: list[list[int]], evidence: list[tuple[int, ...]], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        World(1, [(0, 0, 5)], evidence, hits, 1).judged()  # type: ignore[arg-type]


def test_a_chunk_has_the_largest_grade_of_the_evidence_it_holds() -> None:
    # Evidence 0-4 of grade 1, 3-6 of grade 3, 9-10 of grade 2; chunks 0-3, 2-4, 5-10, 10-12, one of another document.
    world = World(
        2,
        [(0, 0, 3), (0, 2, 4), (0, 5, 10), (0, 10, 12), (1, 0, 12)],
        [(0, 0, 0, 4), (0, 0, 3, 6), (0, 0, 9, 10), (1, 1, 0, 1)],
        [[2, 0, 3, 1], [4]],
        4,
        [1, 3, 2, 7],
    )
    judged = world.judged()
    assert judged.grade.tolist() == [[3, 1, 0, 3], [7, 0, 0, 0]]
    assert judged.ideal.tolist() == [[3, 3, 1, 0], [7, 0, 0, 0]]


def test_a_grade_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="grade is 0"):
        World(1, [(0, 0, 5)], [(0, 0, 0, 1), (0, 0, 1, 2)], [[0]], 1, [1, 0]).judged()


def test_hits_of_another_number_of_questions_are_an_error() -> None:
    empty = np.zeros(0, dtype=np.int32)
    with pytest.raises(ValueError, match="questions"):
        relevance_of(
            Hits(np.full((2, 1), -1, dtype=np.int32), np.zeros((2, 1), dtype=np.float32)),
            Spans(empty, empty, empty),
            QuestionEvidence(empty, empty, empty, empty),
            3,
            1,
        )


SPAN = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 12), st.integers(1, 9))


@given(st.lists(SPAN, max_size=12))
def test_each_character_of_evidence_counts_once(spans: list[tuple[int, int, int, int]]) -> None:
    positions: list[set[tuple[int, int]]] = [set() for _ in range(4)]
    for question, document, start, length in spans:
        positions[question] |= {(document, at) for at in range(start, start + length)}
    rows = [(question, document, start, start + length) for question, document, start, length in sorted(spans)]
    columns = np.array(rows, dtype=np.int32).reshape(-1, 4).T
    characters = evidence_characters(QuestionEvidence(*columns), 4)
    assert characters.tolist() == [len(each) for each in positions]
