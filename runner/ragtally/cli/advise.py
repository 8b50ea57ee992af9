"""`ragtally advise`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragtally.api import RagtallyError, raise_all
from ragtally.api.errors import printable_lines
from ragtally.cli import lazy
from ragtally.cli.console import TerminalProgress, print_all
from ragtally.cli.studies import analysis_of, json_option, project_store, results_option
from ragtally.registry import Registry, load_registry
from ragtally.spec.load import load_study
from ragtally.support.environment import environment

if TYPE_CHECKING:
    from ragtally.advice.choice import Choice, Spending
    from ragtally.advice.machine import Machine
    from ragtally.advice.probe import TrainingProbe
    from ragtally.engine.learning import ReaderCurve
    from ragtally.spec.study import Study
    from ragtally.workspace import Workspace

_USD = click.FloatRange(min=0)


@click.command(name="advise")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--learning-curve", "with_curves", is_flag=True, help="Also train readers on 50, 100, 200, ... examples."
)
@click.option("--probe", "with_probes", is_flag=True, help="Also take 20 steps of each training, and measure them.")
@click.option(
    "--reader", "readers", multiple=True, metavar="NAME", help="Only this one's curve or probe; may be repeated."
)
@click.option("--draws", type=click.IntRange(1, 100), help="Training sets of each size.  [default: 3]")
@click.option("--usd-per-example", type=click.FloatRange(min=0), help="What it costs to label one more question.")
@results_option
@click.option("--usd-labelling", type=_USD, help="What labelling the training examples cost.")
@click.option("--usd-training", type=_USD, help="What training costs: hours of a GPU, or a provider's bill.")
@click.option("--hours-expert", type=_USD, help="Hours of whoever sets it up and looks after it.")
@click.option("--usd-hour", type=_USD, help="What an hour of theirs costs.")
@click.option(
    "--usd-machine-hour", type=_USD, help="What an hour of the machine costs that trained readers answer on."
)
@json_option
def command(
    spec: Path,
    with_curves: bool,
    with_probes: bool,
    readers: tuple[str, ...],
    draws: int | None,
    usd_per_example: float | None,
    results: Path,
    usd_labelling: float | None,
    usd_training: float | None,
    hours_expert: float | None,
    usd_hour: float | None,
    usd_machine_hour: float | None,
    as_json: bool,
) -> None:
    """Say what the models of SPEC that run on this machine need of it, and what would make them fit.

    Of readers that are tuned here also how many tokens an epoch has, and how many examples do not fit. With --probe
    20 steps of each of their trainings are taken, each in a process of its own: what that held takes the place of the
    estimate, whose error is printed, and its speed says how long the whole training takes. Nothing of it stays.

    With --learning-curve also what more examples would bring to its readers that train: a fifth of the split that a
    reader learns from is put aside; it learns from 50, 100, 200, ... of the other questions, and a power law through
    its errors says what twice as many would bring and what one point more costs. No test question is looked at, and
    nothing is paid. What was measured stays in the store.

    Once the study has results, its approaches (closed book, gold context, whole document, retrieval, trained readers)
    stand side by side: score, dollars and seconds per 1,000 answers; and each trained reader against the best that
    learns nothing: better, worse or not to be told apart, and after how many questions it has paid for itself, given
    --usd-labelling, --usd-training, and --hours-expert with --usd-hour.
    """
    if (hours_expert or 0) > 0 and usd_hour is None:
        raise click.UsageError("--hours-expert needs the price of an hour: --usd-hour")
    if usd_hour is not None and hours_expert is None:
        raise click.UsageError("--usd-hour needs the hours: --hours-expert")
    expert = 0.0 if hours_expert == 0 else None if hours_expert is None else hours_expert * (usd_hour or 0)
    spending = lazy.choice.Spending(usd_labelling, usd_training, expert, usd_machine_hour)
    if not with_curves and (draws is not None or usd_per_example is not None):
        raise click.UsageError("--draws and --usd-per-example are about learning curves: give --learning-curve too")
    if readers and not (with_curves or with_probes):
        raise click.UsageError("--reader says whose learning curve or probe: give --learning-curve or --probe too")
    environment()
    registry = load_registry()
    study = load_study(spec, registry)
    # First, since a curve takes long, and this may end in an error.
    choice = _choice(study, registry, results, spending)
    with _workspace(registry) as workspace:
        advice = _Advice(lazy.machine.this_machine(), study, registry, workspace, choice)
        if with_probes:
            advice.probe(readers)
        if with_curves:
            advice.measure_curves(readers, draws or 3)
    if as_json:
        click.echo(json.dumps(_plain(advice.as_data()), indent=2, ensure_ascii=False))
    else:
        advice.show(spending, usd_per_example)
    # What could be said is said first.
    raise_all(advice.errors)


class _Advice:
    """What is said of a study, and what could not be measured."""

    def __init__(
        self, machine: Machine, study: Study, registry: Registry, workspace: Workspace, choice: Choice | None
    ) -> None:
        self._study, self._registry, self._workspace = study, registry, workspace
        self._machine, self._choice = machine, choice
        self._tokens = lazy.training_tokens.training_tokens(study, registry, workspace)
        longest = {name: count.longest for name, count in self._tokens.items() if not isinstance(count, str)}
        self._needs = lazy.fit.needs(study, registry, machine, longest)
        self._unknown = lazy.fit.unknown_needs(study, registry)
        self._probes: list[TrainingProbe] | None = None
        self._curves: tuple[ReaderCurve, ...] | None = None
        self.errors: list[RagtallyError] = []

    def probe(self, readers: Sequence[str]) -> None:
        """Measure trainings, in place of estimates."""
        work = (self._study, self._registry, self._workspace)
        self._probes, errors = lazy.probe.probe_trainings(*work, self._needs, readers)
        self.errors += errors
        memory = {f"reader {probe.reader}": probe.memory for probe in self._probes}
        self._needs = tuple(lazy.fit.with_peak(need, memory.get(need.name)) for need in self._needs)

    def measure_curves(self, readers: Sequence[str], draws: int) -> None:
        """Measure what more examples would bring."""
        work = (self._study, self._registry, self._workspace)
        self._curves = lazy.learning.learning_curves(*work, readers, draws)

    def as_data(self) -> dict[str, Any]:
        """The advice as JSON has it."""
        data: dict[str, Any] = {"machine": asdict(self._machine), "needs": [asdict(need) for need in self._needs]}
        if self._unknown:
            data["unknown_needs"] = {name: {"reason": each.message} for name, each in self._unknown.items()}
        data["training_tokens"] = {
            name: {"reason": count} if isinstance(count, str) else asdict(count)
            for name, count in self._tokens.items()
        }
        if self._choice is not None:
            data["choice"] = asdict(self._choice)
            for plain, each in zip(data["choice"]["break_even"], self._choice.break_even, strict=True):
                plain["questions"] = each.questions
        if self._probes is not None:
            data["probes"] = [asdict(probe) | _conclusions(probe) for probe in self._probes]
        if self._curves is not None:
            data["learning_curves"] = [asdict(curve) for curve in self._curves]
        return data

    def show(self, spending: Spending, usd_per_example: float | None) -> None:
        """Print the tables."""
        tables = lazy.advice_tables
        click.echo(tables.machine_text(self._machine))
        if self._needs:
            print_all([tables.needs_table(self._needs), *map(tables.parts_table, self._needs)])
        for name, reason in self._unknown.items():
            click.echo(f"{name}: what it needs is not known: {printable_lines(str(reason))}")
        if not self._needs and not self._unknown:
            click.echo("no model of this study is known to run in this process; servers need memory of their own")
        groups = [tables.probe_parts(self._probes or ()), tables.tokens_parts(self._tokens)]
        if self._choice is not None:
            groups.append(lazy.choice_tables.choice_parts(self._choice, spending))
        if self._curves:
            groups.append(lazy.learning_tables.learning_parts(self._curves, usd_per_example))
        for parts in filter(None, groups):
            click.echo()
            print_all(parts)


def _choice(study: Study, registry: Registry, results: Path, spending: Spending) -> Choice | None:
    """The study's approaches side by side; None before it has results."""
    folder = results / study.name
    if not (folder / lazy.columns.DATASET.name).is_file():
        if spending != lazy.choice.Spending():
            raise RagtallyError(
                f"what a trained reader saves is not known before {study.name} has results below {results}",
                hint=f"ragtally run {study.file}, or name the folder: --results",
            )
        return None
    try:
        choice = _choice_of(study, registry, folder, spending)
    except RagtallyError as error:
        if spending != lazy.choice.Spending():
            raise
        # What is needed of the machine can be said all the same.
        click.echo(f"the approaches of {study.name} are not compared: {printable_lines(str(error))}", err=True)
        return None
    if choice is None:
        click.echo(f"no metric decides between the approaches of {study.name}: add accuracy to its metrics", err=True)
    return choice


def _choice_of(study: Study, registry: Registry, folder: Path, spending: Spending) -> Choice | None:
    results = lazy.results.load_results(folder)
    timings: dict[str, Any] = {}
    if (folder / lazy.columns.TIMINGS.name).is_file():
        timings = lazy.columns.TIMINGS.read(folder)
    readers = {name: registry.traits(pick.choice) for name, pick in study.readers.items()}
    seconds = timings.get("read_seconds_by_cell", {})
    return lazy.choice.choice_of(results, analysis_of(folder, results), readers, seconds, spending)


@contextmanager
def _workspace(registry: Registry) -> Iterator[Workspace]:
    progress = TerminalProgress()
    workspace = lazy.workspace.Workspace(project_store(progress), registry, progress)
    try:
        yield workspace
    finally:
        workspace.progress.finish()


def _conclusions(probe: TrainingProbe) -> dict[str, Any]:
    """What follows from what a probe measured."""
    speed = probe.speed
    names = ("seconds_per_step", "tokens_per_second", "hours")
    return {"error": probe.error} | ({} if speed is None else {name: getattr(speed, name) for name in names})


def _plain(value: Any) -> Any:
    # JSON has no infinity: what no number of examples reaches is null.
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isinf(value) else value
