"""Chunkers and retrievers are held to their contracts; hits are judged by where the evidence stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ground import Fixed, Ground, hits
from ragtally.api import Choice, Component, DatasetBatch, Documents, Hits, PluginError, RetrieverTraits, Spans
from ragtally.tables import load_chunks, load_hits, load_relevance
from toy_study import NOTHING, batch, toy_dataset

LETTERS = Choice("retriever", "letters", {"embedder": Choice("embedder", "letter_counts"), "distance": "dot"})


@dataclass
class Cut:
    """A chunker that returns what a test wants."""

    spans: Spans

    def split(self, documents: Documents) -> Spans:
        return self.spans


def spans(*rows: tuple[int, int, int]) -> Spans:
    return Spans(*np.array(rows, dtype=np.int32).reshape(-1, 3).T)


BAD_SPANS = {
    "nothing": (spans(), "made no chunk"),
    "an empty chunk": (spans((0, 0, 5), (1, 3, 3)), "an empty chunk in the document 'b'"),
    "past the end": (spans((0, 0, 5), (2, 0, 99)), "a chunk outside of its text in the document 'c'"),
    "before the start": (spans((0, -1, 5)), "a chunk outside of its text in the document 'a'"),
    "documents out of order": (spans((1, 0, 5), (0, 0, 5)), "a chunk out of order"),
    "starts out of order": (spans((1, 4, 5), (1, 0, 5)), "a chunk out of order in the document 'b'"),
    "no such document": (spans((4, 0, 1)), "a chunk of a document that does not exist"),
    "uneven columns": (
        Spans(*(np.zeros(size, dtype=np.int32) for size in (2, 2, 1))),
        "columns of different lengths",
    ),
}


@pytest.mark.parametrize(("made", "message"), BAD_SPANS.values(), ids=BAD_SPANS)
def test_a_chunkers_broken_contract_is_named(
    make_ground: Callable[..., Ground], small: DatasetBatch, made: Spans, message: str
) -> None:
    ground = make_ground([small], components={"chunker": [Component("bad", lambda: Cut(made), "Bad.")]})
    with pytest.raises(PluginError, match="the chunker bad made") as error:
        ground.do(ground.chunks(chunker=Choice("chunker", "bad")))
    assert message in error.value.message


def test_chunks_may_overlap_and_come_back_as_text(make_ground: Callable[..., Ground], small: DatasetBatch) -> None:
    made = spans((0, 0, 6), (0, 3, 14), (2, 0, 6))
    ground = make_ground([small], components={"chunker": [Component("good", lambda: Cut(made), "Good.")]})
    folder = ground.do(ground.chunks(chunker=Choice("chunker", "good")))
    passages = load_chunks(folder, ground.bench.location.entry(ground.dataset))
    assert list(passages.text) == ["It was", "was yes. ä\U0001f600", "Nobody"]
    assert passages.spans.document.tolist() == [0, 0, 2]


# Three questions, four chunks of 60 characters (each document is one), two hits asked for.
BAD_HITS = {
    "too few questions": (hits([[0, 1]]), "hits of shape (1, 2) and scores of shape (1, 2), asked for (3, 2)"),
    "too many hits": (hits([[0, 1, 2]] * 3), "asked for (3, 2)"),
    "scores of another shape": (hits([[0, 1]] * 3, [[0]] * 3), "scores of shape (3, 1)"),
    "no such chunk": (hits([[0, 1], [0, 4], [0, 1]]), "rows that are no chunks: there are 4"),
    "below -1": (hits([[0, -2]] * 3), "rows that are no chunks"),
    "floats": (hits([[0.0, 1.0]] * 3), "rows of the type float64"),
    "the same chunk twice": (hits([[0, 1], [2, 2], [0, 1]]), "the same chunk twice for the question 'two'"),
    "a hole": (hits([[0, 1], [2, 3], [-1, 0]]), "a hit after the last one (-1) for the question 'three'"),
    "no number": (hits([[0, 1]] * 3, [[1, np.nan]] * 3), "a score that is no number for the question 'one'"),
}


def offered(retriever: object, *reads: str) -> dict[str, list[Component]]:
    traits = RetrieverTraits(reads=frozenset({"text", *reads}))  # type: ignore[arg-type]
    return {"retriever": [Component("fixed", lambda: retriever, "Fixed.", traits=traits)]}


@pytest.mark.parametrize(("result", "message"), BAD_HITS.values(), ids=BAD_HITS)
def test_a_retrievers_broken_contract_is_named(
    make_ground: Callable[..., Ground], small: DatasetBatch, result: Hits, message: str
) -> None:
    ground = make_ground([small], components=offered(Fixed(result)))
    with pytest.raises(PluginError, match="the retriever fixed returned") as error:
        ground.do(ground.hits(Choice("retriever", "fixed"), 2))
    assert message in error.value.message


def test_no_hit_at_all_is_allowed(make_ground: Callable[..., Ground], small: DatasetBatch) -> None:
    ground = make_ground([small], components=offered(Fixed(hits([[-1, -1], [3, -1], [1, 0]]))))
    result = load_hits(ground.do(ground.hits(Choice("retriever", "fixed"), 2)))
    assert result.passage.tolist() == [[-1, -1], [3, -1], [1, 0]]
    assert (result.passage.dtype, result.score.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("reads", [(), ("evidence",)])
def test_evidence_is_given_only_to_those_that_read_it(
    make_ground: Callable[..., Ground], small: DatasetBatch, reads: Sequence[str]
) -> None:
    fixed = Fixed(hits([[0, 1]] * 3))
    ground = make_ground([small], components=offered(fixed, *reads))
    ground.do(ground.hits(Choice("retriever", "fixed"), 2))
    assert fixed.queries is not None
    assert (fixed.queries.evidence is not None) == bool(reads)
    assert fixed.queries.vectors is None
    assert list(fixed.queries.id) == ["one", "two", "three"]


def test_vectors_reach_a_retriever_that_reads_them(make_ground: Callable[..., Ground]) -> None:
    ground = make_ground(toy_dataset(8).given)
    task = ground.hits(LETTERS, 3)
    (indexed,) = task.inputs["index"]
    folder = ground.do(indexed)
    assert sorted(path.name for path in folder.iterdir()) == ["entry.json", "retriever"]
    (embedded,) = task.inputs["embed"]
    assert (ground.do(embedded) / "embedder" / "known.json").is_file()
    result = load_hits(ground.do(task))
    assert result.passage.shape == (8, 3) and (result.passage >= 0).all()
    assert (np.diff(result.score, axis=1) <= 0).all()


def judged_hits(ground: Ground, result: Hits) -> Any:
    task = ground.relevance(ground.hits(Choice("retriever", "fixed"), result.passage.shape[1]))
    return load_relevance(ground.do(task))


def test_hits_are_judged_by_the_characters_of_evidence(
    make_ground: Callable[..., Ground], small: DatasetBatch
) -> None:
    result = hits([[3, 0], [1, -1], [0, 1]])
    ground = make_ground([small], components=offered(Fixed(result)))
    judged = judged_hits(ground, result)
    assert judged.hit.tolist() == [[True, True], [True, False], [True, True]]
    assert judged.relevant.tolist() == [[False, True], [True, False], [False, False]]
    assert judged.relevant_document.tolist() == [[False, True], [True, False], [False, False]]
    assert judged.relevant_total.tolist() == [2, 1, 1]
    assert judged.evidence_total.tolist() == [3 + 2 + 2, 2, 6]
    assert judged.covered.tolist() == [[0, 5], [2, 2], [0, 0]]
    assert judged.coverable.tolist() == [[5, 7], [2, 2], [6, 6]]


def test_evidence_in_a_document_without_a_chunk_is_missed_and_no_error(make_ground: Callable[..., Ground]) -> None:
    data = batch({"a": "Text.", "b": "   "}, {"one": ("yes", "test")}, [("one", "b", 0, 2)])
    components = offered(Fixed(hits([[0]]))) | {
        "chunker": [Component("pieces", lambda size: Cut(spans((0, 0, 5))), "One.", params={"size": {}})]
    }
    ground = make_ground([data], components=components)
    judged = judged_hits(ground, hits([[0]]))
    assert judged.relevant_document.tolist() == [[False]]
    assert judged.evidence_total.tolist() == [2]
    assert judged.coverable.tolist() == [[0]]


def test_questions_without_evidence_are_judged_as_nothing_to_find(make_ground: Callable[..., Ground]) -> None:
    data = batch({"a": "Text."}, {"one": ("yes", "test")}, [])
    ground = make_ground([data, NOTHING], components=offered(Fixed(hits([[0]]))))
    assert judged_hits(ground, hits([[0]])).evidence_total.tolist() == [0]
