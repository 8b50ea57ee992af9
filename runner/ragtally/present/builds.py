"""Several builds of one index: how far apart chance alone puts them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragtally.present.numbers import COUNT, Form, form_of
from ragtally.present.table import Column, Table

_NOTES = (
    "the mean over the builds, with the lowest and the highest: the same chunks in an index that is drawn again. An"
    " interval of one build is about the questions, and knows nothing of this.",
)


@dataclass(frozen=True, slots=True)
class Spread:
    """One metric over the builds of an index."""

    mean: float
    lowest: float
    highest: float


def builds_table(
    name: str, about: str, rows: Sequence[Mapping[str, Any]], metrics: Mapping[str, str]
) -> tuple[Table, ...]:
    """How metrics, given with their units, differ between the builds that some rows of cells are of."""
    setups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.get("setup") is not None:
            setups.setdefault(row["setup"], []).append(row)
    if not setups:
        return ()
    fields = tuple(
        (setup, len(own), *(_spread([row[metric] for row in own]) for metric in metrics))
        for setup, own in setups.items()
    )
    columns = (
        Column(about),
        Column("builds", COUNT),
        *(Column(metric, _form(unit)) for metric, unit in metrics.items()),
    )
    return (Table(name, "How far apart several builds of one index are", columns, fields, _NOTES),)


def _spread(values: Sequence[float | None]) -> Spread | None:
    scores = [value for value in values if value is not None]
    return Spread(math.fsum(scores) / len(scores), min(scores), max(scores)) if scores else None


def _form(unit: str) -> Form:
    number = form_of(unit).write

    def write(spread: Spread) -> str:
        return f"{number(spread.mean)} ({number(spread.lowest)} to {number(spread.highest)})"

    return Form(write, write)
