"""One model of tables and sections, built once from typed results: rich shows it on a terminal, Jinja on the page."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from rich import box
from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from ragtally.analysis.comparisons import Tally
from ragtally.analysis.estimate import Estimate
from ragtally.api.errors import printable
from ragtally.present.numbers import TEXT, Form, Portion

# Sentences get no wider than this on a terminal; tables take the room that they need.
TEXT_WIDTH = 80
MOST_ROWS = 200
_NARROWEST = 12
_UNBROKEN = 9
# After which signs something breaks that is too long for its column, the best ones first.
_JOINTS = (" ", ",(", "=_-.:")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    heading: str
    form: Form = TEXT
    missing: str = ""  # What stands for a value that is not there
    page_only: bool = False  # A terminal has no room for it
    terminal_only: bool = False  # The page says it in other columns
    optional: bool = False  # Left out where no row has anything but 0 in it


class Entry(NamedTuple):
    """One field as the page shows it."""

    text: str
    order: float | str | None  # What the table is sorted by in this column; None sorts last


class Heading(NamedTuple):
    """The heading of a column on the page."""

    text: str
    of: str  # What all of its shares are counted of, where neither the caption nor the rows' group says it
    numeric: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table, whatever it is about; `Table.rows` holds values, its columns say how they are written."""

    name: str  # What it is called in the page; a word of letters and dashes
    caption: str  # What it shows
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()  # What to know to read it
    filters: bool = False  # Whether the page lets its rows be narrowed by typing
    # For each row a word by which it can be chosen on the page, as its set of questions; the terminal has a table for
    # each. Empty for none.
    groups: tuple[str, ...] = ()
    strong: frozenset[int] = frozenset()  # The rows that stand out
    page_only: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The words by which rows can be chosen, in order."""
        return tuple(dict.fromkeys(self.groups))

    def in_order(self, column: int, *, descending: bool) -> Table:
        """The table sorted by a column of numbers; what has none comes last."""
        sign = -1.0 if descending else 1.0
        keys = [order(row[column]) for row in self.rows]
        numbers = [(key is None, sign * key if isinstance(key, float) else 0.0) for key in keys]
        rows = sorted(range(len(self.rows)), key=lambda row: numbers[row])
        return replace(
            self,
            rows=tuple(self.rows[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows) if self.groups else (),
            strong=frozenset(number for number, row in enumerate(rows) if row in self.strong),
        )

    def first_columns(self, columns: int) -> Table:
        """The table with its first columns alone."""
        return replace(self, columns=self.columns[:columns], rows=tuple(row[:columns] for row in self.rows))

    def without(self, heading: str) -> Table:
        """The table without a column."""
        others = [number for number, column in enumerate(self.columns) if column.heading != heading]
        rows = tuple(tuple(row[number] for number in others) for row in self.rows)
        return replace(self, columns=tuple(self.columns[number] for number in others), rows=rows)

    def head(self, rows: int) -> Table:
        """The table's first rows, of its first group, without its notes."""
        own = [row for row in range(len(self.rows)) if not self.groups or self.groups[row] == self.groups[0]]
        first = own[:rows]
        caption = f"{self.caption} ({self.groups[0]})" if self.groups else self.caption
        if len(first) < len(own):
            caption = f"{caption}, the first {len(first)} of {len(own):,}"
        return replace(
            self,
            caption=caption,
            rows=tuple(self.rows[row] for row in first),
            notes=(),
            groups=(),
            strong=frozenset(number for number, row in enumerate(first) if row in self.strong),
        )

    def is_empty(self, column: int) -> bool:
        """Whether a column that may be left out has nothing in it."""
        return self.columns[column].optional and {row[column] for row in self.rows} <= {None, "", 0}

    @property
    def page_columns(self) -> list[int]:
        """Which columns the page shows."""
        return [
            number
            for number, column in enumerate(self.columns)
            if not column.terminal_only and not self.is_empty(number)
        ]

    @property
    def page_caption(self) -> str:
        """The caption on the page, with the group of all rows where they have but one."""
        return f"{self.caption} ({self.groups[0]})" if len(self.choices) == 1 else self.caption

    @property
    def headings(self) -> list[Heading]:
        """The headings for the page."""
        headings = []
        for number in self.page_columns:
            column = self.columns[number]
            totals = self._totals(number)
            # A number that the caption has, or what says which rows these are, need not stand over each column too.
            unsaid = dict.fromkeys(
                f"{total:,}"
                for group, own in (totals or {}).items()
                for total in own
                if not re.search(rf"(?<![\d,]){total:,}(?![\d,])", f"{self.caption} {group}")
            )
            headings.append(
                Heading(column.heading, f"of {' or '.join(unsaid)}" if unsaid else "", column.form.numeric)
            )
        return headings

    @property
    def entries(self) -> list[list[Entry]]:
        """The fields, row by row, for the page."""
        writers = [(number, self.columns[number], self._totals(number)) for number in self.page_columns]
        return [
            [
                Entry(_page_text(column, row[number], with_total=totals is None), order(row[number]))
                for number, column, totals in writers
            ]
            for row in self.rows
        ]

    def _totals(self, column: int) -> dict[str, set[int]] | None:
        """By group of rows what all shares of a column are counted of; None where that differs within a group."""
        totals: dict[str, set[int]] = {}
        for number, row in enumerate(self.rows):
            total = _total(row[column])
            if total is not None:
                totals.setdefault(self.groups[number] if self.groups else "", set()).add(total)
        return totals if all(len(own) == 1 for own in totals.values()) else None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, drawn by the page when it comes into sight (see `charts`)."""

    name: str  # What it is called in the page; a word of letters and dashes
    caption: str  # What it shows, for those too who do not see it
    kind: Literal["waterfall", "curve", "scatter", "readers", "front", "losses"]
    points: Sequence[Mapping[str, Any]]
    metric: str = ""  # Which metric is drawn; a waterfall has shares of questions
    unit: str = "share"
    against: str = ""  # What it is drawn against: the title of the other axis, or of the series


@dataclass(frozen=True, slots=True)
class Section:
    """One subject of the report; a terminal shows its tables alone."""

    name: str  # What it is called in the page; a word of letters and dashes
    title: str
    lead: str = ""  # What to know to read it
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    empty: str | None = None  # Why there is nothing to show; None where there is
    notes: tuple[str, ...] = ()


def order(value: Any) -> float | str | None:
    """What a value is sorted by."""
    match value:
        case Estimate():
            return value.value
        case Portion():
            return float(value.count)
        case Tally():
            return float(value.wins - value.losses)
        case bool() | int() | float():
            return float(value)
        case _:
            return value if isinstance(value, str) and value else None


def _total(value: Any) -> int | None:
    """What a share is counted of."""
    match value:
        case Estimate():
            return None if value.value is None else value.denominator
        case Portion():
            return value.total or None
        case _:
            return None


def _page_text(column: Column, value: Any, *, with_total: bool) -> str:
    if value is None:
        return column.missing
    brief = not with_total and _total(value) is not None
    return column.form.brief(value) if brief else column.form.write(value)


def terminal(parts: Sequence[Table | str], width: int) -> Iterator[RichTable | Text]:
    """Tables and texts as a terminal of some width shows them, with an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            yield Text()
        if isinstance(part, str):
            yield _sentences([part], width)
        else:
            yield from _blocks(part, width)


def _blocks(table: Table, width: int) -> Iterator[RichTable | Text]:
    """A table; one for each group of rows, and continued below where its columns do not fit side by side."""
    columns = [
        number for number, column in enumerate(table.columns) if not column.page_only and not table.is_empty(number)
    ]
    for group in table.choices or (None,):
        rows = [row for number, row in enumerate(table.rows) if group is None or table.groups[number] == group]
        yield _sentences([f"{table.caption} ({group})" if group else table.caption], width, style="bold")
        texts = [[_brief(table.columns[number], row[number]) for number in columns] for row in rows[:MOST_ROWS]]
        if columns:
            yield from _drawn_columns([table.columns[number] for number in columns], texts, width)
        if len(rows) > MOST_ROWS:
            yield Text(f"... and {len(rows) - MOST_ROWS:,} more rows in the result files")
    if table.notes:
        yield _sentences(table.notes, width)


def _brief(column: Column, value: Any) -> str:
    if value is None:
        return column.missing or ("-" if column.form.numeric else "")
    # Names come from the data: nothing in them may steer the terminal.
    return printable(column.form.brief(value).replace("\N{NO-BREAK SPACE}", " "))


def _sentences(lines: Sequence[str], width: int, style: str = "") -> Text:
    most = min(width, TEXT_WIDTH)
    lines_of_text = [textwrap.fill(one, most, break_on_hyphens=False) for line in lines for one in line.split("\n")]
    return Text("\n".join(lines_of_text), style=style)


class _Size(NamedTuple):
    """How wide a column may be."""

    least: int
    natural: int


def _drawn_columns(columns: Sequence[Column], texts: Sequence[Sequence[str]], width: int) -> Iterator[RichTable]:
    """Draw a table; numbers never break, names do, and the columns that still do not fit go below."""
    sizes = [_size(column, [row[number] for row in texts], width) for number, column in enumerate(columns)]
    natural = [size.natural for size in sizes]
    roomy = [max(size, cell_len(column.heading)) for size, column in zip(natural, columns, strict=True)]
    for widths, gap in ((roomy, 2), (natural, 2), (natural, 1)):
        if sum(widths) + gap * len(columns) <= width + 1:
            yield _draw(columns, texts, dict(enumerate(widths)), gap)
            return
    leading = list(
        range(next((number for number, column in enumerate(columns) if column.form.numeric), len(columns)))
    )
    layouts = [leading]
    for number in range(len(leading), len(columns)):
        if sum(sizes[one].least + 1 for one in (*layouts[-1], number)) <= width + 1 or layouts[-1] == leading:
            layouts[-1] = [*layouts[-1], number]
        else:
            layouts.append([*leading, number])
    for layout in layouts:
        yield _draw(columns, texts, _shrunk({number: sizes[number] for number in layout}, width), 1)


def _size(column: Column, texts: Sequence[str], width: int) -> _Size:
    short = cell_len(column.heading) <= _UNBROKEN
    words = max(map(cell_len, [column.heading] if short else _pieces(column.heading, heading=True)), default=0)
    natural = max([words, *map(cell_len, texts)])
    if column.form.numeric:
        return _Size(natural, natural)
    longest = max((cell_len(piece) for text in texts for piece in _pieces(text)), default=0)
    return _Size(max(words, min(longest, max(_NARROWEST, width // 3))), natural)


def _shrunk(sizes: Mapping[int, _Size], width: int) -> dict[int, int]:
    """Take from the widest columns, as far as they can be broken, what is too much for the terminal."""
    widths = {number: size.natural for number, size in sizes.items()}
    while sum(widths.values()) + len(widths) > width + 1:
        able = [number for number, size in sizes.items() if widths[number] > size.least]
        if not able:
            break
        widths[max(able, key=lambda number: widths[number])] -= 1
    return widths


def _draw(
    columns: Sequence[Column], texts: Sequence[Sequence[str]], widths: Mapping[int, int], gap: int
) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), show_edge=False)
    for number, width in widths.items():
        heading = Text("\n".join(_wrap(columns[number].heading, width, heading=True)))
        justify = "right" if columns[number].form.numeric else "left"
        table.add_column(heading, justify=justify, min_width=width, no_wrap=True)  # type: ignore[arg-type]
    for row in texts:
        fields = []
        for number, width in widths.items():
            lines = [row[number]] if columns[number].form.numeric else _wrap(row[number], width)
            fields.append(Text("\n".join(lines)))
        table.add_row(*fields)
    return table


def _pieces(text: str, *, heading: bool = False) -> list[str]:
    """Where a text may break: after a space, in cells' names after a slash, in metrics' names after a low line."""
    # A number stays with its word, as in `top 5` and `build 1`.
    return [piece for piece in re.split(r"(?<=[_ ])" if heading else r"(?<=/)|(?<=\D )(?!\d)", text) if piece]


def _wrap(text: str, width: int, *, heading: bool = False) -> list[str]:
    lines = [""]
    for piece in _pieces(text, heading=heading):
        if lines[-1] and cell_len(f"{lines[-1]}{piece.rstrip()}") > width:
            lines.append("")
        while cell_len(piece.rstrip()) > width:
            cut = _cut(piece, max(width, 2))
            lines[-1:] = [piece[:cut], ""]
            piece = piece[cut:]
        lines[-1] += piece
    return [line.rstrip() for line in lines if line.strip()] or [""]


def _cut(piece: str, width: int) -> int:
    """Where a piece longer than its column is broken: between parameters, else within a compound, else anywhere."""
    ends = [end for end in range(len(piece), 0, -1) if cell_len(piece[:end]) <= width]
    joints = (next((end for end in ends if piece[end - 1] in signs), None) for signs in _JOINTS)
    # A path or an id without any is broken all the same, since nothing may be lost.
    return next((end for end in joints if end is not None), ends[0])
