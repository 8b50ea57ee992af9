"""`ragtally check`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ragtally.cli.lazy import load
from ragtally.errors import ErrorList, RagtallyError, raise_all
from ragtally.registry import Registry, load_registry
from ragtally.spec.load import load_study
from ragtally.spec.study import Study


@click.command(name="check")
@click.argument("specs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SPEC...")
@click.option("--data", "look_at_data", is_flag=True, help="Also look for near-duplicates and leakage in the data.")
@click.option(
    "--similarity", type=click.FloatRange(0, 1, min_open=True), default=0.8, show_default=True,
    help="With --data: the Jaccard similarity from which on texts are near-duplicates.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="With --data: print JSON.")
def command(specs: tuple[Path, ...], look_at_data: bool, similarity: float, as_json: bool) -> None:
    """Validate specs; nothing is run, and without --data no data is read.

    --data reports near-duplicate documents (shingles of three words) and questions (sets of words), those that stand
    in another split as well (leakage), and near-duplicates with different labels. It is a report: what it finds is no
    error, and the exit code is 0.
    """
    registry = load_registry()
    errors: list[RagtallyError] = []
    studies: list[Study] = []
    for path in specs:
        try:
            study = load_study(path, registry)
        except ErrorList as several:
            errors.extend(several.errors)
        except RagtallyError as error:
            errors.append(error)
        else:
            studies.append(study)
            if not (look_at_data and as_json):
                click.echo(f"{path}: ok (study {study.name})")
    raise_all(errors)
    if look_at_data:
        _look(studies, registry, similarity, as_json=as_json)


def _look(studies: list[Study], registry: Registry, similarity: float, *, as_json: bool) -> None:
    # What reads data is heavy, and plain `check` is to stay fast.
    look = load("check_data")
    reports = [look.report(study, registry, similarity) for study in studies]
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=2, ensure_ascii=False))
        return
    for report in reports:
        look.print_report(report)
