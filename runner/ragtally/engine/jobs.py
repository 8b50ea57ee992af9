"""Work that leaves this process: tasks and pieces of tasks as jobs for an executor, and what comes back of them."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragtally.api import (
    Choice,
    DataError,
    Executor,
    ExecutorTraits,
    Job,
    Location,
    Needs,
    PluginError,
    RagtallyError,
    SpecError,
    StoppedError,
    StoreError,
)
from ragtally.api.choice import plain
from ragtally.engine.workers import check_workers
from ragtally.llm.embeddings import EMBEDDING_STEPS
from ragtally.registry import Registry, load_registry
from ragtally.steps import STEPS, Shard, Step, Task, Work
from ragtally.store import Store
from ragtally.workspace import Workspace

_ERRORS = {kind.__name__: kind for kind in (DataError, PluginError, SpecError, StoppedError, StoreError)}


class Delegation:
    """Has an executor do what can leave this process (see `ragtally.workspace.Delegate`)."""

    def __init__(self, executor: Executor, traits: ExecutorTraits) -> None:
        self._executor, self._traits = executor, traits

    def prepare(self, tasks: Sequence[Task], workspace: Workspace) -> None:
        """Make sure, before any work, that the workers have what these tasks need."""
        choices = [
            choice for task in tasks if _can_leave(task, workspace.registry) for choice in task.choices.values()
        ]
        if self._traits.is_remote and choices:
            check_workers(self._executor, choices, workspace.registry, workspace.store)

    def takes(self, task: Task, workspace: Workspace) -> bool:
        """Tell whether a task that is not cut into pieces is done elsewhere."""
        return self._traits.does_tasks and _can_leave(task, workspace.registry)

    def do(self, task: Task, shards: Sequence[Shard], workspace: Workspace) -> Iterator[Shard]:
        """Do pieces of a task, in any order; yields each when it is done."""
        if _can_leave(task, workspace.registry):
            jobs = [_job(task, workspace, shard) for shard in shards]
            order = self._run([task] * len(shards), jobs, workspace)
        else:
            order = iter(range(len(shards)))
        for position in order:
            # Where it was done elsewhere this does nothing, unless an input was lost.
            workspace.make_piece(task, shards[position])
            yield shards[position]

    def do_tasks(self, tasks: Sequence[Task], workspace: Workspace) -> Iterator[Task]:
        """Do tasks that none of the others reads; yields each when it is done."""
        for position in self._run(tasks, [_job(task, workspace) for task in tasks], workspace):
            workspace.make(tasks[position])
            yield tasks[position]

    def close(self) -> None:
        """End the executor."""
        self._executor.close()

    def _run(self, tasks: Sequence[Task], jobs: Sequence[Job], workspace: Workspace) -> Iterator[int]:
        for position, text in self._executor.run(perform, jobs):
            report = Report(**json.loads(text))
            for message in report.warnings:
                workspace.progress.warn(message)
            if report.bug:
                raise RuntimeError(f"{jobs[position].name} failed on a worker:\n{report.bug}")
            if report.error:
                raise _as_error(report.error, tasks[position].location)
            yield position


def delegation(choice: Choice, registry: Registry) -> Delegation:
    """Build the executor that a choice picks."""
    return Delegation(registry.build(choice), registry.traits(choice))


def default_executor(registry: Registry) -> Choice:
    """The executor that is used where nobody names one."""
    for entry in registry.all():
        if isinstance(traits := entry.component.traits, ExecutorTraits) and traits.is_default:
            return registry.complete(Choice("executor", entry.component.name))
    raise PluginError("no installed plugin offers an executor that is the default", hint="reinstall ragtally")


def _job(task: Task, workspace: Workspace, shard: Shard | None = None) -> Job:
    order = {
        "store": str(workspace.store.root.absolute()),
        "folder": str(Path.cwd()),
        "step": task.step.name,
        "address": task.address,
        "choices": {role: plain(choice) for role, choice in task.choices.items()},
        "settings": task.settings,
        "inputs": {
            role: [[source.step.stored_as, source.address] for source in sources]
            for role, sources in task.inputs.items()
        },
        "label": task.label,
        "shard": shard and [shard.number, shard.count],
    }
    part = f", piece {shard.number + 1} of {shard.count}" if shard else ""
    needs = functools.reduce(_both, (_needs(choice, workspace.registry) for choice in task.choices.values()), Needs())
    return Job(f"{task.step.name} {task.label}{part}", json.dumps(order), needs)


@dataclass(frozen=True)
class Report:
    """What became of a job; one without an error and a bug is done, or lacks an input."""

    warnings: Sequence[str] = ()
    error: Mapping[str, Any] | None = None  # What the user can fix
    bug: str = ""  # A traceback


def perform(text: str) -> str:
    """Do a job; whatever happens, it is told in the report."""
    order = json.loads(text)
    progress = _WorkerProgress()
    try:
        workspace = dataclasses.replace(_worker_workspace(order["store"]), progress=progress)
        os.chdir(order["folder"])
        task = _task(order)
        if order["shard"]:
            workspace.make_piece(task, Shard(*order["shard"]))
        else:
            workspace.make(task)
        report = Report(progress.warnings)
    except _LostInput:
        report = Report(progress.warnings)
    except RagtallyError as error:
        report = Report(progress.warnings, error=_as_data(error))
    except Exception:
        report = Report(progress.warnings, bug=traceback.format_exc())
    return json.dumps(dataclasses.asdict(report))


@functools.lru_cache(1)
def _worker_workspace(root: str) -> Workspace:
    # It outlives a job, so that entries that many jobs read are verified once.
    return Workspace(Store(Path(root)), load_registry(), _WorkerProgress())


class _LostInput(Exception):
    """An input is missing or damaged, and whoever planned the work must do it again."""


def _lose(work: Work) -> None:
    raise _LostInput(work.task.address)


def _task(order: Mapping[str, Any]) -> Task:
    inputs = {
        role: tuple(Task(Step(stored_as, 0, _lose), address, {}, {}, {}) for stored_as, address in sources)
        for role, sources in order["inputs"].items()
    }
    choices = {role: _choice(value) for role, value in order["choices"].items()}
    return Task(STEPS[order["step"]], order["address"], choices, order["settings"], inputs, order["label"])


def _choice(value: Any) -> Any:
    """Read what `plain` wrote."""
    if isinstance(value, dict) and value.keys() == {"choice"}:
        kind, name, parameters = value["choice"]
        return Choice(kind, name, {key: _choice(item) for key, item in parameters.items()})
    if isinstance(value, list) and any(isinstance(item, dict) and item.keys() == {"choice"} for item in value):
        return tuple(map(_choice, value))
    return value


@dataclass
class _WorkerProgress:
    """Keeps the warnings, which go back with the report; the rest is told by who waits for the jobs."""

    warnings: list[str] = field(default_factory=list)

    def start(self, step: str, total: int, so_far: int) -> None: ...
    def advance(self, step: str, label: str) -> None: ...
    def measure(self, what: str, total: int, so_far: int, label: str = "") -> None: ...
    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def finish(self) -> None: ...


def _can_leave(task: Task, registry: Registry) -> bool:
    """Whether a task reads nothing but its entries."""
    if not task.step.can_leave:
        return False
    if task.step in EMBEDDING_STEPS and registry.traits(task.choices["embedder"]).cacheable:
        return False  # Its vectors come from the vector store, which one process alone writes.
    return all(registry.get(choice).component.external_resource is None for choice in task.choices.values())


def _needs(choice: Choice, registry: Registry) -> Needs:
    needs = registry.get(choice).component.needs
    return (needs(choice.parameters) if callable(needs) else needs) or Needs()


def _both(one: Needs, other: Needs) -> Needs:
    return Needs(max(one.cpus, other.cpus), max(one.gpus, other.gpus), one.memory + other.memory)


def _as_data(error: RagtallyError) -> dict[str, Any]:
    location = error.location and dataclasses.asdict(error.location)
    return {"type": type(error).__name__, "message": error.message, "location": location, "hint": error.hint}


def _as_error(data: Mapping[str, Any], location: Location | None) -> RagtallyError:
    own = Location(**data["location"]) if data["location"] else location
    return _ERRORS.get(data["type"], RagtallyError)(data["message"], location=own, hint=data["hint"])
