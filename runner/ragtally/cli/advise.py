"""`ragtally advise`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress, print_all
from ragtally.cli.studies import json_option
from ragtally.registry import Registry, load_registry
from ragtally.spec.load import load_study
from ragtally.support.environment import environment

if TYPE_CHECKING:
    from ragtally.engine.learning import ReaderCurve
    from ragtally.workspace import Workspace


@click.command(name="advise")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--learning-curve", "with_curves", is_flag=True, help="Also train readers on 50, 100, 200, ... examples."
)
@click.option("--reader", "readers", multiple=True, metavar="NAME", help="Only this one's curve; may be repeated.")
@click.option("--draws", type=click.IntRange(1, 100), help="Training sets of each size.  [default: 3]")
@click.option("--usd-per-example", type=click.FloatRange(min=0), help="What it costs to label one more question.")
@json_option
def command(
    spec: Path,
    with_curves: bool,
    readers: tuple[str, ...],
    draws: int | None,
    usd_per_example: float | None,
    as_json: bool,
) -> None:
    """Say what the models of SPEC that run on this machine need of it, and what would make them fit.

    Of readers that are tuned here also how many tokens an epoch has, and how many examples do not fit.

    With --learning-curve also what more examples would bring to its readers that train: a fifth of the split that a
    reader learns from is put aside; it learns from 50, 100, 200, ... of the other questions, and a power law through
    its errors says what twice as many would bring and what one point more costs. No test question is looked at, and
    nothing is paid. What was measured stays in the store.
    """
    if not with_curves and (readers or draws is not None or usd_per_example is not None):
        message = "--reader, --draws and --usd-per-example are about learning curves: give --learning-curve too"
        raise click.UsageError(message)
    environment()
    registry = load_registry()
    study = load_study(spec, registry)
    machine = lazy.machine.this_machine()
    with _workspace(registry) as workspace:
        tokens = lazy.training_tokens.training_tokens(study, registry, workspace)
        curves: tuple[ReaderCurve, ...] = ()
        if with_curves:
            curves = lazy.learning.learning_curves(study, registry, workspace, readers, draws or 3)
    longest = {name: count.longest for name, count in tokens.items() if not isinstance(count, str)}
    needs = lazy.fit.needs(study, registry, machine, longest)
    if as_json:
        content: dict[str, Any] = {"machine": asdict(machine), "needs": [asdict(need) for need in needs]}
        content["training_tokens"] = {
            name: {"reason": count} if isinstance(count, str) else asdict(count) for name, count in tokens.items()
        }
        if with_curves:
            content["learning_curves"] = [_plain(asdict(curve)) for curve in curves]
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    tables = lazy.advice_tables
    click.echo(tables.machine_text(machine))
    if needs:
        print_all([tables.needs_table(needs), *map(tables.parts_table, needs)])
    else:
        click.echo("no model of this study is known to run in this process; servers need memory of their own")
    if tokens:
        click.echo()
        print_all(tables.tokens_parts(tokens))
    if curves:
        click.echo()
        print_all(lazy.learning_tables.learning_parts(curves, usd_per_example))


@contextmanager
def _workspace(registry: Registry) -> Iterator[Workspace]:
    store = lazy.store.Store(lazy.store.find_store(Path.cwd()))
    workspace = lazy.workspace.Workspace(store, registry, TerminalProgress())
    try:
        yield workspace
    finally:
        workspace.progress.finish()


def _plain(value: Any) -> Any:
    # JSON has no infinity: what no number of examples reaches is null.
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isinf(value) else value
