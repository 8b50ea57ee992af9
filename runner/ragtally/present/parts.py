"""What a report is made of: sections with charts and tables, whatever they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a table."""

    text: str  # What is shown
    order: float | str | None = None  # What the table is sorted by in this column; None sorts last
    strong: bool = False  # Whether it stands out


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a reader can sort."""

    name: str  # What it is called in the page; a word of letters and dashes
    caption: str  # What it shows
    headings: tuple[str, ...]  # One a column
    rows: tuple[tuple[Entry, ...], ...]  # The fields, row by row
    filters: bool = False  # Whether its rows can be narrowed by typing
    # For each row a word by which it can be chosen, as its set of questions; empty for none.
    groups: tuple[str, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """The words by which rows can be chosen, in order."""
        return tuple(dict.fromkeys(self.groups))


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, drawn when it comes into sight."""

    name: str  # What it is called in the page; a word of letters and dashes
    caption: str  # What it shows, for those too who do not see it
    specification: Mapping[str, Any]  # Vega-Lite


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report."""

    name: str  # What it is called in the page; a word of letters and dashes
    title: str  # Its heading
    lead: str = ""  # What to know to read it
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    empty: str | None = None  # Why there is nothing to show; None where there is
    notes: tuple[str, ...] = field(default=())  # What to add below
