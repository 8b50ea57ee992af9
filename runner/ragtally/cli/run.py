"""`ragtally run`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress, print_all
from ragtally.cli.executors import ExecutorCommand, delegation_of, executor_option
from ragtally.cli.report import provenance_of
from ragtally.cli.studies import analysis_of, project_store, results_option, shared_option
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally.support.environment import environment

if TYPE_CHECKING:
    from ragtally.analysis import Analysis
    from ragtally.results import Results
    from ragtally.workspace import Workspace

# As `ragtally.plan.STAGES`, whose import takes a fifth of a second that `--help` need not wait for.
STAGES = ("resolve", "prepare", "examples", "train", "label", "bench")


@click.command(name="run", cls=ExecutorCommand)
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
@executor_option
@results_option
@shared_option
@click.option(
    "--resolved", type=click.Path(path_type=Path, file_okay=False), default=Path("data/resolved"), show_default=True,
    help="Below it, the folder of each study's slices, one per stage.",
)  # fmt: skip
def command(
    spec: Path,
    stage: str | None,
    cells: tuple[str, ...],
    no_wait: bool,
    no_report: bool,
    executor: str | None,
    results: Path,
    shared_store: str | None,
    resolved: Path,
) -> None:
    """Run the study of SPEC and write its results; what is done already is not done again."""
    if stage and cells:
        raise click.UsageError("--stage and --cell cannot be given together")
    environment()  # A .env that cannot be read is told before any work.
    registry = load_registry()
    progress = TerminalProgress()
    delegate = delegation_of(executor, registry)
    store = project_store(progress, shared_store)
    workspace = lazy.workspace.Workspace(
        store, registry, progress, delegate=delegate, shares_pieces=delegate.is_remote
    )
    if cells:
        plan = lazy.engine.cells_matching(lazy.plan.plan_study(load_study(spec, registry), registry), cells)
        lazy.sharing.sharing_of(plan, workspace).look_up()
        plan = lazy.long_context.fitting_plan(plan, workspace)
        lazy.engine.execute(plan.goals("bench"), workspace, plan.study, wait=not no_wait)
        columns, _ = lazy.result_files.cell_table(plan, workspace)
        rows = lazy.polars.DataFrame(columns, infer_schema_length=None)
        print_all(lazy.show.cell_parts(rows, lazy.result_files.study_metrics(plan, workspace)))
        return
    folders = lazy.engine.Folders(results, resolved)
    folder = lazy.engine.run_study(
        spec, registry, workspace, folders, (stage,) if stage else STAGES, wait=not no_wait
    )
    if stage is None:
        study_results = lazy.results.load_results(folder, per_question=not no_report)
        if no_report:
            print_all(lazy.show.study_parts(study_results))
        else:
            analysis = analysis_of(folder, study_results)
            _update_report(study_results, analysis, spec, workspace)
            print_all(lazy.show.summary_parts(study_results, analysis))
            click.echo()
            print_all([lazy.show.answer_text(study_results, analysis)])
    click.echo(f"wrote {folder}", err=True)


def _update_report(results: Results, analysis: Analysis, spec: Path, workspace: Workspace) -> None:
    """Write the report, unless it stands there as it was written from the same results."""
    provenance = provenance_of(results, spec, workspace.registry)
    states = lazy.outputs.file_states(results.folder)
    origin = {
        "results": {name: states[name] for name in lazy.results.LOADED_FILES},
        "provenance": asdict(provenance),
        "software": lazy.outputs.software(workspace.registry),
    }
    lazy.outputs.update_outputs(
        workspace.store, results.folder, "report", origin,
        lambda: lazy.page.write_report(results, analysis, results.folder, provenance),
    )  # fmt: skip
