"""`ragtally show`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ragtally.cli import lazy
from ragtally.cli.console import print_all
from ragtally.cli.studies import analysis_of, folder_of, results_option


@click.command(name="show")
@click.argument("study")
@results_option
@click.option("--no-verdict", is_flag=True, help="Print the tables of the cells alone, at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the analysis as JSON instead.")
def command(study: str, results: Path, no_verdict: bool, as_json: bool) -> None:
    """Print the result tables and the analysis of STUDY (its name, or the folder of its results).

    The answer comes first.

    The analysis says which cells may be the best, what differs beyond chance, where the answers of the chosen cell
    went, and what it costs.
    """
    if no_verdict and as_json:
        raise click.UsageError("--no-verdict and --json cannot be given together")
    folder = folder_of(study, results)
    if as_json:
        click.echo(json.dumps(analysis_of(folder).as_json(), indent=1, ensure_ascii=False, allow_nan=False))
        return
    study_results = lazy.results.load_results(folder, per_question=False)
    if no_verdict:
        print_all(lazy.show.study_parts(study_results))
        return
    analysis = analysis_of(folder)
    print_all([lazy.show.answer_text(study_results, analysis)])
    click.echo()
    print_all([*lazy.show.study_parts(study_results), *lazy.show.analysis_parts(study_results, analysis)])
