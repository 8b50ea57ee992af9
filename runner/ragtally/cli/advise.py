"""`ragtally advise`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ragtally.cli import lazy
from ragtally.cli.console import print_all
from ragtally.cli.studies import json_option
from ragtally.registry import load_registry
from ragtally.spec.load import load_study


@click.command(name="advise")
@click.argument("spec", type=click.Path(path_type=Path))
@json_option
def command(spec: Path, as_json: bool) -> None:
    """Say what the models of SPEC that run on this machine need of it, and what would make them fit."""
    registry = load_registry()
    machine = lazy.machine.this_machine()
    needs = lazy.fit.needs(load_study(spec, registry), registry, machine)
    if as_json:
        content = {"machine": asdict(machine), "needs": [asdict(need) for need in needs]}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    tables = lazy.advice_tables
    click.echo(tables.machine_text(machine))
    if needs:
        print_all([tables.needs_table(needs), *map(tables.parts_table, needs)])
    else:
        click.echo("no model of this study is known to run in this process; servers need memory of their own")
