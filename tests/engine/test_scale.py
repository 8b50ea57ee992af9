"""What work on a large corpus takes is said before it is begun, and what it would take at other sizes."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ragtally.api import RagtallyError, StoreError
from ragtally.engine import scale
from ragtally.engine.run import execute
from ragtally.plan import in_order
from ragtally.present.plan import scale_parts
from ragtally.steps import CHUNK, PREPARE, Task, pieces
from ragtally.tables import load_spans
from toy_study import toy_registry
from workbench import Bench

SPEC = """\
study: tiny
seed: 7
dataset: {made_up: {questions: 60, split: test}}
grid:
  chunker: pieces
  retriever: [shared_words, {letters: {embedder: letter_counts}}]
metrics: [recall@2]
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("scale"), toy_registry())


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "DOCUMENTS", 20)
    monkeypatch.setattr(pieces, "CHUNKS", 30)


@pytest.fixture
def tasks(bench: Bench) -> tuple[Task, ...]:
    return in_order(bench.plan(SPEC).goals("bench"))


def test_nothing_is_known_of_a_corpus_that_is_not_read(tasks: tuple[Task, ...], bench: Bench) -> None:
    assert not scale.footprints(tasks, Bench(bench.folder / "empty", bench.registry).location)
    with pytest.raises(RagtallyError, match=r"prepare made_up.* is not done"):
        scale.scaled_footprints(tasks, Bench(bench.folder / "empty", bench.registry).location)


def test_what_is_to_do_is_estimated_from_the_first_documents(tasks: tuple[Task, ...], bench: Bench) -> None:
    (dataset,) = [task for task in tasks if task.step is PREPARE]
    bench.do(dataset)
    rows = tuple(scale.footprints(tasks, bench.location).values())
    assert [row.step for row in rows] == ["chunk", "embed", "index", "index", "retrieve", "retrieve"]
    chunk, embed, *indexes = rows
    assert chunk.pieces > 1 < embed.pieces
    # Neither retriever says that it can be cut.
    assert {row.pieces for row in indexes} == {1}
    (task,) = [task for task in tasks if task.step is CHUNK]
    assert chunk.disk == 12 * len(load_spans(bench.do(task)))
    assert [row.step for row in scale.footprints(tasks, bench.location).values()] == [row.step for row in rows[1:]]


@pytest.mark.parametrize("resource", ["disk", "memory"])
def test_what_this_machine_lacks_is_said(
    resource: str, tasks: tuple[Task, ...], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dataset,) = [task for task in tasks if task.step is PREPARE]
    bench.do(dataset)
    nothing: Callable[..., SimpleNamespace] = lambda *_: SimpleNamespace(free=1, available=1)  # noqa: E731
    monkeypatch.setattr(scale.psutil, {"disk": "disk_usage", "memory": "virtual_memory"}[resource], nothing)
    workspace = bench.location
    if resource == "disk":
        with pytest.raises(StoreError, match=r"writes about .* GB, and 0.0 GB are free"):
            execute(tasks, workspace, bench.study(SPEC))
    else:
        scale.require_room(tasks, workspace)
        assert any("in memory, and 0.0 GB are free" in warning for warning in bench.notes.warnings)


def test_finished_work_says_what_other_sizes_take(tasks: tuple[Task, ...], bench: Bench) -> None:
    for task in tasks:
        bench.do(task)
    rows = scale.scaled_footprints(tasks, bench.location, (10_000_000, 100_000_000))
    small, large = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    assert [row.footprint.step for row in small] == [
        "prepare", "chunk", "embed", "index", "index", "retrieve", "retrieve",
    ]  # fmt: skip
    for one, ten in zip(small, large, strict=True):
        assert ten.seconds == pytest.approx(10 * one.seconds)
        assert ten.network == pytest.approx(10 * one.network, abs=5)
        assert ten.footprint.disk == pytest.approx(10 * one.footprint.disk, rel=1e-3)
    # What is cut into pieces takes no more memory for being larger.
    assert large[2].footprint.memory == pytest.approx(small[2].footprint.memory, rel=1e-3)
    tables = scale_parts(rows)
    assert [table.caption for table in tables if not isinstance(table, str)] == [
        "10 million chunks",
        "100 million chunks",
    ]
