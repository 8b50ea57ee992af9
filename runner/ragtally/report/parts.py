"""What a report is made of: sections with charts and tables, whatever they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a table.

    Attributes:
        text: What is shown.
        order: What the table is sorted by in this column; None sorts last.
        strong: Whether it stands out.
    """

    text: str
    order: float | str | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a reader can sort.

    Attributes:
        name: What it is called in the page; a word of letters and dashes.
        caption: What it shows.
        headings: One a column.
        rows: The fields, row by row.
        filters: Whether its rows can be narrowed by typing.
        groups: For each row a word by which it can be chosen, as its set of questions; empty for none.
    """

    name: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    filters: bool = False
    groups: tuple[str, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """The words by which rows can be chosen, in order."""
        return tuple(dict.fromkeys(self.groups))


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, drawn when it comes into sight.

    Attributes:
        name: What it is called in the page; a word of letters and dashes.
        caption: What it shows, for those too who do not see it.
        specification: Vega-Lite.
    """

    name: str
    caption: str
    specification: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report.

    Attributes:
        name: What it is called in the page; a word of letters and dashes.
        title: Its heading.
        lead: What to know to read it.
        charts: Its charts.
        tables: Its tables.
        empty: Why there is nothing to show; None where there is.
        notes: What to add below.
    """

    name: str
    title: str
    lead: str = ""
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    empty: str | None = None
    notes: tuple[str, ...] = field(default=())
