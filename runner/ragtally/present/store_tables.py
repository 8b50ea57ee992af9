"""The tables of `ragtally store`: what was paid to whom, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from rich import box
from rich.table import Table

from ragtally.store.batches import StoredBatch
from ragtally.store.calls import FailureCount, Spending
from ragtally.store.vectors import EmbeddingSpending

_UNKNOWN = "unknown"
_Number = TypeVar("_Number", int, float)


def paid_table(rows: Sequence[Spending]) -> Table:
    """Show what was paid to whom."""
    table = Table(title="Paid calls", title_justify="left", box=box.SIMPLE, padding=0, pad_edge=False)
    table.show_footer = len(rows) > 1
    total = _total(rows)
    table.add_column("model\npurpose", "all", overflow="fold")
    numbers = ("calls", "tokens in", "tokens out", "dollars", "no price", "seconds")
    for heading, footer in zip(numbers, _numbers(total), strict=True):
        table.add_column(heading.replace(" ", "\n"), footer, justify="right", no_wrap=True)
    table.add_column("first\nlast", f"{total.first_at[:10]}\n{total.last_at[:10]}", no_wrap=True)
    for row in rows:
        dates = f"{row.first_at[:10]}\n{row.last_at[:10]}"
        table.add_row(f"{row.provider}/{row.model}\n{row.purpose}", *_numbers(row), dates)
    if total.calls_with_estimated_tokens:
        table.caption = "~ holds tokens that were counted here, since the provider told none"
        table.caption_justify = "left"
    return table


def failed_table(rows: Sequence[FailureCount]) -> Table:
    """Show how often calls failed, and for what."""
    table = Table(title="Failed attempts (none of them counts as an answer)", title_justify="left")
    table.box, table.pad_edge = box.SIMPLE, False
    for number, heading in enumerate(("reason", "attempts", "calls", "still unanswered", "last")):
        table.add_column(heading, justify="right" if 1 <= number <= 3 else "left")
    for row in rows:
        table.add_row(
            row.reason,
            f"{row.attempts:,}",
            f"{row.calls:,}",
            f"{row.without_reply:,}",
            row.last_at[:16].replace("T", " "),
        )
    return table


def embedded_table(rows: Sequence[EmbeddingSpending]) -> Table:
    """Show which embedders' vectors are kept by text, and what they cost."""
    table = Table(title="Vectors kept by text", title_justify="left", box=box.SIMPLE, padding=0, pad_edge=False)
    for number, heading in enumerate(("embedder", "texts", "tokens in", "dollars")):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(
            row.embedder,
            f"{row.texts:,}",
            _UNKNOWN if row.input_tokens is None else f"~{row.input_tokens:,}",
            _with_unknown(row.dollars, "{:,.4f}", row.texts_without_price),
        )
    return table


def batches_table(rows: Sequence[StoredBatch]) -> Table:
    """Show batches of calls."""
    table = Table(title="Batches of calls", title_justify="left", box=box.SIMPLE, padding=0, pad_edge=False)
    headings = ("batch\nat the provider", "model", "calls", "done", "at most\ndollars", "status", "over by")
    for number, heading in enumerate(headings):
        # A name is there to be copied, so it stays in one piece.
        table.add_column(
            heading, justify="right" if 2 <= number <= 4 else "left", overflow="fold", no_wrap=number == 0
        )
    for row in rows:
        table.add_row(
            f"{row.name}\n{row.batch_id or 'not known there'}",
            f"{row.provider}/{row.model}",
            f"{row.calls:,}",
            f"{row.answered + row.failed:,}",
            _UNKNOWN if row.most_dollars is None else f"{row.most_dollars:,.4f}",
            "read" if row.stage == "read" else row.status or row.stage,
            "" if row.expires_at is None else f"{datetime.fromtimestamp(row.expires_at).astimezone():%m-%d %H:%M}",
        )
    table.caption = "as they stood when a run last asked; `ragtally store cancel BATCH` cancels one"
    table.caption_justify = "left"
    return table


def _total(rows: Sequence[Spending]) -> Spending:
    return Spending(
        provider="",
        model="",
        purpose="",
        calls=sum(row.calls for row in rows),
        input_tokens=_sum([row.input_tokens for row in rows]),
        calls_without_input_tokens=sum(row.calls_without_input_tokens for row in rows),
        output_tokens=_sum([row.output_tokens for row in rows]),
        calls_without_output_tokens=sum(row.calls_without_output_tokens for row in rows),
        calls_with_estimated_tokens=sum(row.calls_with_estimated_tokens for row in rows),
        dollars=_sum([row.dollars for row in rows]),
        calls_without_price=sum(row.calls_without_price for row in rows),
        seconds=sum(row.seconds for row in rows),
        first_at=min((row.first_at for row in rows), default=""),
        last_at=max((row.last_at for row in rows), default=""),
    )


def _sum(values: Sequence[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _numbers(row: Spending) -> tuple[str, ...]:
    about = "~" if row.calls_with_estimated_tokens else ""
    return (
        f"{row.calls:,}",
        _with_unknown(row.input_tokens, about + "{:,}", row.calls_without_input_tokens),
        _with_unknown(row.output_tokens, about + "{:,}", row.calls_without_output_tokens),
        _with_unknown(row.dollars, "{:,.4f}", row.calls_without_price),
        f"{row.calls_without_price:,}",
        f"{row.seconds:,.1f}",
    )


def _with_unknown(known: float | None, form: str, without: int) -> str:
    """Write a sum; what some calls do not tell is neither left out nor taken for 0."""
    if known is None:
        return _UNKNOWN
    return form.format(known) + (f"\n+ {_UNKNOWN}" if without else "")
