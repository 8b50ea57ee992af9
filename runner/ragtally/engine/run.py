"""Run a study, from the spec's path to the result files: each task once, what is complete is left alone."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ragtally.api import Choice, LossPoint, RagtallyError, StoppedError, file_hash, raise_all
from ragtally.engine.jobs import default_executor, delegation
from ragtally.engine.outputs import software, update_outputs
from ragtally.engine.scale import CORPUS_STEPS, require_room
from ragtally.engine.sharing import Sharing, sharing_of
from ragtally.llm.budget import Spending
from ragtally.llm.client import Asking
from ragtally.llm.embeddings import EMBEDDING_STEPS, Embedding
from ragtally.llm.long_context import fitting_plan
from ragtally.llm.preflight import check_models, missing_keys
from ragtally.llm.tuning import Tuning
from ragtally.plan import STAGES, StudyPlan, in_order, plan_study, stage_slices
from ragtally.registry import Registry, load_registry
from ragtally.results import Results, load_results
from ragtally.results.judgments import check_sheet, people_hashes
from ragtally.results.write import WRITERS, stored_losses, write_losses
from ragtally.spec.load import load_study
from ragtally.spec.settings import executor_of
from ragtally.spec.study import Study
from ragtally.steps import ASK, TUNE, Task
from ragtally.store import Store, find_shared_store, find_store, sweep_parts, write_json
from ragtally.workspace import Progress, Workspace, open_store


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the files of a study go; each study has a folder of its own below these."""

    results: Path = Path("data/results")
    resolved: Path = Path("data/resolved")


def run(
    spec: str | Path,
    *,
    results: str | Path = "data/results",
    resolved: str | Path = "data/resolved",
    store: str | Path | None = None,
    shared_store: str | None = None,
    progress: Progress | None = None,
    executor: str | Mapping[str, Mapping[str, Any]] | None = None,
) -> Results:
    """Run a study and load its results; finished work is not done again.

    Args:
        spec: The spec's path.
        results: Each study's results go into a folder of its name below this one.
        resolved: Likewise for what each stage depends on, one file per stage.
        store: Where finished work lies; the project's store by default (see `ragtally.store.find_store`).
        shared_store: The URL of a store that is shared with other machines; by default that of the variable
            RAGTALLY_SHARED_STORE, and `none` for none.
        progress: Receives the progress; by default nobody does.
        executor: Who does what can leave this process, by name or as `{"ray": {"address": "auto"}}`; by default
            processes on this machine's cores.

    Returns:
        The results.

    Raises:
        RagtallyError: If the spec, the data, a plugin or a folder is faulty.
    """
    registry = load_registry()
    root = find_store(Path.cwd()) if store is None else Path(store)
    progress = progress or _NoProgress()
    delegate = delegation(_executor(executor, registry), registry)
    workspace = Workspace(
        open_store(root, find_shared_store(shared_store), progress),
        registry,
        progress,
        delegate=delegate,
        shares_pieces=delegate.is_remote,
    )
    folder = run_study(Path(spec), registry, workspace, Folders(Path(results), Path(resolved)))
    return load_results(folder.name, folder.parent)


def _executor(executor: str | Mapping[str, Mapping[str, Any]] | None, registry: Registry) -> Choice:
    if executor is None:
        return default_executor(registry)
    ((name, parameters),) = ({executor: {}} if isinstance(executor, str) else executor).items()
    return executor_of(name, parameters, registry)


class _NoProgress:
    """Ignores the progress."""

    def start(self, step: str, total: int, so_far: int) -> None: ...
    def advance(self, step: str, label: str) -> None: ...
    def measure(self, what: str, total: int, so_far: int, label: str = "") -> None: ...
    def warn(self, message: str) -> None: ...
    def finish(self) -> None: ...


def run_study(
    spec: Path,
    registry: Registry,
    workspace: Workspace,
    folders: Folders,
    stages: tuple[str, ...] = STAGES,
    *,
    wait: bool = True,
) -> Path:
    """Run a study's stages, write their result files and return the folder of these."""
    study = load_study(spec, registry)
    results = folders.results / study.name
    if "resolve" in stages:
        _write_slices(study, registry, folders.resolved / study.name)
    stages = tuple(stage for stage in stages if stage != "resolve")
    if not stages:
        return folders.resolved / study.name
    tunes = any(registry.traits(pick.choice).tunes for pick in study.readers.values())
    if {"examples", "label", "bench", *(["train"] if tunes else [])}.intersection(stages):
        raise_all(missing_keys(study, workspace))
    provide(study, workspace)
    plan = plan_study(study, registry)
    sharing_of(plan, workspace, stages).look_up()
    if "bench" in stages:
        plan = fitting_plan(plan, workspace)
    # Before any work: nobody wants to learn after hours of it that the results cannot be written.
    workspace.require_writable(results)
    check_sheet(plan, registry)
    goals = tuple(dict.fromkeys(task for stage in stages for task in plan.goals(stage)))
    workspace.loss_watchers.append(_losses_writer(plan, workspace, results))
    execute(goals, workspace, study, wait=wait)
    sharing_of(plan, workspace, stages).pull_small()
    origin = results_origin(spec, plan, registry)
    for stage in stages:
        update_outputs(
            workspace.store, results, stage, origin, functools.partial(WRITERS[stage], plan, workspace, results)
        )
    return results


def _losses_writer(
    plan: StudyPlan, workspace: Workspace, results: Path
) -> Callable[[Task, Sequence[LossPoint]], None]:
    """Write the losses of models while they are trained, of which workers train several at once."""
    losses: dict[Task, Sequence[LossPoint]] = {}

    def write(task: Task, points: Sequence[LossPoint]) -> None:
        if not losses:
            losses.update(stored_losses(plan, workspace.store))
        losses[task] = points
        write_losses(plan, results, losses)

    return write


def results_origin(spec: Path, plan: StudyPlan, registry: Registry) -> dict[str, Any]:
    """What a study's result files are written from."""
    tasks = in_order([task for stage in WRITERS for task in plan.goals(stage)])
    origin = {"spec": file_hash(spec), "tasks": [task.address for task in tasks], "software": software(registry)}
    return origin | people_hashes(plan, registry)


def _write_slices(study: Study, registry: Registry, folder: Path) -> None:
    """Write what each stage depends on, one file per stage."""
    sweep_parts(folder)
    for stage, settings in stage_slices(study, registry).items():
        write_json(folder / f"{stage}.json", settings)


def provide(study: Study, workspace: Workspace, kind: str | None = None) -> None:
    """Let a study's components (of one kind) download what they lack, where their parameters allow it."""

    def report(message: str, so_far: int | None, total: int | None) -> None:
        if so_far is None or total is None:
            workspace.progress.warn(message)
        else:
            workspace.progress.measure(message, total, so_far)

    for _, choice in study.components():
        component = workspace.registry.get(choice).component
        if component.provide is not None and kind in (None, choice.kind):
            component.provide(choice.parameters, report)


def cells_matching(plan: StudyPlan, patterns: Sequence[str]) -> StudyPlan:
    """Narrow a plan to the cells whose names match any of some patterns (shell patterns or parts of names)."""
    names: set[str] = set()
    for pattern in patterns:
        # Square brackets stand in cells' names, so they mean themselves.
        literal = pattern.replace("[", "[[]")
        shell = literal if any(sign in pattern for sign in "*?") else f"*{literal}*"
        matches = [cell.name for cell in plan.cells if fnmatchcase(cell.name, shell)]
        if not matches:
            raise RagtallyError(f"no cell matches {pattern!r}", hint="`ragtally plan SPEC` lists the cells")
        names.update(matches)
    return plan.with_cells(tuple(cell for cell in plan.cells if cell.name in names))


def execute(goals: Sequence[Task], workspace: Workspace, study: Study, *, wait: bool = True) -> None:
    """Do everything that the goals need and the store does not have, step by step."""
    workspace.store.sweep()
    tasks = in_order(goals)
    sharing = Sharing(tasks, workspace)
    sharing.look_up()
    missing, has_room = missing_tasks(goals, workspace.store), False
    spending = Spending(study.budget)
    embedding = Embedding(workspace, spending, [task for task in tasks if task.step in EMBEDDING_STEPS])
    asking = Asking(study, workspace, spending, [task for task in tasks if task.step is ASK], wait=wait)
    tuning = Tuning(study, workspace, spending, [task for task in tasks if task.step is TUNE], wait=wait)
    # What results are read from may be gone though nothing that needs it is missing: deleted, or damaged.
    workspace.suppliers[ASK] = lambda task: asking.answer([task])
    workspace.suppliers[TUNE] = lambda task: tuning.tune([task])
    workspace.suppliers.update(dict.fromkeys(EMBEDDING_STEPS, lambda task: embedding.embed([task])))
    try:
        check_models((task for task in missing if task.step is ASK), study, workspace)
        if workspace.delegate:
            workspace.delegate.prepare(missing, workspace)
        for step, group in itertools.groupby(missing, key=lambda task: task.step):
            batch = sharing.begin(list(group))
            # Calls and vectors of all tasks of a step are paid for together: equal ones once, and in one queue.
            if step == ASK:
                asking.answer(batch)
            if step in EMBEDDING_STEPS:
                embedding.embed(batch)
            if step == TUNE:
                tuning.tune(batch)
            total = sum(task.step is step for task in tasks)
            workspace.progress.start(step.name, total, total - sum(task.step is step for task in missing))
            _check_time(spending)
            if step in CORPUS_STEPS and not has_room:
                # Before the first of them, when it is known how large the corpora are.
                require_room(missing, workspace)
                has_room = True
            for so_far, task in enumerate(workspace.make_all(batch), 1):
                workspace.progress.advance(step.name, task.label)
                if so_far < len(batch):
                    _check_time(spending)
            sharing.end(step)
        sharing.finish(wait=True)
    except BaseException as error:
        # Whatever ends the run early, what was paid for is not lost: the command line says so.
        with suppress(RagtallyError):
            if note := asking.saved():
                error.add_note(note)
        sharing.finish(wait=isinstance(error, RagtallyError))
        raise
    finally:
        workspace.progress.finish()
        if workspace.delegate:
            workspace.delegate.close()
        workspace.calls.close()
        workspace.vectors.close()
        workspace.tunings.close()


def _check_time(spending: Spending) -> None:
    if late := spending.time_is_up():
        raise StoppedError(late.message, hint=late.hint)


def missing_tasks(goals: Sequence[Task], store: Store) -> list[Task]:
    """Missing tasks that a missing goal needs; the inputs of finished work are not looked at."""
    missing: dict[Task, None] = {}
    queue = list(goals)
    while queue:
        task = queue.pop()
        if task in missing or store.complete(task.step.stored_as, task.address):
            continue
        missing[task] = None
        queue.extend(task.sources)
    return [task for task in in_order(goals) if task in missing]
