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
@click.option("--all", "everything", is_flag=True, help="Print every table.")
@click.option("--unparsed", is_flag=True, help="Print the replies that could not be read.")
@click.option("--json", "as_json", is_flag=True, help="Print the analysis, or the unparsed replies, as JSON instead.")
def command(study: str, results: Path, everything: bool, unparsed: bool, as_json: bool) -> None:
    """Print the answer of STUDY (its name, or the folder of its results) and the tables behind it.

    With --all every table: which cells may be the best, what differs beyond chance, where the answers of the chosen
    cell went, and what it costs.
    """
    if everything and (unparsed or as_json):
        raise click.UsageError("--all cannot be given together with --unparsed or --json")
    folder = folder_of(study, results)
    if unparsed:
        study_results = lazy.results.load_results(folder)
        if as_json:
            rows = lazy.readings.unread_answers(study_results).to_dicts()
            click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        else:
            section = lazy.readings.unread_section(study_results)
            print_all(section.tables or [section.empty or ""])
        return
    analysis = analysis_of(folder)
    if as_json:
        click.echo(json.dumps(analysis.as_json(), indent=1, ensure_ascii=False, allow_nan=False))
        return
    study_results = lazy.results.load_results(folder, per_question=False)
    print_all([lazy.show.answer_text(study_results, analysis)])
    click.echo()
    if everything:
        print_all([*lazy.show.study_parts(study_results), *lazy.show.analysis_parts(study_results, analysis)])
    else:
        print_all(lazy.show.summary_parts(study_results, analysis))
