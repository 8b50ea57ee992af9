"""What the tables of verdicts share: numbers with intervals, and text from the data that stays text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ragtally.analysis.estimate import Estimate
from ragtally.present.numbers import is_share
from ragtally.present.table_parts import plain_table

# The most columns that verdicts take (see `print_all`).
WIDTH = 80


def number_table(title: str, headings: Sequence[str], left: int = 1) -> Table:
    """Make a table whose names break where the columns are narrow, but its numbers do not."""
    table = plain_table(title, headings, left)
    for number, column in enumerate(table.columns):
        column.no_wrap = number >= left
    return table


def caption(table: Table, *lines: str) -> None:
    """Write sentences below a table."""
    table.caption = "\n".join(line for line in lines if line)


def share_or_number(metric: str, value: float | None, *, signed: bool = False) -> str:
    """Write a metric's value, in percent where it is a share of questions; `-` where there is none."""
    if value is None:
        return "-"
    sign = "+" if signed else ""
    # Adding 0.0 keeps -0.0 out.
    return f"{round(100 * value, 1) + 0.0:{sign}.1f} %" if is_share(metric) else f"{round(value, 3) + 0.0:{sign}.3f}"


def in_points(metric: str) -> str:
    """Say that differences of shares, written in percent, are percentage points; nothing for other metrics."""
    return "; differences are in percentage points" if is_share(metric) else ""


def interval_of(metric: str, found: Estimate, *, signed: bool = False) -> str:
    """Write a number's interval, in the number's unit; `-` where there is none."""
    if found.low is None or found.high is None:
        return "-"
    low, high = (share_or_number(metric, end, signed=signed).removesuffix(" %") for end in (found.low, found.high))
    return f"[{low}, {high}]"


def p_value(value: float | None) -> str:
    """Write a p-value; `-` where there is none."""
    return "-" if value is None else "<0.0001" if value < 0.0001 else f"{value:.4f}"


def printable(text: str) -> str:
    """Write text from the data so that it cannot steer the terminal: control characters become their escapes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
