"""Work that leaves this process: tasks and pieces of tasks as jobs for an executor, and what comes back of them."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally.api import (
    ChatModel,
    Choice,
    Embedder,
    EmbedderTraits,
    Executor,
    ExecutorTraits,
    Job,
    ModelTraits,
    Needs,
    PluginError,
    RagtallyError,
)
from ragtally.api.choice import plain, read_plain
from ragtally.api.errors import errors_as_data, errors_from_data, raise_all
from ragtally.engine.remote_model import RemoteModel
from ragtally.engine.scale import Footprint, footprints
from ragtally.engine.worker_progress import WorkerProgress, relayed_progress
from ragtally.engine.workers import check_workers
from ragtally.llm.embeddings import EMBEDDING_STEPS
from ragtally.registry import Registry, load_registry
from ragtally.steps import FIRST, STEPS, Shard, Step, Task, Work
from ragtally.steps.embed import embedding_function
from ragtally.store import SharedStore, Store
from ragtally.store.vectors import Role
from ragtally.workspace import Workspace

_MEMORY_STEP = 1 << 30


class Delegation:
    """Has an executor do what can leave this process (see `ragtally.workspace.Delegate`)."""

    def __init__(self, executor: Executor, traits: ExecutorTraits) -> None:
        self._executor, self._traits = executor, traits

    def prepare(self, tasks: Sequence[Task], workspace: Workspace) -> None:
        """Make sure, before any work, that the workers have what these tasks need."""
        if not self._traits.is_remote:
            return
        choices = [
            choice
            for task in tasks
            if _task_can_leave(task, workspace.registry) or _pieces_will_leave(task, workspace)
            for choice in task.choices.values()
        ]
        if choices:
            check_workers(self._executor, choices, workspace.registry, workspace.store)

    def takes(self, task: Task, workspace: Workspace) -> bool:
        """Tell whether a task that is not cut into pieces is done elsewhere."""
        return self._traits.does_tasks and _task_can_leave(task, workspace.registry)

    def do(self, task: Task, shards: Sequence[Shard], workspace: Workspace) -> Iterator[Shard]:
        """Do pieces of a task, in any order; yields each when it is done."""
        sharding = task.step.sharding
        stays = sharding is not None and sharding.fills_machine and not self._traits.does_tasks
        if _pieces_can_leave(task, workspace.registry) and not stays:
            self._share_inputs(workspace)
            footprint = footprints([task], workspace).get(task)
            jobs = [_job(task, workspace, footprint, shard) for shard in shards]
            order = self._run([task] * len(shards), jobs, workspace)
        else:
            order = iter(range(len(shards)))
        for position in order:
            # Where it was done elsewhere this does nothing, unless an input was lost.
            workspace.make_piece(task, shards[position])
            yield shards[position]

    def do_tasks(self, tasks: Sequence[Task], workspace: Workspace) -> Iterator[Task]:
        """Do tasks that none of the others reads; yields each when it is done."""
        self._share_inputs(workspace)
        with workspace.store.scratch() as folder:
            notes = [folder / f"{number}.json" for number in range(len(tasks))]
            sizes = footprints(tasks, workspace)
            jobs = [
                _job(task, workspace, sizes.get(task), note=note) for task, note in zip(tasks, notes, strict=True)
            ]
            with relayed_progress(dict(zip(notes, tasks, strict=True)), workspace):
                for position in self._run(tasks, jobs, workspace):
                    if self.is_remote and (tier := workspace.store.tier) is not None:
                        tier.look_up([(tasks[position].step.stored_as, tasks[position].address)], after=0)
                    workspace.make(tasks[position])
                    yield tasks[position]

    def embeds(self, embedder: Choice, registry: Registry) -> bool:
        """Tell whether texts are embedded elsewhere."""
        traits: EmbedderTraits = registry.traits(embedder)
        return self._traits.does_tasks and traits.in_process

    def embed(
        self, task: Task, role: Role, batches: Sequence[Sequence[str]], workspace: Workspace
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Embed the texts of a task; yields the position of each batch with its vectors when they are made."""
        choice, needs = task.choices["embedder"], _needs(task, workspace.registry)
        order = {"embedder": plain(choice), "role": role, "folder": str(Path.cwd())}
        jobs = [
            Job(f"{role} vectors of {choice.name}", json.dumps(order | {"texts": list(texts)}), needs)
            for texts in batches
        ]
        for position, text in self._executor.run(embed_texts, jobs):
            report = _read(text, jobs[position], task, workspace)
            yield position, np.frombuffer(base64.b64decode(report.vectors), np.float32).reshape(report.shape)

    @property
    def is_remote(self) -> bool:
        """Whether workers see of finished work what is in the shared store."""
        return self._traits.is_remote

    def model(self, choice: Choice, registry: Registry) -> ChatModel | None:
        """A model whose weights the workers hold; None where it is asked from here."""
        if not self._holds(choice, registry):
            return None
        return RemoteModel(choice, self._executor, _needs_of([choice], registry))

    def model_slots(self, choice: Choice, registry: Registry) -> int | None:
        """How many calls of such a model the workers do at once; None where it is asked from here."""
        return self._executor.slots(_needs_of([choice], registry)) if self._holds(choice, registry) else None

    def _holds(self, model: Choice, registry: Registry) -> bool:
        traits: ModelTraits = registry.traits(model)
        return self._traits.does_tasks and traits.in_process

    def close(self) -> None:
        """End the executor."""
        self._executor.close()

    def _share_inputs(self, workspace: Workspace) -> None:
        # What could not be shared is missing there, and is then done here.
        if self.is_remote and workspace.store.tier is not None:
            workspace.store.tier.wait()

    def _run(self, tasks: Sequence[Task], jobs: Sequence[Job], workspace: Workspace) -> Iterator[int]:
        for position, text in self._executor.run(perform, jobs):
            _read(text, jobs[position], tasks[position], workspace)
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


def _job(
    task: Task,
    workspace: Workspace,
    footprint: Footprint | None,
    shard: Shard | None = None,
    note: Path | None = None,
) -> Job:
    order = {
        "store": str(workspace.store.root.absolute()),
        "shared_store": workspace.store.tier.url if workspace.store.tier and workspace.shares_pieces else None,
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
        "note": note and str(note.absolute()),
        "states": _states(task, workspace.store),
    }
    part = f", piece {shard.number + 1} of {shard.count}" if shard else ""
    needs = _needs(task, workspace.registry, footprint.memory if footprint else 0)
    return Job(f"{task.step.name} {task.label}{part}", json.dumps(order), needs)


def _states(task: Task, store: Store) -> Mapping[str, str]:
    """What was found sound of what a job reads, so that no worker reads a whole corpus only to check it."""
    inputs = [store.folder(source.step.stored_as, source.address) for source in task.sources]
    return store.states([*inputs, _folder(task, FIRST, store)])


def _folder(task: Task, piece: str | None, store: Store) -> Path:
    """The folder of a task's entry, or of one of its pieces."""
    if piece is None:
        return store.folder(task.step.stored_as, task.address)
    return store.pieces(task.step.stored_as, task.address).folder(task.step.name, piece)


@dataclass(frozen=True)
class Report:
    """What became of a job; one without errors and a bug is done, or lacks an input."""

    warnings: Sequence[str] = ()
    errors: Sequence[Mapping[str, Any]] = ()  # What the user can fix
    bug: str = ""  # A traceback
    states: Mapping[str, str] = field(default_factory=dict)  # Of what was written (see `Store.trust`)
    vectors: str = ""  # Of texts: float32 as base64
    shape: Sequence[int] = (0, 0)  # Of the vectors


def _read(text: str, job: Job, task: Task, workspace: Workspace) -> Report:
    """Read a report; an error in it is raised."""
    report = Report(**json.loads(text))
    for message in report.warnings:
        workspace.progress.warn(message)
    if report.bug:
        raise RuntimeError(f"{job.name} failed on a worker:\n{report.bug}")
    raise_all(errors_from_data(report.errors, task.location))
    workspace.store.trust(report.states)
    return report


def perform(text: str) -> str:
    """Do a task or a piece of one; whatever happens, it is told in the report."""
    return _reported(_do, text)


def embed_texts(text: str) -> str:
    """Embed texts; whatever happens, it is told in the report."""
    return _reported(_embed, text)


def _reported(function: Callable[[Mapping[str, Any], WorkerProgress], Report], text: str) -> str:
    order = json.loads(text)
    progress = WorkerProgress(order.get("note"))
    try:
        os.chdir(order["folder"])
        report = function(order, progress)
    except RagtallyError as error:
        report = Report(errors=errors_as_data(error))
    except Exception:
        report = Report(bug=traceback.format_exc())
    progress.finish()
    return json.dumps(dataclasses.asdict(report) | {"warnings": progress.warnings})


def _do(order: Mapping[str, Any], progress: WorkerProgress) -> Report:
    workspace = _worker_workspace(order["store"], order["shared_store"])
    workspace = dataclasses.replace(workspace, progress=progress, loss_watchers=[progress.watch])
    workspace.store.trust(order["states"])
    task, shard = _task(order), Shard(*order["shard"]) if order["shard"] else None
    # What comes to nothing because an input is lost is done by who planned it.
    with suppress(_LostInput):
        if shard:
            workspace.make_piece(task, shard)
        else:
            workspace.make(task)
        # Who planned the work may be on another machine.
        if (tier := workspace.store.tier) is not None and (error := tier.flush()):
            raise error
    return Report(states=workspace.store.states([_folder(task, shard.address if shard else None, workspace.store)]))


def _embed(order: Mapping[str, Any], progress: WorkerProgress) -> Report:
    vectors = embedding_function(_embedder(json.dumps(order["embedder"])), order["role"])(order["texts"])
    return Report(vectors=base64.b64encode(vectors.tobytes()).decode(), shape=vectors.shape)


@functools.lru_cache(1)
def _embedder(choice: str) -> Embedder:
    # It outlives a job: its weights are loaded once per worker.
    embedder: Embedder = load_registry().build(read_plain(json.loads(choice)))
    embedder.fit([])
    return embedder


@functools.lru_cache(1)
def _worker_workspace(root: str, shared_store: str | None) -> Workspace:
    # It outlives a job, so that entries that many jobs read are verified once.
    tier = None if shared_store is None else SharedStore(shared_store)
    return Workspace(Store(Path(root), tier), load_registry(), WorkerProgress(), shares_pieces=tier is not None)


class _LostInput(Exception):
    """An input is missing or damaged, and whoever planned the work must do it again."""


def _lose(work: Work) -> None:
    raise _LostInput(work.task.address)


def _task(order: Mapping[str, Any]) -> Task:
    inputs = {
        role: tuple(Task(Step(stored_as, 0, _lose), address, {}, {}, {}) for stored_as, address in sources)
        for role, sources in order["inputs"].items()
    }
    choices = {role: read_plain(value) for role, value in order["choices"].items()}
    return Task(STEPS[order["step"]], order["address"], choices, order["settings"], inputs, order["label"])


def _task_can_leave(task: Task, registry: Registry) -> bool:
    """Whether a task as a whole can be done by another process: it reads nothing but its entries."""
    return task.step.can_leave and _asks_nobody(task, registry)


def _pieces_can_leave(task: Task, registry: Registry) -> bool:
    """Whether its pieces can be."""
    step = task.step
    return (step.can_leave or (step.sharding is not None and step.sharding.can_leave)) and _asks_nobody(
        task, registry
    )


def _pieces_will_leave(task: Task, workspace: Workspace) -> bool:
    """Whether it is known already that it is cut into such pieces: it reads no entry."""
    return not task.sources and _pieces_can_leave(task, workspace.registry) and workspace.piece_count(task) > 1


def _asks_nobody(task: Task, registry: Registry) -> bool:
    """Whether a task needs no server, no key and no store that this process alone writes."""
    if task.step in EMBEDDING_STEPS and registry.traits(task.choices["embedder"]).cacheable:
        return False  # Its vectors come from the vector store, which one process alone writes.
    # What a retriever names is not built by it; what others name is.
    entries = [
        entry
        for choice in task.choices.values()
        for entry in ([registry.get(choice)] if choice.kind == "retriever" else registry.entries(choice))
    ]
    return not any(
        each.component.external_resource or each.component.missing_keys or each.component.missing_models
        for each in entries
    )


def _needs(task: Task, registry: Registry, memory: int = 0) -> Needs:
    return _needs_of(task.choices.values(), registry, memory)


def _needs_of(choices: Iterable[Choice], registry: Registry, memory: int = 0) -> Needs:
    needs = Needs(memory=memory)
    for choice in choices:
        own = registry.get(choice).component.needs
        own = (own(choice.parameters) if callable(own) else own) or Needs()
        needs = Needs(max(needs.cpus, own.cpus), max(needs.gpus, own.gpus), needs.memory + own.memory)
    # In whole steps, and one at least, so that an executor has few kinds of workers.
    return dataclasses.replace(needs, memory=max(1, -(-needs.memory // _MEMORY_STEP)) * _MEMORY_STEP)
