"""What `ragtally plugins` shows: the components of each kind, and who offers them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ragtally.api.component import Kind
from ragtally.present.table import Column, Table
from ragtally.registry import RegistryEntry


def components_table(kind: Kind, rows: Sequence[RegistryEntry]) -> Table:
    """The components of one kind."""
    return Table(
        kind.name,
        f"{kind.name}: {kind.summary}",
        (Column("name"), Column("what it is"), Column("from")),
        tuple(
            (row.component.name, row.component.summary, f"{row.plugin} ({row.distribution})")
            for row in rows
            if row.kind == kind.name
        ),
    )


def parameters_table(rows: Sequence[RegistryEntry]) -> Table:
    """The parameters of components."""
    return Table(
        "parameters",
        "parameters",
        (Column("of"), Column("name"), Column("default"), Column("what it is")),
        tuple(
            (row.component.name, name, _default(schema), str(schema.get("description", "")))
            for row in rows
            for name, schema in row.component.params.items()
        ),
    )


def _default(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema["default"], ensure_ascii=False) if "default" in schema else "must be given"
