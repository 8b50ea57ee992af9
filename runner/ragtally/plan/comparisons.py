"""What a report must know of a study besides its results: which cells are compared, and which models were asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ragtally.api import Choice, ModelTraits, ReaderTraits, RetrieverTraits
from ragtally.plan.cells import Cell, Picks
from ragtally.plan.plan import STAGES, StudyPlan, in_order
from ragtally.registry import Registry
from ragtally.spec.study import Compare

_AXES = ("parser", "chunker", "retriever", "top_k", "context_words", "reader", "votes", "rule")


def comparisons(plan: StudyPlan, registry: Registry) -> dict[str, Any]:
    """List the comparisons of a study by the names of its cells."""
    return {
        "select_on": plan.study.select_on,
        "seed": plan.study.seed,
        "answered_elsewhere": [
            name for name, reader in plan.study.readers.items() if answers_elsewhere(registry.traits(reader.choice))
        ],
        "control_cells": [
            cell.name
            for cell in plan.cells
            if cell.picks.retriever is not None and is_control(cell.picks.retriever, registry)
        ],
        "packages": sorted(set().union(*(registry.packages(choice) for choice in _choices(plan)))),
        "variation": {cell.name: cell.variation for cell in plan.cells if cell.variation},
        "models": [_model(name, choice, registry) for name, choice in plan.study.models.items()],
        "families": [
            {
                "metric": family.metric,
                "baseline": {axis: str(pick) for axis, pick in family.baseline.items()},
                "pairs": _pairs(plan, family, registry),
            }
            for family in plan.study.compare
        ],
    }


def _choices(plan: StudyPlan) -> Iterator[Choice]:
    for task in in_order([goal for stage in STAGES for goal in plan.goals(stage)]):
        yield from task.choices.values()


def answers_elsewhere(traits: ReaderTraits) -> bool:
    """Whether a reader's answers were made before, so that only they can say what they cost."""
    return traits.condition is not None and not traits.trains


def is_control(retriever: Choice, registry: Registry) -> bool:
    """Whether a retriever, or one whose hits it reads, is a control that nobody could use."""
    traits: RetrieverTraits = registry.traits(retriever)
    of_its_own = traits.is_control or "evidence" in traits.reads
    return of_its_own or any(is_control(inner, registry) for inner in retriever.inner("retriever"))


def _model(name: str, choice: Choice, registry: Registry) -> dict[str, str | None]:
    traits: ModelTraits = registry.traits(choice)
    digest = registry.identity(choice)["fingerprint"]
    return {"name": name, "provider": traits.provider, "model": traits.model, "fingerprint": digest}


def _pairs(plan: StudyPlan, family: Compare, registry: Registry) -> list[dict[str, str]]:
    measures = registry.traits(family.choice).measures
    cells = [cell for cell in plan.cells if _is_measured(cell, measures)]
    by_picks: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        by_picks.setdefault(_key(cell.picks, {}), []).append(cell)
    pairs = []
    for cell in cells:
        # Votes that are one vote are compared as that one; as a baseline they stand for it.
        if cell.repeats_one_vote:
            continue
        for other in by_picks.get(_key(cell.picks, family.baseline, family.counterparts), ()):
            # Each build is compared with its own number, or with what has one build only.
            builds = {cell.picks.build, other.picks.build}
            if other is not cell and (len(builds) == 1 or None in builds):
                pairs.append({"cell": cell.name, "baseline": other.name})
    return pairs


def _is_measured(cell: Cell, measures: str) -> bool:
    """A metric of retrieval compares rankings, any other one cells with a reader."""
    if measures == "retrieval":
        return cell.picks.is_ranking
    return cell.verdicts is not None


def _key(
    picks: Picks, baseline: Mapping[str, Choice | int | str], counterparts: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    own = {axis: getattr(picks, axis) for axis in _AXES}
    if counterparts:
        own["reader"] = counterparts.get(own["reader"], own["reader"])
    axes = {axis: baseline.get(axis, value) if value is not None else value for axis, value in own.items()}
    return (picks.kind, str(picks.condition), *(str(axes[axis]) for axis in _AXES))
