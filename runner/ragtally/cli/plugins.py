"""`ragtally plugins`."""

from __future__ import annotations

import json

import click
from rich.table import Table

from ragtally.api import KINDS
from ragtally.cli.console import console
from ragtally.registry import load_registry


@click.command(name="plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    out = console()
    for kind in KINDS.values():
        table = Table(title=f"{kind.name}: {kind.summary}", title_justify="left", expand=False)
        for heading in ("name", "what it is", "from"):
            table.add_column(heading, overflow="fold")
        for row in rows:
            if row.kind == kind.name:
                table.add_row(row.component.name, row.component.summary, f"{row.plugin} ({row.distribution})")
        out.print(table)
