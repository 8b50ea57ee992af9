"""`ragtally run`."""

from __future__ import annotations

from pathlib import Path

import click

from ragtally.cli.console import TerminalProgress, print_all
from ragtally.cli.lazy import load
from ragtally.engine.run import Folders, cells_matching, execute, run_study
from ragtally.plan import STAGES, plan_study
from ragtally.present.tables import cell_tables, result_tables
from ragtally.registry import load_registry
from ragtally.results.write import cell_table
from ragtally.spec.load import load_study
from ragtally.store import Store, find_store
from ragtally.workspace import Workspace


@click.command(name="run")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--stage", type=click.Choice(STAGES), help="Run only this stage (DVC calls them one by one).")
@click.option(
    "--cell", "cells", metavar="PATTERN", multiple=True,
    help="Run and print only the cells whose name matches (again for more); write no results.",
)  # fmt: skip
@click.option(
    "--no-wait", is_flag=True,
    help="Do not wait for batches of calls: submit them, read what has ended, and end with exit code 3.",
)  # fmt: skip
@click.option("--no-report", is_flag=True, help="Write the results alone; `ragtally report` makes a report of them.")
@click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False), default=Path("data/results"), show_default=True,
    help="Below it, the folder of each study's results.",
)  # fmt: skip
@click.option(
    "--resolved", type=click.Path(path_type=Path, file_okay=False), default=Path("data/resolved"), show_default=True,
    help="Below it, the folder of each study's slices, one a stage.",
)  # fmt: skip
def command(
    spec: Path,
    stage: str | None,
    cells: tuple[str, ...],
    no_wait: bool,
    no_report: bool,
    results: Path,
    resolved: Path,
) -> None:
    """Run the study of SPEC and write its results; what is done already is not done again."""
    if stage and cells:
        raise click.UsageError("--stage and --cell cannot be given together")
    registry = load_registry()
    location = Workspace(Store(find_store(Path.cwd())), registry, TerminalProgress())
    if cells:
        plan = cells_matching(plan_study(load_study(spec, registry), registry), cells)
        execute(plan.goals("bench"), location, plan.study, wait=not no_wait)
        print_all(cell_tables(cell_table(plan, location)[0]))
        return
    stages = (stage,) if stage else STAGES
    folder = run_study(spec, registry, location, Folders(results, resolved), stages, wait=not no_wait)
    if stage is None:
        print_all(result_tables(folder))
    if stage is None and not no_report:
        click.echo(f"report: {load('report').report(folder, spec)}", err=True)
    click.echo(f"wrote {folder}", err=True)
