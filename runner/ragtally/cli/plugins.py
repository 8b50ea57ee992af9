"""`ragtally plugins`."""

from __future__ import annotations

import json

import click

from ragtally.api import KINDS
from ragtally.cli import lazy
from ragtally.cli.console import print_all
from ragtally.cli.studies import json_option
from ragtally.registry import load_registry


@click.command(name="plugins")
@click.argument("kind", type=click.Choice(tuple(KINDS)), required=False)
@json_option
def command(kind: str | None, as_json: bool) -> None:
    """List the components that installed plugins offer, and who offers them; of one KIND with their parameters."""
    rows = [row for row in load_registry().all() if kind in (None, row.kind)]
    if as_json:
        content = [
            {
                "kind": row.kind,
                "name": row.component.name,
                "version": row.component.version,
                "summary": row.component.summary,
                "plugin": row.plugin,
                "distribution": row.distribution,
                "parameters": {name: dict(schema) for name, schema in row.component.params.items()},
            }
            for row in rows
        ]
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    kinds = KINDS.values() if kind is None else (KINDS[kind],)
    print_all([lazy.component_tables.components_table(each, rows) for each in kinds])
    if kind is not None:
        click.echo()
        print_all([lazy.component_tables.parameters_table(rows)])
