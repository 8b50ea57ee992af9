"""What is found: what an exact search finds, in every mode; how that is measured; and what is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragtally.api import Passages, PluginError, Queries
from ragtally.testing import samples
from ragtally_dense.search import Dense
from ragtally_weaviate import searching
from ragtally_weaviate.server import ServerError
from weaviate_server import StubServer

Build = Callable[..., Any]
BOTH = frozenset({"text", "vectors"})
EXACT = {"cosine": "cosine", "dot": "dot", "l2-squared": "l2", "manhattan": "l1", "hamming": "hamming"}


@pytest.mark.parametrize("index", ["hnsw", "flat"])
@pytest.mark.parametrize("distance", EXACT)
def test_distances_are_those_of_the_exact_search(
    build: Build, server: None, passages: Passages, vectors: Any, distance: str, index: str
) -> None:
    """On so few chunks hnsw finds everything."""
    queries = samples.queries(BOTH)
    retriever = build(mode="near_vector", distance=distance, index=index)
    retriever.add(passages, vectors)
    hits = retriever.search(queries, 10)
    exact = Dense(EXACT[distance])
    exact.add(passages, vectors)
    wanted = exact.search(queries, 10)
    assert hits.passage.tolist() == wanted.passage.tolist()
    scores = -np.sqrt(-hits.score) if distance == "l2-squared" else hits.score
    np.testing.assert_allclose(scores, wanted.score, rtol=1e-3, atol=1e-6)
    (score,) = retriever.measured().values()
    assert (score.value, score.denominator) == (1.0, len(queries))


def test_chunks_and_questions_with_a_zero_vector_have_no_neighbours(
    build: Build, server: None, passages: Passages, vectors: Any
) -> None:
    queries = samples.queries(BOTH)
    assert queries.vectors is not None
    vectors, asked = vectors.copy(), queries.vectors.copy()
    vectors[3] = asked[0] = 0
    queries = dataclasses.replace(queries, vectors=asked)
    for mode in ("near_vector", "hybrid"):
        retriever = build(mode=mode, embedder=samples.StubEmbedder())
        retriever.add(passages, vectors)
        hits = retriever.search(queries, 40)
        assert 3 not in hits.passage or mode == "hybrid"
        assert (hits.passage[0] == -1).all() == (mode == "near_vector")


def test_alpha_goes_from_words_to_vectors(build: Build, server: None, passages: Passages, vectors: Any) -> None:
    queries = samples.queries(BOTH)
    found = {}
    for name, given in {
        "words": {"mode": "bm25"}, "0": {"mode": "hybrid", "alpha": 0.0}, "1": {"mode": "hybrid", "alpha": 1.0},
        "vectors": {"mode": "near_vector"},
    }.items():  # fmt: skip
        retriever = build(**given)
        retriever.add(passages, None if name == "words" else vectors)
        found[name] = retriever.search(queries, 3).passage.tolist()
    assert found["0"] == found["words"]
    assert found["1"] == found["vectors"]


def test_values_that_only_a_search_uses_share_one_collection(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    for given in ({"ef": 200}, {"ef": 300}, {}, {"mode": "hybrid", "alpha": 0.5}):
        retriever = build(**{"mode": "near_vector", **given})
        retriever.add(passages, vectors)
        retriever.search(samples.queries(BOTH), 5)
        (collection,) = stub.collections.values()
        assert collection.vectors["vectorIndexConfig"]["ef"] == given.get("ef", -1)
    assert stub.faults.calls.count("batch") == 1


def test_each_build_has_a_collection_of_its_own_and_knows_it_again(
    build: Build, server: None, passages: Passages, vectors: Any, tmp_path: Path
) -> None:
    names = {}
    for number in (1, 2, 3):
        retriever = build(mode="near_vector", builds=3)
        if number > 1:
            retriever.choose_build(number)
        retriever.add(passages, vectors)
        (folder := tmp_path / str(number)).mkdir()
        retriever.save(folder)
        names[number] = json.loads((folder / "collection.json").read_text())["collection"]
    assert len(set(names.values())) == 3
    record = tmp_path / "1" / "collection.json"
    # An index of before there were builds.
    content = json.loads(record.read_text())
    del content["build"]
    record.write_text(json.dumps(content))
    for number in (3, 1):
        again = build(mode="near_vector", builds=3)
        again.load(tmp_path / str(number), passages, vectors)
        again.search(samples.queries(BOTH), 5)
        again.save(tmp_path / str(number))
        found = json.loads((tmp_path / str(number) / "collection.json").read_text())
        assert (found["collection"], found["build"]) == (names[number], number)


def test_an_ef_that_somebody_else_changes_meanwhile_is_noticed(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    retriever = build(mode="near_vector", ef=200)
    retriever.add(passages, vectors)
    search = retriever._searcher

    def meddle(*given: Any) -> Any:
        (collection,) = stub.collections.values()
        collection.vectors["vectorIndexConfig"]["ef"] = 7
        return search(*given)

    retriever._searcher = meddle
    with pytest.raises(ServerError, match="somebody set another ef"):
        retriever.search(samples.queries(BOTH), 5)


def test_what_an_approximate_search_misses_is_measured(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    stub.faults.misses = 4
    retriever = build(mode="near_vector", distance="dot")
    retriever.add(passages, vectors)
    retriever.search(samples.queries(BOTH), 10)
    measured = retriever.measured()
    assert list(measured) == ["ann_recall@10"]
    assert 0.5 < (measured["ann_recall@10"].value or 0) <= 0.9
    flat = build(mode="near_vector", distance="dot", index="flat")
    flat.add(passages, vectors)
    flat.search(samples.queries(BOTH), 10)
    assert flat.measured()["ann_recall@10"].value == 1.0


@pytest.mark.parametrize("given", [{"mode": "bm25"}, {"mode": "near_vector"}, {"mode": "hybrid", "alpha": 0.5}])
def test_ties_go_by_row_whatever_the_server_puts_first(
    build: Build, stub: StubServer, passages: Passages, vectors: Any, given: dict[str, Any]
) -> None:
    stub.faults.last_first = True
    alike = Passages([passages.text[0]] * 30 + list(passages.text[30:]), passages.spans)
    vectors = np.concatenate([np.tile(vectors[:1], (30, 1)), vectors[30:]])
    retriever = build(**given)
    retriever.add(alike, None if given["mode"] == "bm25" else vectors)
    asked = Queries(["one"], [passages.text[0]], vectors[:1])
    assert retriever.search(asked, 5).passage[0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("given", [{"mode": "bm25"}, {"mode": "hybrid", "alpha": 0.5}])
def test_what_a_server_overlooks_for_a_moment_is_found(
    build: Build, stub: StubServer, passages: Passages, vectors: Any, given: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(searching, "_PAUSE", 0.0)
    retriever, queries = build(**given), samples.queries(BOTH)
    retriever.add(passages, None if given["mode"] == "bm25" else vectors)
    wanted = retriever.search(queries, 5)
    stub.faults.forgets = len(queries)
    hits = retriever.search(queries, 5)
    assert not stub.faults.forgets and hits.passage.tolist() == wanted.passage.tolist()


def test_a_server_that_answers_otherwise_each_time_is_an_error(
    build: Build, stub: StubServer, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_PAUSE", 0.0)
    retriever = build(mode="bm25", concurrency=1)
    retriever.add(passages, None)
    monkeypatch.setattr(searching, "_are_equal", lambda one, other: False)
    with pytest.raises(ServerError, match="answers 1 of 1 questions otherwise each time"):
        retriever.search(Queries(["one"], [passages.text[0]]), 5)


def test_more_hits_than_are_asked_for_are_an_error(build: Build, stub: StubServer, passages: Passages) -> None:
    retriever = build(mode="bm25", depth=5)
    retriever.add(passages, None)
    with pytest.raises(PluginError) as caught:
        retriever.search(samples.queries(frozenset({"text"})), 6)
    assert caught.value.hint == "write depth: 6"


def test_vectors_that_are_no_numbers_are_refused(build: Build, passages: Passages, vectors: Any) -> None:
    vectors = vectors.copy()
    vectors[2, 0] = np.nan
    with pytest.raises(PluginError, match="chunk in row 2"):
        build(mode="near_vector").add(passages, vectors)
    with pytest.raises(PluginError, match="for 40 chunks"):
        build(mode="near_vector").add(passages, vectors[:7])


def test_no_vectors_where_vectors_are_compared(build: Build, stub: StubServer, passages: Passages) -> None:
    retriever = build(mode="hybrid")
    retriever.add(passages, None)
    with pytest.raises(PluginError, match="needs vectors under mode: hybrid"):
        retriever.search(samples.queries(frozenset({"text"})), 3)
