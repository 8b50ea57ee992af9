"""`ragtally report`."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from ragtally.api import Location, RagtallyError
from ragtally.cli.studies import DEFAULT_RESULTS, folder_of, verdict_on
from ragtally.present import gather_provenance, retriever_meanings, write_report
from ragtally.registry import load_registry
from ragtally.results import load_results


@click.command(name="report")
@click.argument("study")
@click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_RESULTS, show_default=True,
    help="Below it, the folder of each study's results.",
)  # fmt: skip
@click.option(
    "--spec", type=click.Path(path_type=Path, dir_okay=False), help="The study's spec, to be shown in the report."
)
@click.option("--open", "opened", is_flag=True, help="Open the report in the browser.")
def command(study: str, results: Path, spec: Path | None, opened: bool) -> None:
    """Write report.html, analysis.json and plots/ of STUDY (its name, or the folder of its results)."""
    folder = folder_of(study, results)
    if spec is not None and not spec.is_file():
        raise RagtallyError("there is no such spec", location=Location(str(spec)), hint="name the study's YAML file")
    page = report(folder, spec)
    click.echo(page)
    if opened:
        webbrowser.open(page.resolve().as_uri())


def report(folder: Path, spec: Path | None) -> Path:
    """Judge the results in a folder and write the report beside them."""
    results = load_results(folder)
    provenance = gather_provenance(Path.cwd(), spec, retriever_meanings(results, load_registry()))
    return write_report(results, verdict_on(results), folder, provenance)
