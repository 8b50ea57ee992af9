"""From the examples that were asked for to those that are kept: counts by generator, criterion and validator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ragtally.examples.example import Outcome
from ragtally.examples.replies import SURPLUS
from ragtally.plan.examples import ExamplePlan, ExampleRound
from ragtally.results.costs import answer_costs
from ragtally.results.funnel import STAGES
from ragtally.results.metrics import round_number
from ragtally.steps import Task
from ragtally.tables import load_example_ballots, load_example_counts, load_example_verdicts, load_examples
from ragtally.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Round:
    """One round's tables, with rows of all generators."""

    name: str
    examples: pl.DataFrame  # With `status`, as the validators have it, and `outcome`
    ballots: pl.DataFrame | None
    verdicts: pl.DataFrame | None


def funnel_rows(plan: ExamplePlan, workspace: Workspace) -> list[dict[str, Any]]:
    """The rows of `funnel.csv`."""
    outcomes = load_examples(workspace.entry(plan.outcomes)).select("example", outcome="status")
    rows: list[dict[str, Any]] = []
    for each in plan.rounds:
        if not each.asks:
            continue
        own = _load(each, outcomes, workspace)
        for counts in load_example_counts(workspace.entry(each.examples)):
            generator = plan.recipe.generators[counts.generator]
            about = {"generator": generator, "step": each.name}
            of_generator = own.examples.filter(generator=counts.generator)
            stages = (
                counts.asked_for,
                counts.items,
                counts.well_formed,
                counts.unique,
                *_accepted_and_kept(of_generator),
            )
            writing = _dollars([task for number, task in each.asks if number == counts.generator], None, workspace)
            grading = _dollars(
                [task for _, task in each.validations], own.examples["generator"] == counts.generator, workspace
            )
            dollars = {"asked for": writing, "accepted": grading, "kept": _sum(writing, grading)}
            for name, number, of in zip(STAGES, stages, (stages[0], *stages), strict=False):
                rows.append(_row(about, "stage", name, number, of, dollars=dollars.get(name)))
            losses = {**counts.losses, SURPLUS: counts.surplus, **_outcome_losses(of_generator)}
            rows += [_row(about, "loss", name, number, counts.asked_for) for name, number in losses.items() if number]
            rows += [about | row for row in _grade_rows(plan, own, of_generator)]
    return rows


def _row(
    about: Mapping[str, str], row: str, name: str, examples: int, of: int, *, covered: int | None = None,
    dollars: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    numbers = {"examples": examples, "covered": covered, "of": of, "dollars": round_number(dollars)}
    return {**about, "row": row, "name": name, **numbers}


def _load(each: ExampleRound, outcomes: pl.DataFrame, workspace: Workspace) -> _Round:
    examples = load_examples(workspace.entry(each.examples)).join(outcomes, "example", "left", maintain_order="left")
    if each.grades is None:
        status = pl.lit(str(Outcome.NOT_VALIDATED))
        return _Round(each.name, examples.with_columns(status=status), None, None)
    entry = workspace.entry(each.grades)
    verdicts = load_example_verdicts(entry)
    return _Round(each.name, examples.with_columns(verdicts["status"]), load_example_ballots(entry), verdicts)


def _accepted_and_kept(examples: pl.DataFrame) -> tuple[int, int]:
    usable = [str(outcome) for outcome in Outcome if outcome.is_usable]
    return int(examples["status"].is_in(usable).sum()), int(examples["outcome"].is_in(usable).sum())


def _outcome_losses(examples: pl.DataFrame) -> dict[str, int]:
    """Why examples that a generator wrote well are not kept."""
    counts = examples["outcome"].value_counts()
    by_outcome = dict(counts.iter_rows())
    return {outcome: by_outcome.get(outcome, 0) for outcome in map(str, Outcome) if not Outcome(outcome).is_usable}


def _grade_rows(plan: ExamplePlan, own: _Round, examples: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """How the examples of a generator were graded, by criterion and by validator."""
    validation = plan.recipe.validation
    if validation is None or own.verdicts is None or own.ballots is None:
        return
    verdicts = own.verdicts.filter(pl.col("example").is_in(examples["example"].implode()))
    for name in validation.criteria:
        failures = int(verdicts["failed"].list.contains(name).sum())
        doubts = int(verdicts["undecided"].list.contains(name).sum())
        total = len(verdicts)
        yield _row({}, "criterion", name, total - failures - doubts, total, covered=total - doubts)
    ballots = own.ballots.filter(pl.col("example").is_in(examples["example"].implode()))
    for number, name in enumerate(validation.validators):
        votes = ballots.filter(validator=number)["passed"]
        yield _row({}, "validator", name, int(votes.sum() or 0), len(votes), covered=len(votes) - votes.null_count())


def _dollars(tasks: Sequence[Task], rows: pl.Series | None, workspace: Workspace) -> float | None:
    """What some tasks' answers cost, all or those of some rows; unknown where one is."""
    total = 0.0
    for task in tasks:
        costs = answer_costs(task, workspace)["dollars"]
        own = costs if rows is None else costs.filter(rows.fill_null(value=False))
        if own.null_count():
            return None
        total += float(own.sum())
    return total


def _sum(*parts: float | None) -> float | None:
    return None if None in parts else sum(part or 0.0 for part in parts)
