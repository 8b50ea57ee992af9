"""Work that leaves the process: what a job says, what comes back of it, and the same bytes whoever does it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import ragtally.engine.jobs
import ragtally.engine.workers
from ragtally.api import (
    Choice,
    DataError,
    EmbedderTraits,
    ErrorList,
    ExecutorTraits,
    Job,
    JobFunction,
    Location,
    Needs,
    RagtallyError,
    StoppedError,
)
from ragtally.engine import scale
from ragtally.engine.jobs import Delegation, default_executor
from ragtally.engine.run import run_study
from ragtally.plan import STAGES, in_order
from ragtally.registry import Registry, load_registry
from ragtally.steps import CHUNK, INDEX, RETRIEVE, pieces
from ragtally.workspace import Workspace
from toy_retrievers import cached_counts
from toy_study import TINY, toy_registry
from workbench import Bench


class Elsewhere:
    """An executor that does its jobs last one first, each as a process that knows nothing of the others."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.needs: list[Needs] = []
        self.is_closed = False

    def run(self, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        for position in reversed(range(len(jobs))):
            ragtally.engine.jobs._worker_workspace.cache_clear()
            self.names.append(jobs[position].name)
            self.needs.append(jobs[position].needs)
            yield position, function(json.dumps(json.loads(jobs[position].text)))

    def slots(self, needs: Needs) -> int:
        return 2

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        return [("elsewhere", function(text))]

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def registry() -> Registry:
    return toy_registry()


@pytest.fixture(autouse=True)
def worker_registry(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ragtally.engine.jobs, ragtally.engine.workers):
        monkeypatch.setattr(module, "load_registry", lambda: registry)


def run(bench: Bench, executor: Elsewhere, spec: str = TINY) -> Path:
    workspace = Workspace(bench.store, bench.registry, bench.notes, delegate=Delegation(executor, ExecutorTraits()))
    return run_study(bench.spec(spec), bench.registry, workspace, bench.folders, STAGES)


def test_the_same_bytes_come_of_work_that_others_do(tmp_path: Path, registry: Registry) -> None:
    here, there = Bench(tmp_path / "here", registry), Bench(tmp_path / "there", registry)
    for bench in (here, there):
        bench.folder.mkdir()
    executor = Elsewhere()
    files = [
        {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        for folder in (here.run(TINY), run(there, executor))
    ]
    for name in (files[0].keys() | files[1].keys()) - {"timings.json"}:
        assert files[0][name] == files[1][name], name
    tasks = in_order([task for stage in ("label", "bench") for task in there.plan(TINY).goals(stage)])
    expected = [f"{task.step.name} {task.label}" for task in tasks if task.step.can_leave]
    assert sorted(executor.names) == sorted(expected)
    assert executor.is_closed


def test_pieces_of_a_large_task_say_what_they_hold(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "DOCUMENTS", 5)
    monkeypatch.setattr(scale, "_PROCESS", 2 << 30)
    executor = Elsewhere()
    run(Bench(tmp_path, registry), executor)
    memory = {name: needs.memory for name, needs in zip(executor.names, executor.needs, strict=True)}
    assert {size for name, size in memory.items() if ", piece " in name} == {3 << 30}
    # What works on the corpus holds it whole where it is not cut; of readers and the like nobody knows.
    whole = {name.split()[0] for name, size in memory.items() if size > 1 << 30 and ", piece " not in name}
    assert whole == {"embed", "index", "retrieve"}
    assert min(memory.values()) == 1 << 30


@pytest.mark.parametrize("does_tasks", [True, False])
def test_weights_that_fill_a_machine_are_not_put_beside_themselves_on_it(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, *, does_tasks: bool
) -> None:
    (finder,) = (entry for entry in registry.all() if entry.component.name == "finder")
    slow = replace(finder.component, traits=replace(registry.traits(Choice("reader", "finder")), questions_at_once=5))
    registry = toy_registry({"reader": [slow]})
    for module in (ragtally.engine.jobs, ragtally.engine.workers):
        monkeypatch.setattr(module, "load_registry", lambda: registry)
    bench, executor = Bench(tmp_path, registry), Elsewhere()
    delegate = Delegation(executor, ExecutorTraits(does_tasks=does_tasks))
    workspace = Workspace(bench.store, registry, bench.notes, delegate=delegate)
    run_study(bench.spec(TINY), registry, workspace, bench.folders, STAGES)
    assert any(name.startswith("read ") and ", piece 2 of 2" in name for name in executor.names) is does_tasks


EMBEDDED = """\
study: embedded
seed: 7
dataset: {made_up: {questions: 12, split: test}}
grid: {chunker: [{pieces: {size: 30}}], retriever: [{letters: {embedder: cached_counts, distance: dot}}]}
metrics: [recall@3]
"""


def test_weights_of_this_process_embed_elsewhere_and_each_text_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    (plain, traits) = (cached_counts(texts), cached_counts(texts).traits)
    assert isinstance(traits, EmbedderTraits)
    component = replace(plain, traits=replace(traits, in_process=True))
    registry = toy_registry({"embedder": [component]})
    monkeypatch.setattr(ragtally.engine.jobs, "load_registry", lambda: registry)
    ragtally.engine.jobs._embedder.cache_clear()
    here, there = Bench(tmp_path / "here", toy_registry({"embedder": [plain]})), Bench(tmp_path / "there", registry)
    for bench in (here, there):
        bench.folder.mkdir()
    here.run(EMBEDDED)
    embedded_here = sorted(texts)
    texts.clear()
    executor = Elsewhere()
    run(there, executor, EMBEDDED)
    assert sorted(texts) == embedded_here
    assert "document vectors of cached_counts" in executor.names
    cells = [bench.folder / "results" / "embedded" / "cells.csv" for bench in (here, there)]
    assert cells[0].read_bytes() == cells[1].read_bytes()
    texts.clear()
    run(there, executor, EMBEDDED.replace("study: embedded", "study: again"))
    assert not texts


def test_a_damaged_input_is_made_again_by_who_planned_the_work(tmp_path: Path, registry: Registry) -> None:
    bench = Bench(tmp_path, registry)
    task = next(task for task in in_order(bench.plan().goals("bench")) if task.step is RETRIEVE)
    bench.do(task)
    (chunks,) = task.inputs["chunk"]
    (bench.store.folder("chunk", chunks.address) / "spans.npy").write_bytes(b"spoilt")
    shutil.rmtree(bench.store.folder("retrieve", task.address))
    workspace = Workspace(bench.store, registry, bench.notes, delegate=Delegation(Elsewhere(), ExecutorTraits()))
    assert list(workspace.make_all([task])) == [task]
    assert bench.store.complete("retrieve", task.address)
    assert any("was damaged" in message for message in bench.notes.warnings)


def test_an_error_comes_back_with_place_and_remedy(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, registry)
    task = next(task for task in in_order(bench.plan().goals("bench")) if task.step is CHUNK)

    def fail(_work: object) -> None:
        raise DataError("the text is too long", hint="cut it")

    monkeypatch.setitem(vars(CHUNK), "run", fail)
    workspace = Workspace(bench.store, registry, bench.notes, delegate=Delegation(Elsewhere(), ExecutorTraits()))
    bench.do(task.inputs["prepare"][0])
    with pytest.raises(RagtallyError) as info:
        list(workspace.make_all([task]))
    assert (info.value.message, info.value.hint) == ("the text is too long", "cut it")
    assert info.value.location == task.location


def test_several_errors_come_back_each_with_its_own_words(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, registry)
    task = next(task for task in in_order(bench.plan().goals("bench")) if task.step is CHUNK)
    first, second = DataError("no text", location=Location("a.csv", 3, 1)), StoppedError("no room", hint="make some")

    def fail(_work: object) -> None:
        raise ErrorList([first, second])

    monkeypatch.setitem(vars(CHUNK), "run", fail)
    workspace = Workspace(bench.store, registry, bench.notes, delegate=Delegation(Elsewhere(), ExecutorTraits()))
    bench.do(task.inputs["prepare"][0])
    with pytest.raises(ErrorList) as info:
        list(workspace.make_all([task]))
    one, other = info.value.errors
    assert str(one) == str(first)
    assert isinstance(other, StoppedError)
    assert (other.message, other.hint, other.location) == ("no room", "make some", task.location)


def test_a_bug_comes_back_with_its_traceback(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, registry)
    task = next(task for task in in_order(bench.plan().goals("bench")) if task.step is INDEX)
    for sources in task.inputs.values():
        for source in sources:
            bench.do(source)
    monkeypatch.setitem(vars(INDEX), "run", lambda work: work.no_such_thing)
    workspace = Workspace(bench.store, registry, bench.notes, delegate=Delegation(Elsewhere(), ExecutorTraits()))
    with pytest.raises(RuntimeError, match="no_such_thing") as info:
        list(workspace.make_all([task]))
    assert not isinstance(info.value, RagtallyError)


def test_the_box_has_one_default_executor() -> None:
    registry = load_registry()
    defaults = [entry for entry in registry.all() if entry.kind == "executor" and entry.traits({}).is_default]
    assert [entry.component.name for entry in defaults] == [default_executor(registry).name]
