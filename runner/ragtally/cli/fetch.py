"""`ragtally fetch`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ragtally.api import Choice, Fetchable, RagtallyError, did_you_mean
from ragtally.cli.console import progress_console
from ragtally.engine.fetch import fetch
from ragtally.registry import Registry, load_registry


@click.command(name="fetch")
@click.argument("dataset")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Take the files from this folder or file.")
@click.option(
    "--to", "target", type=click.Path(path_type=Path, file_okay=False), default=Path("data/raw"), show_default=True,
    help="Below it, the dataset's folder.",
)  # fmt: skip
def command(dataset: str, source: Path | None, target: Path) -> None:
    """Get the files of DATASET from their public home, resumably, or from a copy at hand."""
    registry = load_registry()
    files = _fetchable(registry, dataset)
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=progress_console(),
        disable=not sys.stderr.isatty(),
    )
    tasks: dict[str, int] = {}

    def progress(name: str, done: int, total: int) -> None:
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=total)
        bars.update(tasks[name], completed=done, total=total)  # type: ignore[arg-type]

    with bars:
        report = fetch(files.remote_files, target / files.folder_name, source=source, progress=progress)
    for file in report.files:
        click.echo(f"{file.path}: {file.outcome}, {file.size:,} bytes, SHA-256 as published")


def _fetchable(registry: Registry, name: str) -> Fetchable:
    entry = registry.find("dataset", name)
    if entry is None:
        raise RagtallyError(f"there is no dataset {name!r}", hint=did_you_mean(name, registry.names("dataset")))
    defaults = {key: schema.get("default") for key, schema in entry.component.params.items()}
    dataset = registry.build(Choice("dataset", name, defaults))
    if not isinstance(dataset, Fetchable):
        raise RagtallyError(f"the dataset {name} has no files to fetch", hint="name it in a spec as it is")
    return dataset
