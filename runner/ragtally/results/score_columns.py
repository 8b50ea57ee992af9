"""Scores as columns of a result table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally.api import Score

_DIGITS = 10


def score_columns(rows: Sequence[Mapping[str, Score]]) -> dict[str, list[Any]]:
    """Write scores as columns: for each printed name the value and the count that it rests on."""
    names = list(dict.fromkeys(name for row in rows for name in row if name != "questions"))
    columns: dict[str, list[Any]] = {"questions": [row["questions"].denominator for row in rows]}
    for name in names:
        found = [row.get(name) for row in rows]
        columns[name] = [None if score is None else rounded(score.value) for score in found]
        columns[f"{name}_denominator"] = [None if score is None else score.denominator for score in found]
    columns["not_scored"] = [_reasons(row) for row in rows]
    return columns


def rounded(value: float | None) -> float | None:
    """Round a value to the digits that the result files keep."""
    return None if value is None else round(value, _DIGITS)


def _reasons(row: Mapping[str, Score]) -> str | None:
    by_reason: dict[str, list[str]] = {}
    for name, score in row.items():
        if score.reason is not None:
            by_reason.setdefault(score.reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()) or None
