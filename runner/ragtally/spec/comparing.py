"""Resolve `compare`: which pick of which axis the others are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally.api import Choice, did_you_mean
from ragtally.spec.document import PathOf
from ragtally.spec.faults import Faults
from ragtally.spec.messages import show
from ragtally.spec.study import Compare, Grid
from ragtally.spec.validation import named


def resolve_compare(
    families: Sequence[Mapping[str, Any]], grid: Grid, metrics: Sequence[Choice], faults: Faults
) -> tuple[Compare, ...]:
    """Find the picks that baselines name among those of the grid."""
    known = {_printed(metric): metric for metric in metrics}
    resolved = []
    for number, family in enumerate(families):
        path: PathOf = ("compare", number)
        metric = family.get("metric", "accuracy")
        if metric not in known:
            hint = f"add it to metrics, or {did_you_mean(metric, list(known))}"
            faults.add(
                (*path, "metric") if "metric" in family else path, f"{metric!r} is no metric of the study", hint
            )
        baseline = {}
        for axis, value in family["baseline"].items():
            found = _find(axis, value, getattr(grid, axis), (*path, "baseline", axis), faults)
            if found is not None:
                baseline[axis] = found
        if len(baseline) == len(family["baseline"]) and metric in known:
            resolved.append(Compare(metric, known[metric], baseline))
    return tuple(resolved)


def _printed(metric: Choice) -> str:
    return metric.name.replace("@k", f"@{metric.parameters['k']}") if metric.name.endswith("@k") else metric.name


def _find(axis: str, value: Any, picks: Sequence[Any], path: PathOf, faults: Faults) -> Any:
    """Find the one pick that a baseline means."""
    if not picks:
        faults.add(path, f"the grid has no {axis}", f"add grid.{axis}", at="key")
        return None
    wanted = named(value) if isinstance(picks[0], Choice) else None
    found = [pick for pick in picks if (_fits(pick, value) if wanted else pick == value)]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(map(str, found[:4]))
        faults.add(
            path, f"{show(value)} fits {len(found)} picks of grid.{axis}: {shown}", "give the parameter that differs"
        )
        return None
    name = wanted.name if wanted else str(value)
    names = list(dict.fromkeys(pick.name if isinstance(pick, Choice) else str(pick) for pick in picks))
    hint = did_you_mean(name, names) if name not in names else "give the parameters as they are in the grid"
    faults.add(path, f"{show(value)} is no pick of grid.{axis}", hint)
    return None


def _fits(pick: Any, value: Any) -> bool:
    """Whether a pick is what a value names: of that name, with the parameters given; others may be anything."""
    if not isinstance(pick, Choice):
        return bool(pick == value)
    wanted = named(value)
    if wanted is None or wanted.name != pick.name:
        return False
    given = wanted.parameters if isinstance(wanted.parameters, Mapping) else {}
    return all(key in pick.parameters and _fits(pick.parameters[key], item) for key, item in given.items())
