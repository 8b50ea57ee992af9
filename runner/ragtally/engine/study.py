"""Run a study or a stage of it, from the spec's path to the result files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ragtally.api import RagtallyError
from ragtally.engine.execute import execute
from ragtally.plan import STAGES, StudyPlan, plan_study, stage_slices
from ragtally.registry import Registry
from ragtally.results import bench as bench_results
from ragtally.results import stages as stage_results
from ragtally.spec.load import load_study
from ragtally.spec.study import Study
from ragtally.store import sweep_parts, write_json
from ragtally.workspace import Workspace

_WRITERS: Mapping[str, Callable[[StudyPlan, Workspace, Path], None]] = {
    "prepare": stage_results.write_prepare,
    "train": stage_results.write_train,
    "label": stage_results.write_label,
    "bench": bench_results.write_bench,
}


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the files of a study go."""

    results: Path = Path("data/results")  # Below it, the folder of each study's results
    resolved: Path = Path("data/resolved")  # Below it, the folder of each study's slices


def resolve(study: Study, registry: Registry, folders: Folders) -> Path:
    """Write what each stage depends on, one file a stage."""
    folder = folders.resolved / study.name
    sweep_parts(folder)
    for stage, settings in stage_slices(study, registry).items():
        write_json(folder / f"{stage}.json", settings)
    return folder


def run_study(
    spec: Path,
    registry: Registry,
    workspace: Workspace,
    folders: Folders,
    stages: tuple[str, ...] = STAGES,
    *,
    wait: bool = True,
) -> Path:
    """Do the work of a study's stages and write their result files."""
    study = load_study(spec, registry)
    results = folders.results / study.name
    if "resolve" in stages:
        resolve(study, registry, folders)
    stages = tuple(stage for stage in stages if stage != "resolve")
    if not stages:
        return folders.resolved / study.name
    provide(study, workspace)
    plan = plan_study(study, registry)
    workspace.require_writable(results)
    goals = tuple(dict.fromkeys(task for stage in stages for task in plan.goals(stage)))
    execute(goals, workspace, study, wait=wait)
    for stage in stages:
        _WRITERS[stage](plan, workspace, results)
    return results


def provide(study: Study, workspace: Workspace, kind: str | None = None) -> None:
    """Let the components of a study get what they miss, as far as their parameters allow it."""
    progress = workspace.progress

    def told(what: str, done: int | None, total: int | None) -> None:
        if done is None or total is None:
            progress.warn(what)
        else:
            progress.measure(what, total, done)

    for _, choice in study.components():
        get_missing = workspace.registry.get(choice).component.provide
        if get_missing is not None and kind in (None, choice.kind):
            get_missing(choice.parameters, told)


def cells_matching(plan: StudyPlan, patterns: Sequence[str]) -> StudyPlan:
    """Narrow a plan to some of its cells."""
    wanted: set[str] = set()
    for pattern in patterns:
        # Square brackets stand in cells' names, so they mean themselves.
        plain = pattern.replace("[", "[[]")
        shell = plain if any(sign in pattern for sign in "*?") else f"*{plain}*"
        found = [cell for cell in plan.cells if fnmatchcase(cell.name, shell)]
        if not found:
            raise RagtallyError(f"no cell matches {pattern!r}", hint="`ragtally plan SPEC` lists the cells")
        wanted.update(cell.name for cell in found)
    return plan.narrowed(tuple(cell for cell in plan.cells if cell.name in wanted))
