"""`ragtally report`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.api import Location, RagtallyError
from ragtally.cli import lazy
from ragtally.cli.studies import analysis_of, folder_of, results_option
from ragtally.registry import Registry, load_registry

if TYPE_CHECKING:
    from ragtally.present.provenance import Provenance
    from ragtally.results import Results


@click.command(name="report")
@click.argument("study")
@results_option
@click.option(
    "--spec", type=click.Path(path_type=Path, dir_okay=False), help="The study's spec, to be shown in the report."
)
@click.option("--open", "in_browser", is_flag=True, help="Open the report in the browser.")
def command(study: str, results: Path, spec: Path | None, in_browser: bool) -> None:
    """Write report.html, analysis.json and plots/ of STUDY (its name, or the folder of its results)."""
    folder = folder_of(study, results)
    if spec is not None and not spec.is_file():
        raise RagtallyError("there is no such spec", location=Location(str(spec)), hint="name the study's YAML file")
    study_results = lazy.results.load_results(folder)
    provenance = provenance_of(study_results, spec, load_registry())
    page = lazy.page.write_report(study_results, analysis_of(folder, study_results), folder, provenance)
    click.echo(page)
    if in_browser:
        webbrowser.open(page.resolve().as_uri())


def provenance_of(results: Results, spec: Path | None, registry: Registry) -> Provenance:
    """Where the report of a study comes from."""
    meanings = lazy.provenance.retriever_meanings(results, registry)
    cited = lazy.provenance.dataset_citation(results, registry)
    packages = results.comparisons.get("packages", ())
    return lazy.provenance.gather_provenance(Path.cwd(), spec, meanings, cited, packages)
