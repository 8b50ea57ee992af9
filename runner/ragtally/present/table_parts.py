"""What the result tables share: one look, one way to write numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

Row = Mapping[str, str]


def answer_metrics(rows: Sequence[Row]) -> list[str]:
    """The metrics of whole answers that any of the rows has: not per class, not of retrieval or context."""
    return [
        name for name in metrics_of(rows) if "[" not in name and "@" not in name and not name.startswith("context_")
    ]


def metrics_of(rows: Sequence[Row]) -> list[str]:
    """The metrics that any of the rows has, by printed name."""
    if not rows:
        return []
    named = [name for name in rows[0] if f"{name}_denominator" in rows[0]]
    return [name for name in named if any(row[name] for row in rows)]


def reason_for(reasons: str, metric: str) -> str:
    """Find why a metric is not scored among a row's reasons."""
    for group in reasons.split("; "):
        names, _, reason = group.partition(": ")
        if metric in names.split(", "):
            return reason
    return reasons


def plain_table(title: str, headings: Sequence[str], left: int = 1) -> Table:
    """Make a table without a frame; the first columns stand left, numbers right."""
    table = Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for number, heading in enumerate(headings):
        aside = number < left
        table.add_column(heading, justify="left" if aside else "right", overflow="fold", no_wrap=0 < number < left)
    return table


def title(name: str) -> str:
    """Write a metric's name as a heading."""
    return name.replace("_", " ").replace("f1", "F1")


def votes_of(row: Row, *, rules: bool) -> str:
    """Write how a row's votes decide; the rule only where there are several."""
    return f"{row['votes']} {row['rule']}" if rules else row["votes"]


def of_total(count: int, total: int) -> str:
    """Write a count with its share."""
    return f"{count} ({100 * count / total:.0f} %)" if total else str(count)


def percent(value: str, digits: int = 1) -> str:
    """Write a share as percent; `-` where it is missing."""
    return f"{100 * float(value):.{digits}f}" if value else "-"


def decimal(value: str) -> str:
    """Write a number with three decimals; `-` where it is missing."""
    return f"{float(value):.3f}" if value else "-"
