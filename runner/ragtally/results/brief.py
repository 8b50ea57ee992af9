"""Results and analyses as Python shows them: a line for each part, since written out they fill a thousand lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import polars as pl

_MOST_NAMES = 3


class Brief:
    """A dataclass that is shown by its parts' names and sizes."""

    __slots__ = ()

    def __repr__(self) -> str:
        parts = [(each.name, _part(getattr(self, each.name))) for each in fields(self)]  # type: ignore[arg-type]
        width = max(len(name) for name, _ in parts)
        lines = [type(self).__name__, *(f"  {name:<{width}}  {part}" for name, part in parts)]
        return "\n".join([*lines, *filter(None, [self._next()])])

    def _next(self) -> str:
        """What to look at next."""
        return ""


def _part(value: Any) -> str:
    if isinstance(value, pl.DataFrame):
        return f"{value.height:,} rows: {_names(value.columns)}"
    if isinstance(value, Mapping):
        return f"{len(value):,}: {_names([_item(*item) for item in value.items()])}" if value else "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        texts = [item for item in value if isinstance(item, str)]
        return f"{len(value):,}" + (f": {_names(texts)}" if texts else "") if value else "none"
    return str(value)


def _item(name: object, value: Any) -> str:
    """What a mapping holds by name, with the number where it is one or an estimate of one."""
    number = getattr(value, "value", value)
    return f"{name} {number:.4g}" if isinstance(number, int | float) and not isinstance(number, bool) else str(name)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
