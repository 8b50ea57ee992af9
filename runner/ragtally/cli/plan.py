"""`ragtally plan`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress, print_all
from ragtally.cli.studies import json_option, project_store, shared_option
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.support.environment import environment

if TYPE_CHECKING:
    from ragtally.engine.scale import ScaledFootprint
    from ragtally.plan import Cell
    from ragtally.steps import Task
    from ragtally.workspace import Workspace


@click.command(name="plan")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--scale", is_flag=True, help="Show what the study would take over 10, 100 and 1,000 million chunks.")
@shared_option
@json_option
def command(spec: Path, scale: bool, shared_store: str | None, as_json: bool) -> None:
    """List the cells of SPEC, the work that they share, what of it is done, and what is still to be paid.

    Of a large corpus also memory and disk. Nothing is paid. Where models are asked, the free local work up to the
    prompts is done, so that their calls can be counted.
    """
    environment()  # A .env that cannot be read is told before any work.
    registry = load_registry()
    study = load_study(spec, registry)
    progress = TerminalProgress()
    workspace = lazy.workspace.Workspace(project_store(progress, shared_store), registry, progress)
    store = workspace.store
    # Before any server is asked, as `run` does.
    keys = lazy.preflight.missing_keys(study, workspace)
    for error in keys:
        workspace.progress.warn(str(error))
    plan = lazy.plan.plan_study(study, registry)
    lazy.sharing.sharing_of(plan, workspace).look_up()
    tasks = lazy.plan.in_order([task for stage in lazy.plan.STAGES for task in plan.goals(stage)])
    if scale:
        _show_scale(lazy.scale.scaled_footprints(tasks, workspace), as_json)
        return
    # Before the free local work that is done to count calls.
    footprints = tuple(lazy.scale.footprints(tasks, workspace).values())
    for error in lazy.scale.shortages(footprints, workspace):
        workspace.progress.warn(str(error))
    long = lazy.long_context.long_contexts(plan, workspace)
    for one in long if study.on_overlong == "error" else ():
        if one.excess:
            # What `run` would end with.
            workspace.progress.warn(str(lazy.long_context.overlong_error(one, plan, workspace)))
    # The calls of what is too long cannot be counted: nobody will send them.
    plan = lazy.long_context.without_overlong(plan, workspace, long)
    models, embedders = lazy.estimate.estimate(plan, workspace), lazy.estimate.estimate_embedding(plan, workspace)
    tunings = lazy.tuning_estimate.estimate_tuning(plan, workspace)
    overlong = lazy.context_length.overlong_prompts(lazy.estimate.ask_tasks(plan), workspace, plan.study)
    for error in overlong:
        # What `run` would end with.
        workspace.progress.warn(str(error))
    counts = plan.counts(store)
    is_done = {
        cell.name: all(store.complete(task.step.stored_as, task.address) for task in cell.goals)
        for cell in plan.cells
    }
    if as_json:
        content = {
            "study": plan.study.name,
            "store": str(store.root),
            "shared_store": None if store.tier is None else store.tier.url,
            "models": [asdict(row) for row in models],
            "embedders": [asdict(row) for row in embedders],
            "tunings": [asdict(row) for row in tunings],
            "missing_keys": [error.message for error in keys],
            "overlong_prompts": [error.message for error in overlong],
            "long_contexts": [asdict(one) | {"excess": one.excess} for one in long],
            "corpora": [asdict(row) for row in footprints],
            "steps": [asdict(row) for row in counts],
            "cells": [_cell_content(cell, is_done[cell.name]) for cell in plan.cells],
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    print_all(lazy.plan_tables.plan_parts(plan, counts, is_done, models, embedders, long, footprints, tunings))
    _say_whether_corpora_are_read(tasks, workspace, spec)
    click.echo(f"{sum(is_done.values())} of {len(plan.cells)} cells are done; store: {store.root}")
    if store.tier is not None:
        click.echo(f"shared store: {store.tier.url}")


def _cell_content(cell: Cell, is_done: bool) -> dict[str, Any]:
    return {"cell": cell.name, "question_sets": cell.question_sets, "done": is_done, "note": cell.note}


def _show_scale(rows: Sequence[ScaledFootprint], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        print_all(lazy.plan_tables.scale_parts(rows))


def _say_whether_corpora_are_read(tasks: Sequence[Task], workspace: Workspace, spec: Path) -> None:
    if not lazy.scale.corpora_are_read(tasks, workspace):
        click.echo(f"memory and disk of a large corpus are told once it is read: ragtally run {spec} --stage prepare")
