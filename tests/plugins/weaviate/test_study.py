"""A whole study on a server: scored cells, nothing done twice, what `doctor` says, and what `store gc` drops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from command_line import Outcome, project_in
from ragtally.cli import main
from weaviate_server import StubServer

Ragtally = Callable[..., Outcome]

SPEC = """\
study: found
seed: 3
dataset: {synthetic: {questions: 40, distractors: 1}}
grid:
  chunker: {words: {size: 60, overlap: 0}}
  retriever:
    - weaviate: {mode: bm25, batch: 20, concurrency: 1}
    - weaviate: {mode: near_vector, embedder: {hashing: {dim: 64}}, ef: [16, 32], depth: 10}
    - dense: {embedder: {hashing: {dim: 64}}}
  top_k: [2]
metrics: [document_hit@1, recall@5]
"""
BM25_ALONE = "\n".join(line for line in SPEC.splitlines() if "near_vector" not in line and "dense" not in line)


@pytest.fixture
def ragtally(
    tmp_path: Path, stub: StubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ragtally:
    """Run the command line in this process, in a folder with a spec, a store and results of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAGTALLY_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "found.yaml").write_text(SPEC)
    (tmp_path / "less.yaml").write_text(BM25_ALONE)

    def run(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["ragtally", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        told = capsys.readouterr()
        return Outcome(code, told.out, told.err)

    return run


def test_a_study_is_scored_and_done_once_and_its_collections_go_with_its_indexes(
    ragtally: Ragtally, stub: StubServer
) -> None:
    done = ragtally("run", "found.yaml", "--stage", "bench")
    assert done.code == 0, done.err
    cells = pl.read_csv("data/results/found/cells.csv").filter(pl.col("top_k").is_null())
    scores = dict(zip(cells["cell"], cells["document_hit@1"], strict=True))
    near = [f"words/weaviate(near_vector,ef={ef},depth=10)" for ef in (16, 32)]
    assert "words/weaviate(bm25,depth=100)" in scores, "how fast it is filled is no part of a name"
    assert len(near) == 2 and len(stub.collections) == 2
    exact = next(name for name in scores if "dense" in name)
    assert all(scores[name] == scores[exact] for name in near)
    measured = dict(zip(cells["cell"], cells["ann_recall@10"], strict=True))
    assert [measured[name] for name in near] == [1.0, 1.0] and measured[exact] is None

    stub.faults.calls.clear()
    assert ragtally("run", "found.yaml", "--stage", "bench").code == 0
    assert not stub.faults.calls

    listed = ragtally("store", "gc", "--keep", "less.yaml")
    assert listed.out.count("outside the store: the collection Ragtally_") == 1
    assert len(stub.collections) == 2
    stub.faults.ready = False
    refused = ragtally("store", "gc", "--keep", "less.yaml", "--yes")
    assert refused.code == 2 and "is not ready" in refused.err and len(stub.collections) == 2
    stub.faults.ready = True
    assert ragtally("store", "gc", "--keep", "less.yaml", "--yes").code == 0
    assert len(stub.collections) == 1
    assert ragtally("store", "gc", "--keep", "less.yaml").out == "there is no garbage\n"
    assert ragtally("run", "less.yaml", "--stage", "bench").code == 0


def test_builds_fill_collections_of_their_own_and_share_the_first(
    ragtally: Ragtally, stub: StubServer, tmp_path: Path
) -> None:
    one = next(line for line in SPEC.splitlines() if "near_vector" in line)
    text = "\n".join(line for line in SPEC.splitlines() if "bm25" not in line and "dense" not in line) + "\n"
    (tmp_path / "one.yaml").write_text(text)
    (tmp_path / "two.yaml").write_text(text.replace(one, one.replace("depth: 10", "depth: 10, builds: 2")))
    done = ragtally("run", "one.yaml", "--stage", "bench")
    assert done.code == 0, done.err
    first = set(stub.collections)
    assert len(first) == 1
    done = ragtally("run", "two.yaml", "--stage", "bench")
    assert done.code == 0, done.err
    assert len(stub.collections) == 2 and first < set(stub.collections)
    cells = pl.read_csv("data/results/found/cells.csv").filter(pl.col("top_k").is_null())
    assert cells["cell"].to_list() == [f"words/weaviate({ef})/build {build}" for ef in (16, 32) for build in (1, 2)]
    # The stand-in overlooks nothing.
    assert cells["ann_evidence@1"].to_list() == [1.0] * 4
    assert all("index: flat repeats" in note for note in cells["note"])
    garbage = ragtally("store", "gc", "--keep", "less.yaml").out
    assert garbage.count("outside the store: the collection Ragtally_") == 2


def test_gc_drops_no_collection_that_is_not_ragtallys(
    ragtally: Ragtally, stub: StubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert ragtally("run", "less.yaml", "--stage", "bench").code == 0
    (tmp_path / "other.yaml").write_text(BM25_ALONE.replace("size: 60", "size: 50"))
    (collection,) = stub.collections.values()
    ours, collection.schema["description"] = collection.schema["description"], "somebody's notes"
    said = ragtally("store", "gc", "--keep", "other.yaml", "--yes")
    assert said.code == 2 and "was not made by ragtally" in said.err and stub.collections
    collection.schema["description"] = ours
    monkeypatch.setenv("WEAVIATE_URL", "http://127.0.0.1:9")
    said = ragtally("store", "gc", "--keep", "other.yaml", "--yes")
    assert said.code == 2 and f"WEAVIATE_URL={stub.url} ragtally store gc" in said.err
    said = ragtally("store", "gc", "--keep", "other.yaml", "--yes", "--leave-outside")
    assert said.code == 0 and stub.collections


def test_verify_looks_at_collections_and_says_which_must_be_filled_again(
    ragtally: Ragtally, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ragtally("run", "found.yaml", "--stage", "bench").code == 0
    said = ragtally("store", "verify")
    assert said.code == 0 and "outside the store: 2 sound of 2\n" in said.out
    for each in stub.collections.values():
        each.objects.popitem()
    said = ragtally("store", "verify")
    assert said.code == 2 and said.err.count("must be filled again") == 2 and "objects for" in said.err
    stub.collections.clear()
    said = ragtally("store", "verify")
    assert said.code == 2 and said.err.count("is not there") == 2 and "outside the store: 0 sound of 2\n" in said.out
    monkeypatch.setenv("WEAVIATE_URL", "http://127.0.0.1:9")
    said = ragtally("store", "verify")
    assert said.code == 0 and said.err.count("could not look at the collection Ragtally_") == 2
    assert "names another server" in said.err and f"WEAVIATE_URL={stub.url} ragtally store verify" in said.err
    monkeypatch.delenv("WEAVIATE_URL")
    said = ragtally("store", "verify")
    assert said.code == 0 and "WEAVIATE_URL is not set" in said.err


def test_a_collection_of_an_earlier_version_that_lost_chunks_is_named_and_filled_again(
    ragtally: Ragtally, stub: StubServer
) -> None:
    assert ragtally("run", "found.yaml", "--stage", "bench").code == 0
    has_vectors = {
        name: any(held.vector is not None for held in each.objects.values())
        for name, each in stub.collections.items()
    }
    (name,) = (name for name, has in has_vectors.items() if has)
    collection = stub.collections[name]
    about = json.loads(collection.schema["description"])
    for key in ("checked", "build", "filler", "beat"):
        del about[key]
    collection.schema["description"] = json.dumps(about)
    for identifier in collection.ordered()[20:40]:
        collection.objects[identifier].indexed = False
    collection.changes += 1
    said = ragtally("store", "verify")
    assert said.code == 2 and f"the collection {name} at {stub.url} holds 20 of" in said.err
    assert "chunks where no search finds them" in said.err and "must be filled again" in said.err
    assert "outside the store: 1 sound of 2" in said.out
    more = Path("more.yaml")
    more.write_text(SPEC.replace("ef: [16, 32]", "ef: [16, 32, 64]"))
    assert ragtally("run", "more.yaml", "--stage", "bench").code == 0
    assert all(each.indexed for each in stub.collections[name].objects.values())
    assert ragtally("store", "verify").code == 0


def test_doctor_looks_at_the_server_and_at_what_was_left_on_it(ragtally: Ragtally, stub: StubServer) -> None:
    said = ragtally("doctor", "less.yaml")
    assert said.code == 0 and f"Weaviate {stub.faults.version} at {stub.url} is ready, and answers gRPC" in said.out
    stub.faults.dies_after = 1
    stopped = ragtally("run", "less.yaml", "--stage", "bench")
    assert stopped.code == 2 and "does not answer (writing chunks)" in stopped.err
    said = ragtally("doctor", "less.yaml")
    assert said.code == 0 and "is half filled" in said.out and "curl -X DELETE" in said.out
    stub.faults.serving = False
    said = ragtally("doctor", "less.yaml")
    assert said.code == 2 and "does not serve gRPC" in said.out


@pytest.mark.slow
def test_a_run_killed_while_it_writes_fills_anew(stub: StubServer, tmp_path: Path) -> None:
    project = project_in(tmp_path / "project")
    project.write("less.yaml", BM25_ALONE)
    stub.faults.hang = 0.3
    command = [sys.executable, "-m", "ragtally", "run", "less.yaml"]
    process = subprocess.Popen(
        command, cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    limit = time.monotonic() + 60
    while stub.faults.calls.count("batch") < 3 and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (collection,) = stub.collections.values()
    assert len(collection.objects) >= 20 and '"filling"' in collection.schema["description"]
    stub.faults.hang, before = 0.0, stub.faults.calls.count("batch")
    done = project.ragtally("run", "less.yaml", "--stage", "bench")
    assert done.code == 0, done.err
    (anew,) = stub.collections.values()
    assert anew is not collection and '"complete"' in anew.schema["description"]
    assert stub.faults.calls.count("batch") - before == -(-len(anew.objects) // 20)
