"""A collection is filled once, goes on where it stopped, and is searched only when it is complete."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ragtally.api import Passages
from ragtally.support.processes import machine
from ragtally.testing import samples
from ragtally_weaviate import filling
from ragtally_weaviate.server import ServerError
from weaviate_server import StubServer
from weaviate_server.collections import Collection, Held
from weaviate_server.rpc import AUTO_SCHEMA

Build = Callable[..., Any]
TEXT = frozenset({"text"})


def index(stub: StubServer) -> Collection:
    (collection,) = stub.collections.values()
    return collection


def marker(stub: StubServer) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(index(stub).schema["description"])
    return said


def test_the_collection_says_what_it_is_made_of(build: Build, stub: StubServer, passages: Passages) -> None:
    build(mode="bm25", stopwords="en", tokenization="lowercase", k1=1.5, b=0.5).add(passages, None)
    schema = index(stub).schema
    assert schema["class"].startswith("Ragtally_") and len(schema["class"]) == len("Ragtally_") + 40
    assert schema["invertedIndexConfig"]["stopwords"]["preset"] == "en"
    assert schema["invertedIndexConfig"]["bm25"] == {"k1": 1.5, "b": 0.5}
    assert schema["properties"][0]["name"] == "content"
    assert schema["properties"][0]["tokenization"] == "lowercase"
    assert schema["vectorConfig"]["default"]["vectorizer"] == {"none": {}}
    said = marker(stub)
    assert len(said.pop("build")) == 32
    about = {"made_by": "ragtally", "state": "complete", "chunks": 40, "digest": schema["class"][9:]}
    assert said == about | {"checked": True, "filler": "", "beat": 0}


def test_what_is_complete_is_not_written_again(build: Build, stub: StubServer, passages: Passages) -> None:
    for _ in range(2):
        build(mode="bm25", batch=10).add(passages, None)
    assert stub.faults.calls.count("batch") == 4
    assert stub.faults.calls.count("create") == 1


@pytest.mark.parametrize("other", [{"b": 0.5}, {"stopwords": "en"}, {"tokenization": "whitespace"}])
def test_other_contents_are_another_collection(
    build: Build, stub: StubServer, passages: Passages, other: dict[str, Any]
) -> None:
    build(mode="bm25").add(passages, None)
    build(mode="bm25", **other).add(passages, None)
    assert len(stub.collections) == 2


def test_progress_is_told(build: Build, stub: StubServer, passages: Passages) -> None:
    told: list[tuple[int | None, int | None]] = []
    retriever = build(mode="bm25", batch=16)
    retriever.report_to(lambda what, done, total: told.append((done, total)))
    retriever.add(passages, None)
    assert told == [(0, 40), (16, 40), (32, 40), (40, 40)]


def test_an_interrupted_filling_begins_again(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    """What an interrupted batch stored may never reach the index."""
    stub.faults.dies_after = 2
    with pytest.raises(ServerError) as caught:
        build(mode="near_vector", batch=10, concurrency=1).add(passages, vectors)
    assert "does not answer (writing chunks)" in caught.value.message
    assert "run the same command again" in (caught.value.hint or "")
    assert stub.faults.calls.count("create") == 3, "it is tried again from nothing, and not forever"
    assert marker(stub)["state"] == "filling" and marker(stub)["filler"] == ""
    stub.faults.dies_after = None
    stub.faults.calls.clear()
    build(mode="near_vector", batch=10).add(passages, vectors)
    assert stub.faults.calls.count("batch") == 4 and stub.faults.calls.count("delete") == 1
    assert marker(stub)["state"] == "complete" and all(each.indexed for each in index(stub).objects.values())


def test_a_server_that_was_started_again_is_filled_from_nothing_in_the_same_run(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    stub.faults.dies_after = 2

    def progress(what: str, so_far: int | None, total: int | None) -> None:
        if stub.faults.calls.count("create") == 2:
            stub.faults.dies_after = None

    retriever = build(mode="near_vector", batch=10, concurrency=1)
    retriever.report_to(progress)
    retriever.add(passages, vectors)
    assert len(index(stub).objects) == 40 and all(each.indexed for each in index(stub).objects.values())
    assert not index(stub).unmerged and marker(stub)["state"] == "complete"


def test_a_batch_that_was_not_answered_in_time_is_not_written_again(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    stub.faults.hang = 0.3
    retriever = build(mode="near_vector", batch=20, concurrency=2, timeout=0.1)
    with pytest.raises(ServerError, match="did not answer in time") as caught:
        retriever.add(passages, vectors)
    assert "raise `timeout`" in (caught.value.hint or "")
    assert stub.faults.calls.count("create") == stub.faults.calls.count("delete") + 1 == 3
    stub.faults.hang = 0.0
    retriever.add(passages, vectors)
    assert all(each.indexed for each in index(stub).objects.values()) and not index(stub).unmerged


def test_a_half_filled_collection_is_filled_before_it_is_searched(
    build: Build, stub: StubServer, passages: Passages, tmp_path: Path
) -> None:
    whole = build(mode="bm25")
    whole.add(passages, None)
    wanted = whole.search(samples.queries(TEXT), 7)
    for name in index(stub).ordered()[5:30]:
        del index(stub).objects[name]
    again = build(mode="bm25")
    whole.save(tmp_path)
    again.load(tmp_path, passages, None)
    assert again.search(samples.queries(TEXT), 7).passage.tolist() == wanted.passage.tolist()
    assert len(index(stub).objects) == 40
    stub.collections.clear()
    assert again.search(samples.queries(TEXT), 7).passage.tolist() == wanted.passage.tolist()


def test_a_count_that_is_wrong_in_the_end_is_an_error(build: Build, stub: StubServer, passages: Passages) -> None:
    stub.faults.loses = 3
    with pytest.raises(ServerError, match="holds 37 objects after writing, and there are 40 chunks"):
        build(mode="bm25").add(passages, None)
    assert marker(stub)["state"] == "filling" and stub.faults.calls.count("create") == 3


def test_single_chunks_that_are_refused_are_tried_again(build: Build, stub: StubServer, passages: Passages) -> None:
    stub.faults.refused = {"7": 2, "31": 1}
    build(mode="bm25", batch=10).add(passages, None)
    assert len(index(stub).objects) == 40
    assert stub.faults.calls.count("batch") == 4 + 1 + 1
    assert stub.faults.calls.count("create") == 1 and not index(stub).unmerged


def test_chunks_that_are_refused_for_good_are_named(build: Build, stub: StubServer, passages: Passages) -> None:
    stub.faults.refused = {"7": 99, "31": 99}
    with pytest.raises(ServerError) as caught:
        build(mode="bm25", batch=10).add(passages, None)
    assert "is full (it did not take 2 of 40 chunks, first row 7)" in caught.value.message
    assert marker(stub)["state"] == "filling" and len(index(stub).objects) == 38


def test_a_server_that_indexes_in_the_background_is_waited_for(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    stub.faults.queue = 3
    build(mode="near_vector").add(passages, vectors)
    assert stub.faults.queue == 0 and marker(stub)["state"] == "complete"


def test_a_collection_that_ragtally_did_not_make_is_not_touched(
    build: Build, stub: StubServer, passages: Passages
) -> None:
    build(mode="bm25").add(passages, None)
    index(stub).schema["description"] = "mine"
    stub.faults.calls.clear()
    with pytest.raises(ServerError, match="was not made by ragtally"):
        build(mode="bm25").add(passages, None)
    assert not {"batch", "update", "delete", "create"} & set(stub.faults.calls)


def test_an_object_that_ragtally_did_not_write_is_an_error(
    build: Build, stub: StubServer, passages: Passages
) -> None:
    build(mode="bm25").add(passages, None)
    objects = index(stub).objects
    objects[b"\xff" * 16] = objects.popitem()[1]
    objects[b"\xfe" * 16] = objects[b"\xff" * 16]
    with pytest.raises(ServerError, match="holds objects that ragtally did not write"):
        build(mode="bm25").add(passages, None)


def claim(stub: StubServer, **changes: Any) -> None:
    """Change what the collection says of itself."""
    index(stub).schema["description"] = json.dumps(marker(stub) | changes)


def test_two_that_begin_together_fill_once(build: Build, stub: StubServer, passages: Passages, vectors: Any) -> None:
    stub.faults.hang = 0.05
    with ThreadPoolExecutor(4) as executor:
        for each in [executor.submit(build(mode="near_vector", batch=10).add, passages, vectors) for _ in range(4)]:
            each.result()
    assert stub.faults.calls.count("batch") == 4
    assert len(index(stub).objects) == 40 and marker(stub)["state"] == "complete"


def test_a_filler_that_lives_is_waited_for(
    build: Build, stub: StubServer, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(mode="bm25").add(passages, None)
    claim(stub, state="filling", filler="elsewhere/1")
    told = list[str]()

    def progress(what: str, so_far: int | None, total: int | None) -> None:
        told.append(what)
        claim(stub, **({"beat": len(told)} if len(told) < 5 else {"state": "complete", "filler": ""}))

    retriever = build(mode="bm25")
    retriever.report_to(progress)
    stub.faults.calls.clear()
    retriever.add(passages, None)
    assert len(told) == 5 and "filled by elsewhere/1" in told[0]
    assert not {"batch", "delete", "create"} & set(stub.faults.calls)


@pytest.mark.parametrize(
    ("filler", "is_ours"),
    [("HOST/999999999/MACHINE/1", True), ("HOST/PROCESS/MACHINE/1", True), ("", True), ("elsewhere/1", False),
     ("HOST/999999999", False)],
)  # fmt: skip
def test_a_dead_filler_is_taken_over(
    build: Build, stub: StubServer, passages: Passages, filler: str, is_ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(mode="bm25").add(passages, None)
    first = marker(stub)["build"]
    words = {"HOST": socket.gethostname(), "PROCESS": str(os.getpid()), "MACHINE": machine()}
    for word, meaning in words.items():
        filler = filler.replace(word, meaning)
    claim(stub, state="filling", filler=filler)
    # A process of another machine, or of an earlier version's marker, is known by its beats alone.
    monkeypatch.setattr(filling, "_DEAD", 1000 if is_ours else 0.2)
    build(mode="bm25").add(passages, None)
    assert marker(stub)["state"] == "complete" and marker(stub)["build"] != first
    assert stub.faults.calls.count("delete") == 1 and len(index(stub).objects) == 40


def test_a_filler_that_was_taken_over_stops_and_waits_for_the_other(
    build: Build, stub: StubServer, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "_BEAT", 0.01)
    retriever = build(mode="bm25", batch=1, concurrency=1)
    stub.faults.hang = 0.02

    def progress(what: str, so_far: int | None, total: int | None) -> None:
        if "filled by elsewhere/1" in what:
            claim(stub, state="complete", checked=True, filler="")
            with_all(stub, passages)
        elif (so_far or 0) >= 3:
            claim(stub, build="another", filler="elsewhere/1")

    retriever.report_to(progress)
    retriever.add(passages, None)
    assert stub.faults.calls.count("batch") < 40 and stub.faults.calls.count("create") == 1
    assert marker(stub)["build"] == "another" and marker(stub)["state"] == "complete"


def with_all(stub: StubServer, passages: Passages) -> None:
    """Write what is missing, as the other process would."""
    for row in range(len(index(stub).objects), len(passages)):
        properties = {"content": passages.text[row], "_original_id": str(row)}
        index(stub).objects[row.to_bytes(16, "big")] = Held(properties, None)


def test_a_late_beat_of_a_filler_that_was_taken_for_dead_does_not_end_the_other(
    build: Build, stub: StubServer, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "_BEAT", 0.01)
    monkeypatch.setattr(filling, "_DEAD", 0.1)
    build(mode="bm25").add(passages, None)
    claim(stub, state="filling", filler="elsewhere/1")
    late = index(stub).schema["description"]
    stub.faults.hang = 0.02
    retriever = build(mode="bm25", batch=2, concurrency=1)

    def progress(what: str, so_far: int | None, total: int | None) -> None:
        if so_far == 10 and "filled by" not in what:
            index(stub).schema["description"] = late

    retriever.report_to(progress)
    retriever.add(passages, None)
    assert stub.faults.calls.count("create") == 2
    assert marker(stub)["state"] == "complete" and marker(stub)["build"] != json.loads(late)["build"]


def test_a_collection_that_the_server_made_by_itself_is_filled_from_nothing(
    build: Build, stub: StubServer, passages: Passages
) -> None:
    """For a batch that was on its way when its collection was dropped."""
    build(mode="bm25").add(passages, None)
    index(stub).schema["description"] = AUTO_SCHEMA
    build(mode="bm25").add(passages, None)
    assert stub.faults.calls.count("create") == 2 and marker(stub)["state"] == "complete"


def test_what_a_search_returns_while_another_fills_is_not_used(
    build: Build, stub: StubServer, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = build(mode="bm25")
    retriever.add(passages, None)
    search = retriever._searcher

    def disturbed(*words: Any) -> Any:
        claim(stub, build="another", state="filling")
        return search(*words)

    monkeypatch.setattr(retriever, "_searcher", disturbed)
    with pytest.raises(ServerError, match="was refilled while it was searched"):
        retriever.search(samples.queries(TEXT), 7)


@pytest.mark.parametrize("design", [{"distance": "cosine"}, {"distance": "hamming"}, {"index": "flat"}])
@pytest.mark.parametrize("lost", [0, 1])
def test_what_an_earlier_version_filled_is_looked_through_before_it_is_searched(
    build: Build, stub: StubServer, passages: Passages, vectors: Any, design: dict[str, Any], lost: int
) -> None:
    vectors = vectors.copy()
    vectors[5] = 0  # One without a vector misses none
    retriever = build(mode="near_vector", **design)
    retriever.add(passages, vectors)
    claim(stub, build="", checked=False)
    for name in index(stub).ordered()[3 : 3 + lost]:
        index(stub).objects[name].indexed = False
    index(stub).changes += 1
    stub.faults.calls.clear()
    retriever.add(passages, vectors)
    assert stub.faults.calls.count("delete") == lost and marker(stub)["checked"]
    assert all(each.indexed for each in index(stub).objects.values())
    stub.faults.calls.clear()
    retriever.add(passages, vectors)
    assert set(stub.faults.calls) == {"count"}


def test_a_filling_that_searches_do_not_find_is_tried_again_and_then_an_error(
    build: Build, stub: StubServer, passages: Passages, vectors: Any
) -> None:
    stub.faults.unindexed = {"7"}
    with pytest.raises(ServerError, match="holds 1 of 40 chunks where no search finds them, first row 7"):
        build(mode="near_vector").add(passages, vectors)
    assert stub.faults.calls.count("create") == 3 and marker(stub)["state"] == "filling"
    build(mode="bm25").add(passages, None)


def test_no_chunks_are_no_hits(build: Build, stub: StubServer, passages: Passages) -> None:
    empty = Passages([], type(passages.spans)(*(column[:0] for column in (passages.spans.document,) * 3)))
    retriever = build(mode="bm25")
    retriever.add(empty, None)
    assert (retriever.search(samples.queries(TEXT), 3).passage == -1).all()
