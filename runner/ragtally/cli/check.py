"""`ragtally check`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragtally.api import ErrorList, RagtallyError, raise_all
from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress, print_all
from ragtally.cli.studies import json_option, project_store
from ragtally.registry import Registry, load_registry
from ragtally.spec.load import load_study
from ragtally.spec.study import LONG_CONTROLS, Study
from ragtally.support.environment import environment

if TYPE_CHECKING:
    from ragtally.llm.long_context import LongContext
    from ragtally.workspace import Workspace

_SIMILARITY = 0.8
_PAIRS = 3


def _similarity(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no similarity; below a half nearly everything would be compared with everything."""
    if value is not None and not 0.5 <= value <= 1:
        raise click.BadParameter(f"{value:g} is not from 0.5 to 1", ctx, param)
    return value


@click.command(name="check")
@click.argument("specs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SPEC...")
@click.option("--data", "with_data", is_flag=True, help="Also look for near-duplicates and leakage in the data.")
@click.option(
    "--similarity", type=float, callback=_similarity,
    help=f"With --data: near-duplicates have at least this Jaccard similarity, 0.5 to 1.  [default: {_SIMILARITY}]",
)  # fmt: skip
@click.option(
    "--pairs",
    type=click.IntRange(min=0),
    help=f"With --data: show this many pairs of each kind.  [default: {_PAIRS}]",
)
@json_option
def command(
    specs: tuple[Path, ...], with_data: bool, similarity: float | None, pairs: int | None, as_json: bool
) -> None:
    """Validate specs; nothing is run, and without --data nothing is read of the data but which splits there are.

    --data prepares the dataset, as a run does, and reports what is in it twice, word for word or nearly so:
    documents (as sets of shingles of three words), questions (as sets of words), questions that are asked and have a
    near-duplicate in a split that a reader learns from (leakage), and near-duplicates with different labels. No pair
    is missed. Of the controls whole_document and whole_corpus it says what does not fit into which model. Exit code:
    0 whatever it reports; 2 for an error in a spec or in the data.
    """
    if not with_data and not (similarity is None and pairs is None):
        raise click.UsageError("--similarity and --pairs say how --data looks: give --data too")
    environment()  # A .env that cannot be read is told before any work.
    registry = load_registry()
    errors: list[RagtallyError] = []
    studies: list[tuple[Path, Study]] = []
    for path in specs:
        try:
            studies.append((path, load_study(path, registry, with_splits=True)))
        except ErrorList as several:
            errors.extend(several.errors)
        except RagtallyError as error:
            errors.append(error)
    if not as_json:
        for path, study in studies:
            click.echo(f"{path}: ok (study {study.name})")
    raise_all(errors)
    if with_data:
        limit = _PAIRS if pairs is None else pairs
        _check_data([study for _, study in studies], registry, similarity or _SIMILARITY, limit, as_json=as_json)
    elif as_json:
        click.echo(json.dumps([{"spec": str(path), "study": study.name} for path, study in studies], indent=2))


def _check_data(
    studies: Sequence[Study], registry: Registry, similarity: float, pairs: int, *, as_json: bool
) -> None:
    """Print the near-duplicates in the data of studies, study by study."""
    progress = TerminalProgress()
    workspace = lazy.workspace.Workspace(project_store(progress), registry, progress)
    reports = []
    for study, report in zip(studies, lazy.duplicates.check_data(studies, workspace, similarity, pairs), strict=True):
        long = _long_contexts(study, workspace)
        reports.append(asdict(report) | {"long_contexts": [asdict(one) | {"excess": one.excess} for one in long]})
        if not as_json:
            click.echo()
            print_all(lazy.duplicate_tables.data_parts(report))
            print_all([lazy.plan_tables.long_context_table(long)] if long else [])
    if as_json:
        click.echo(json.dumps(reports, indent=2, ensure_ascii=False))


def _long_contexts(study: Study, workspace: Workspace) -> tuple[LongContext, ...]:
    """Whether whole documents and the whole corpus fit into the models' windows, where readers are to read them."""
    if not set(study.controls).intersection(LONG_CONTROLS):
        return ()
    return lazy.long_context.long_contexts(lazy.plan.plan_study(study, workspace.registry), workspace)
