"""`ragtally export pipeline`: what of it is loaded only when it is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ragtally.api import RagtallyError
from ragtally.cli.console import TerminalProgress
from ragtally.engine.run import cells_matching
from ragtally.export.pipeline import export_pipeline
from ragtally.pipelines import is_plain
from ragtally.plan import plan_study
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.store import Store, find_store
from ragtally.workspace import Workspace

_MOST_NAMED = 20


def write(spec: Path, pattern: str, out: Path | None, results: Path) -> None:
    """Write one cell's pipeline, and say what it is made of."""
    registry = load_registry()
    plan = plan_study(load_study(spec, registry), registry)
    cells = [cell for cell in plan.cells if cell.name == pattern] or list(cells_matching(plan, [pattern]).cells)
    if len(cells) > 1:
        shown = "; ".join(cell.name for cell in cells[:_MOST_NAMED])
        raise RagtallyError(f"{len(cells)} cells match {pattern!r}: {shown}", hint="name one of them")
    (cell,) = cells
    below = results / plan.study.name / "pipelines" / re.sub(r"[^\w.,=()-]+", "-", cell.name)
    location = Workspace(Store(find_store(Path.cwd())), registry, TerminalProgress())
    exported = export_pipeline(plan, cell, location, out or below)
    for name, path in exported.classes.items():
        click.echo(f"{name}: {path}{'' if is_plain(path) else ' (ragtally)'}", err=True)
    click.echo(exported.path)
