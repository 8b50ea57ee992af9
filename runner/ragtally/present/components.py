"""What `ragtally plugins` shows: the components of each kind, and who offers them."""

from __future__ import annotations

from collections.abc import Sequence

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
