"""Two machines with one shared store: work is done once, by whoever comes first, and both write the same bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from faulty_files import URL, faulty_files
from ragtally.api import ExecutorTraits, Job, JobFunction
from ragtally.engine import jobs, workers
from ragtally.engine.jobs import Delegation
from ragtally.engine.run import run_study
from ragtally.engine.sharing import Sharing, sharing_of
from ragtally.steps import ASK, PARSE, STEPS, Task, Work, pieces
from ragtally.store import SharedStore, Store, remote
from ragtally.store.calls import FILE_NAME, CallStore
from ragtally.workspace import Workspace
from sample_calls import BIG, sample_call, sample_reply
from toy_study import TINY, Notes, toy_registry
from workbench import Bench


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PAUSES", (0.0,))


def run(machine: Bench, url: object) -> dict[str, bytes]:
    """Run the small study as one of several machines; the files that it writes."""
    store = Store(machine.folder / "store", SharedStore(str(url), _report(machine.notes)))
    workspace = Workspace(store, machine.registry, machine.notes)
    folder = run_study(machine.spec(TINY), machine.registry, workspace, machine.folders)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    # How long the work took is not what it came to.
    return {name: content for name, content in files.items() if name != "timings.json"}


def _report(notes: Notes) -> Callable[[str, int | None, int | None], None]:
    return lambda message, so_far, total: notes.warn(message) if total is None else None


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Every task whose work is done."""
    tasks: list[Task] = []
    for step in STEPS.values():

        def logged(work: Work, run: Callable[[Work], None] = step.run) -> None:
            tasks.append(work.task)
            run(work)

        monkeypatch.setitem(vars(step), "run", logged)
    return tasks


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("first")
    (folder / "share").mkdir()
    with CallStore(folder / "store" / FILE_NAME) as calls:
        calls.record(sample_call(1), sample_reply(), BIG, None)
    bench = Bench(folder, toy_registry())
    return bench, folder / "share", run(bench, folder / "share")


@pytest.fixture
def share(first: tuple[Bench, Path, dict[str, bytes]], tmp_path: Path) -> Path:
    shutil.copytree(first[1], tmp_path / "share")
    return tmp_path / "share"


def test_who_comes_second_does_nothing_and_writes_the_same_bytes(
    first: tuple[Bench, Path, dict[str, bytes]], share: Path, make_bench: Callable[..., Bench], work: list[Task]
) -> None:
    second = make_bench("second")
    assert run(second, share) == first[2]
    assert work == [] and second.notes.warnings == []


def test_finished_work_is_shared_and_nothing_else(first: tuple[Bench, Path, dict[str, bytes]]) -> None:
    bench, share, _ = first
    entries = {
        path.parent.relative_to(bench.folder / "store") for path in bench.folder.glob("store/*/r1/*/*/entry.json")
    }
    assert {path.relative_to(share).with_suffix("") for path in share.rglob("*") if path.is_file()} == entries
    assert (bench.folder / "store" / FILE_NAME).is_file()


@pytest.mark.slow
def test_what_is_damaged_or_gone_there_is_done_here_and_shared_again(
    first: tuple[Bench, Path, dict[str, bytes]], share: Path, make_bench: Callable[..., Bench], work: list[Task]
) -> None:
    (score,) = list((share / "score").rglob("*.tar"))[:1]
    score.write_bytes(score.read_bytes()[:1100])
    shutil.rmtree(share / "vote")
    second = make_bench("second")
    assert run(second, share) == first[2]
    assert {task.step.name for task in work} >= {"score"}
    assert any("damaged in the shared store" in warning for warning in second.notes.warnings)
    work.clear()
    assert run(make_bench("third"), share) == first[2]
    assert work == []


@pytest.mark.slow
def test_where_it_fails_in_the_middle_the_study_is_done_all_the_same(
    first: tuple[Bench, Path, dict[str, bytes]], make_bench: Callable[..., Bench], work: list[Task]
) -> None:
    with faulty_files() as place:
        place.fault = staticmethod(
            lambda what, path: OSError("Service Unavailable") if len(place.requests) > 150 else None
        )
        second = make_bench("second")
        assert run(second, URL) == first[2]
        assert any("ragtally store push SPEC" in warning for warning in second.notes.warnings)
        place.fault = staticmethod(lambda what, path: None)
        store = Store(second.folder / "store", SharedStore(URL))
        workspace = Workspace(store, second.registry, second.notes)
        assert sharing_of(second.plan(TINY), workspace).push() > 0
        assert store.tier is not None and store.tier.flush() is None
        work.clear()
        third = make_bench("third")
        assert run(third, URL) == first[2] and work == []
        fourth = Store(third.folder / "other", SharedStore(URL))
        assert sharing_of(third.plan(TINY), Workspace(fourth, third.registry, third.notes)).pull() > 0
        fourth.tier = None
        plan = third.plan(TINY)
        assert all(fourth.complete(task.step.stored_as, task.address) for task in plan.goals("bench"))


def write(store: Store, task: Task, content: str) -> None:
    with store.write(task.step.stored_as, task.address) as draft:
        (draft.folder / "answers.txt").write_text(content)


def test_what_rests_on_other_answers_is_neither_taken_nor_shared(tmp_path: Path, bench: Bench) -> None:
    ask = Task(ASK, "r1:" + "a" * 40, {}, {}, {})
    parse = Task(PARSE, "r1:" + "b" * 40, {}, {}, {"read": (ask,)})
    other = Task(PARSE, "r1:" + "c" * 40, {}, {}, {})
    stores = [Store(tmp_path / name, SharedStore(str(tmp_path / "share"))) for name in ("one", "two")]
    (tmp_path / "share").mkdir()
    ones, twos = (Sharing((ask, parse, other), Workspace(store, bench.registry, bench.notes)) for store in stores)
    ones.look_up()
    twos.look_up()
    # Both ask at the same time; the first one's answers stay there.
    write(stores[0], ask, "yes")
    ones.end(ASK)
    write(stores[0], parse, "yes, read")
    ones.finish(wait=True)
    write(stores[1], ask, "no")
    twos.end(ASK)
    assert len(bench.notes.warnings) == 1 and "2 of 3 tasks rest on answers" in bench.notes.warnings[0]
    assert twos.begin([parse, other]) == [parse, other]
    write(stores[1], parse, "no, read")
    write(stores[1], other, "the same for all")
    twos.finish(wait=True)
    third = Store(tmp_path / "three", SharedStore(str(tmp_path / "share")))
    for task, content in ((ask, "yes"), (parse, "yes, read"), (other, "the same for all")):
        folder = third.open(task.step.stored_as, task.address).folder
        assert (folder / "answers.txt").read_text() == content


class OtherMachine:
    """An executor whose workers have a store of their own: what they see of others' work is what is shared."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, function: JobFunction, jobs: Sequence[Job]) -> Iterator[tuple[int, str]]:
        for position, job in enumerate(jobs):
            yield position, function(json.dumps(json.loads(job.text) | {"store": str(self.root)}))

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        return [("other", function(text))]

    def close(self) -> None: ...


def test_workers_on_other_machines_take_and_give_work_through_it(
    first: tuple[Bench, Path, dict[str, bytes]], bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (jobs, workers):
        monkeypatch.setattr(module, "load_registry", lambda: bench.registry)
    monkeypatch.setattr(pieces, "CHUNKS", 20)
    jobs._worker_workspace.cache_clear()
    (tmp_path / "share").mkdir()
    store = Store(bench.folder / "store", SharedStore(str(tmp_path / "share")))
    delegate = Delegation(OtherMachine(tmp_path / "other"), ExecutorTraits())
    workspace = Workspace(store, bench.registry, bench.notes, delegate=delegate, shares_pieces=True)
    folder = run_study(bench.spec(TINY), bench.registry, workspace, bench.folders)
    assert (folder / "cells.csv").read_bytes() == first[2]["cells.csv"]
    assert bench.notes.warnings == []
    there = {path.relative_to(tmp_path / "other").parts[0] for path in (tmp_path / "other").rglob("entry.json")}
    assert {"chunk", "index", "retrieve", "prepare"} <= there
    assert not list((tmp_path / "share").glob("checkpoints/**/*.tar"))
