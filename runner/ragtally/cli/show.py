"""`ragtally show`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ragtally.cli.console import print_all
from ragtally.cli.studies import DEFAULT_RESULTS, folder_of, results_of, verdict_on
from ragtally.present.tables import result_tables
from ragtally.present.verdict_parts import WIDTH
from ragtally.present.verdict_tables import verdict_parts


@click.command(name="show")
@click.argument("study")
@click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_RESULTS, show_default=True,
    help="Below it, the folder of each study's results.",
)  # fmt: skip
@click.option("--no-verdict", is_flag=True, help="Print the tables of the cells alone, at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON instead.")
def command(study: str, results: Path, no_verdict: bool, as_json: bool) -> None:
    """Print the result tables and the verdict of STUDY (its name, or the folder of its results).

    The verdict says which cells may be the best, what differs beyond chance, where the answers of the chosen cell
    went, and what it costs.
    """
    if no_verdict and as_json:
        raise click.UsageError("--no-verdict and --json cannot be given together")
    folder = folder_of(study, results)
    if as_json:
        click.echo(
            json.dumps(verdict_on(results_of(folder)).as_json(), indent=1, ensure_ascii=False, allow_nan=False)
        )
        return
    print_all(result_tables(folder))
    if not no_verdict:
        found = results_of(folder)
        click.echo()
        print_all(verdict_parts(found, verdict_on(found)), WIDTH)
