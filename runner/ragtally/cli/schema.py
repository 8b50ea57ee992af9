"""`ragtally schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ragtally.registry import load_registry
from ragtally.spec.reference import spec_reference
from ragtally.spec.schema import published_schema


@click.command(name="schema")
@click.option("--reference", is_flag=True, help="Print the reference of all keys as Markdown instead.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def command(reference: bool, output: Path | None) -> None:
    """Print the JSON Schema of a spec, assembled from the core and every installed plugin.

    An editor completes and checks specs with it: write it to a file and name that file in the first line of a
    spec, as in `# yaml-language-server: $schema=spec.schema.json`.
    """
    registry = load_registry()
    if reference:
        text = spec_reference(registry)
    else:
        text = json.dumps(published_schema(registry), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
