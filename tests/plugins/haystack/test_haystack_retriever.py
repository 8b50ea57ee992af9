"""Any store with its retriever: the store's own ranking, ties by row, and a store that is not one's own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ragtally_haystack.calls
from ragtally.api import Passages, PluginError, Queries, Spans
from ragtally.support.ranking import best_rows
from ragtally.testing import samples

Build = Callable[..., Any]

STORE = {"type": "haystack.document_stores.in_memory.InMemoryDocumentStore", "init_parameters": {}}
BM25 = {"type": "haystack.components.retrievers.in_memory.InMemoryBM25Retriever"}
VECTORS = {"type": "haystack.components.retrievers.in_memory.InMemoryEmbeddingRetriever"}
LIST_STORE = "sample_parts.stores.ListStore"
LIST = {"type": "sample_parts.stores.ListRetriever"}


def passages(*texts: str) -> Passages:
    rows = np.arange(len(texts), dtype=np.int32)
    return Passages(list(texts), Spans(rows, np.zeros_like(rows), rows + 1))


def queries(*texts: str, vectors: Any = None) -> Queries:
    return Queries([f"q{row}" for row in range(len(texts))], list(texts), vectors)


def parts() -> Any:
    return importlib.import_module("sample_parts.stores")


@pytest.fixture
def listed(build: Build) -> Build:
    """Build a retriever over the made-up store, emptied before."""

    def listed(collection: str = "one", clear: bool = True, retriever: Any = LIST, **given: Any) -> Any:
        if clear:
            parts().ListStore.collections.pop(collection, None)
        parts().ListRetriever.asked.clear()
        options = {name: given.pop(name) for name in ("order", "max_top_k", "lag") if name in given}
        store = {"type": LIST_STORE, "init_parameters": {"collection": collection, **options}}
        return build("retriever", store=store, retriever=retriever, **given)

    return listed


@pytest.mark.parametrize("algorithm", ["BM25L", "BM25Okapi", "BM25Plus"])
def test_bm25_is_haystacks_own(algorithm: str, build: Build) -> None:
    from haystack import Document
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    corpus, asked = samples.passages(), samples.queries(frozenset({"text"}))
    store = {**STORE, "init_parameters": {"bm25_algorithm": algorithm}}
    retriever = build("retriever", store=store, retriever=BM25, batch=7)
    retriever.add(corpus, None)
    hits = retriever.search(asked, 5)
    own = InMemoryDocumentStore(bm25_algorithm=algorithm, shared=False)
    own.write_documents([Document(id=str(row), content=text) for row, text in enumerate(corpus.text)])
    for row, text in enumerate(asked.text):
        found = own.bm25_retrieval(text, top_k=len(corpus))
        expected = best_rows(np.array([each.score for each in found]), np.array([int(each.id) for each in found]), 5)
        assert hits.passage[row, : len(expected.rows)].tolist() == expected.rows.tolist()
        np.testing.assert_array_equal(hits.score[row, : len(expected.scores)], expected.scores)


@pytest.mark.parametrize("similarity", ["dot_product", "cosine"])
def test_vectors_are_compared_exactly(similarity: str, build: Build) -> None:
    draw = np.random.default_rng(5)
    corpus, asked = draw.standard_normal((60, 6)).astype(np.float32), draw.standard_normal((9, 6)).astype(np.float32)
    corpus[40:50] = corpus[7]
    store = {**STORE, "init_parameters": {"embedding_similarity_function": similarity}}
    retriever = build("retriever", store=store, retriever=VECTORS)
    retriever.add(passages(*["text"] * 60), corpus)
    hits = retriever.search(queries(*["?"] * 9, vectors=asked), 4)
    norms = np.outer(np.linalg.norm(asked, axis=1), np.linalg.norm(corpus, axis=1)) if similarity == "cosine" else 1
    for row, scores in enumerate(asked.astype(float) @ corpus.T.astype(float) / norms):
        assert hits.passage[row].tolist() == best_rows(scores, np.arange(60), 4).rows.tolist()


def test_a_retriever_of_vectors_needs_them(build: Build) -> None:
    retriever = build("retriever", store=STORE, retriever=VECTORS)
    retriever.add(passages("one"), None)
    with pytest.raises(PluginError, match="compares vectors and was given none"):
        retriever.search(queries("?"), 1)
    with pytest.raises(PluginError, match=r"vectors of shape \[2, 3\] for 1 chunks"):
        retriever.add(passages("one"), np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("limit", [1, 3, 25])
def test_ties_go_by_row_although_the_store_has_them_otherwise(limit: int, listed: Build) -> None:
    retriever = listed()
    retriever.add(passages(*["same words"] * 60, "same", "none"), None)
    hits = retriever.search(queries("same words"), limit)
    assert hits.passage[0].tolist() == list(range(limit))


def test_no_more_is_asked_for_than_a_tie_makes_needful(listed: Build) -> None:
    retriever = listed(threads=1)
    retriever.add(passages(*[" ".join(f"w{number}" for number in range(row)) for row in range(60)]), None)
    hits = retriever.search(queries(" ".join(f"w{number}" for number in range(60))), 4)
    assert hits.passage[0].tolist() == [59, 58, 57, 56]
    assert parts().ListRetriever.asked == [14]


def test_a_store_that_cuts_ties_is_asked_for_a_hundred_more_at_most(listed: Build) -> None:
    retriever = listed(threads=1)
    retriever.add(passages(*["same"] * 400), None)
    retriever.search(queries("same"), 2)
    assert parts().ListRetriever.asked == [12, 48, 102]


def test_distances_are_turned_round(listed: Build) -> None:
    retriever = listed(order="distances")
    retriever.add(passages("none", "one", "one two", "one two three"), None)
    hits = retriever.search(queries("one two three"), 3)
    assert hits.passage[0].tolist() == [3, 2, 1]
    assert hits.score[0].tolist() == [-6, -7, -8]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("no scores", "gives no scores"),
        ("NaN", "not finite numbers"),
        ("mixed", "does not order"),
        ("strangers", "did not write"),
        ("twice", "one twice"),
    ],
)
def test_what_is_no_ranking_is_refused(order: str, message: str, listed: Build) -> None:
    retriever = listed(order=order)
    retriever.add(passages("one", "two", "three", "four"), None)
    with pytest.raises(PluginError, match=message) as caught:
        retriever.search(queries("one"), 2)
    assert LIST["type"] in caught.value.message


def test_the_stores_own_refusal_names_it(listed: Build) -> None:
    retriever = listed(max_top_k=5)
    retriever.add(passages(*["one"] * 40), None)
    with pytest.raises(PluginError, match=rf"{LIST['type']} fails: ValueError: top_k is at most 5"):
        retriever.search(queries("one"), 2)


def test_a_store_that_holds_others_is_refused_and_left_alone(listed: Build) -> None:
    first = listed()
    first.add(passages("one", "two"), None)
    first.search(queries("one"), 1)
    second = listed(clear=False)
    second.add(passages("one", "two", "three"), None)
    with pytest.raises(PluginError, match="holds 2 documents, not the 3 chunks alone"):
        second.search(queries("one"), 1)
    assert len(parts().ListStore.collections["one"]) == 2


def test_what_an_earlier_step_wrote_is_written_again(listed: Build, tmp_path: Path) -> None:
    """Loading fills the store anew; one on a server holds the same chunks already."""
    corpus = passages("one", "two", "three")
    first = listed()
    first.add(corpus, None)
    assert first.search(queries("three"), 1).passage[0, 0] == 2
    first.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["store.json"]
    second = listed(clear=False, batch=2)
    second.load(tmp_path, corpus, None)
    assert second.search(queries("three"), 1).passage[0, 0] == 2
    assert second._store.batches == [2, 1]


@pytest.mark.parametrize(("lag", "waits"), [(3, [1.0, 2.0, 4.0]), (99, [1.0, 2.0, 4.0, 8.0, 16.0])])
def test_a_server_may_count_late(
    lag: int, waits: list[float], listed: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(ragtally_haystack.calls, "sleep", waited.append)
    retriever = listed(lag=lag)
    retriever.add(passages("one", "two", "three"), None)
    if lag == 3:
        assert retriever.search(queries("three"), 1).passage[0, 0] == 2
    else:
        with pytest.raises(PluginError, match="holds after writing 2 documents, not the 3 chunks alone"):
            retriever.search(queries("three"), 1)
    assert waited == waits


def test_nothing_is_written_before_something_is_asked(listed: Build) -> None:
    retriever = listed()
    retriever.add(passages("one", "two"), None)
    assert parts().ListStore.collections["one"] == {}


def test_an_in_memory_store_leaves_nothing_behind(build: Build) -> None:
    from haystack.document_stores.in_memory import document_store

    before = set(document_store._STORAGES)
    retriever = build("retriever", store=STORE, retriever=BM25)
    retriever.add(passages("one", "two"), None)
    retriever.search(queries("one"), 1)
    assert set(document_store._STORAGES) == before


def test_a_filter_policy_is_read(build: Build) -> None:
    given = {**BM25, "init_parameters": {"filter_policy": "merge"}}
    assert build("retriever", store=STORE, retriever=given)
    given = {**BM25, "init_parameters": {"filter_policy": "guess"}}
    with pytest.raises(PluginError, match="Unknown FilterPolicy"):
        build("retriever", store=STORE, retriever=given)


def test_traits(fill: Callable[..., Any]) -> None:
    component, filled = fill("retriever", store=STORE, retriever=BM25)
    traits = component.traits(filled)
    assert traits.reads == {"text"}
    assert traits.prefix_stable and not traits.variation
    component, filled = fill("retriever", store={"type": LIST_STORE}, retriever=LIST, embedder="lsa")
    traits = component.traits(filled)
    assert traits.reads == {"text", "vectors"}
    assert not traits.prefix_stable
    assert traits.variation == "whether ListStore finds the same in an index built again, ragtally cannot know"
