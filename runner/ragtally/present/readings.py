"""How the readers' answers were read, and warnings where so few could be read that no number says much."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ragtally.parsing import Reason
from ragtally.present.numbers import COUNT, PORTION, Portion
from ragtally.present.table import Column, Section, Table
from ragtally.results import Results

# Below this share of readable answers a cell's numbers are about how it writes, not about what it knows.
_ENOUGH = 0.5
_MOST_WARNINGS = 8
_MOST_REASONS = 3


class Readings(NamedTuple):
    """What became of answers, each vote counted once."""

    read: Counter[str]  # How many were read in which way
    unread: Counter[str]  # How many could not be read, by the reason
    missing: Counter[str]  # How many there are none of, by what went wrong

    @property
    def total(self) -> int:
        """How many answers were asked for."""
        return self.read.total() + self.unread.total() + self.missing.total()


def readings_by(results: Results, *keys: str) -> dict[tuple[str, ...], Readings]:
    """How answers were read by `reader`, or by `reader` and `context`."""
    readings: dict[tuple[str, ...], Readings] = {}
    for row in (*results.comparisons.get("readings", ()), *results.base.get("readings", ())):
        of_key = readings.setdefault(tuple(row[key] for key in keys), Readings(Counter(), Counter(), Counter()))
        getattr(of_key, row["outcome"])[row["reading"]] += row["answers"]
    return readings


def readings_section(results: Results) -> Section:
    """How the answers were read, by reader."""
    title = "How the answers were read"
    # Where a reader chooses its answers itself, nothing is read.
    readers = {
        name: each for name, each in readings_by(results, "reader").items() if set(each.read) != {Reason.CHOSEN}
    }
    if not readers:
        return Section("readings", title, empty="No reader in this study answers in words.")
    ways = sorted(sum((each.read for each in readers.values()), Counter[str]()).items(), key=_frequent_first)
    table = Table(
        "readings-table",
        "How the answers were read, each vote once, over all contexts",
        (
            Column("reader"), Column("answers", COUNT), *(Column(way, PORTION) for way, _ in ways),
            Column("not read", PORTION), Column("no answer", PORTION),
        ),
        tuple(
            (
                name, each.total, *(Portion(each.read[way], each.total) for way, _ in ways),
                Portion(each.unread.total(), each.total), Portion(each.missing.total(), each.total),
            )
            for (name,), each in readers.items()
        ),
    )  # fmt: skip
    reasons = tuple(
        (name, reason, Portion(count, each.total))
        for (name,), each in readers.items()
        for reason, count in sorted(each.unread.items(), key=_frequent_first)
    )
    columns = (Column("reader"), Column("why"), Column("answers", PORTION))
    why = [Table("unread-table", "Why answers could not be read", columns, reasons)] if reasons else []
    return Section("readings", title, tables=(table, *why))


def reading_warnings(results: Results) -> list[str]:
    """Say which numbers rest on few answers, and why."""
    recorded = set(results.comparisons.get("answered_elsewhere", ()))
    warnings = []
    for (reader, context), each in readings_by(results, "reader", "context").items():
        read, missing = each.read.total(), each.missing.total()
        reasons = sorted((each.unread + each.missing).items(), key=_frequent_first)[:_MOST_REASONS]
        why = "; ".join(f"{reason}: {count:,}" for reason, count in reasons)
        if read < _ENOUGH * each.total:
            share = f"only {read:,}" if read else "none"
            warnings.append(
                f"{reader} on {context}: {share} of {each.total:,} answers could be read, so its scores say"
                f" little about what it knows ({why})"
            )
        elif missing and reader in recorded:
            warnings.append(
                f"{reader}: {missing:,} of {each.total:,} answers are not in its file; they count as not right"
            )
    if len(warnings) > _MOST_WARNINGS:
        more = f"{len(warnings) - _MOST_WARNINGS:,} more contexts have as few readable answers or answers missing"
        warnings[_MOST_WARNINGS:] = [more]
    return warnings


def _frequent_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
