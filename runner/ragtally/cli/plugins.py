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
@json_option
def command(as_json: bool) -> None:
    """List the components that installed plugins offer, and who offers them."""
    rows = load_registry().all()
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
    print_all([lazy.component_tables.components_table(kind, rows) for kind in KINDS.values()])
