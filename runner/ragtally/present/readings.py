"""How the readers' answers were read, and warnings where so few could be read that no number says much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from ragtally.parsing import Reason
from ragtally.present.numbers import COUNT, PORTION, Portion
from ragtally.present.table import Column, Section, Table
from ragtally.results import Results

# Below this share of readable answers a cell's numbers are about how it writes, not about what it knows.
_ENOUGH = 0.5
_MOST_REASONS = 3
_LONGEST_EXAMPLE = 60
_LONGEST_REPLY = 200


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
    """Say which numbers rest on few answers, and why: one sentence for each reader."""
    recorded = set(results.comparisons.get("answered_elsewhere", ()))
    warnings, few = [], dict[str, dict[str, Readings]]()
    for (reader, context), each in readings_by(results, "reader", "context").items():
        if each.read.total() < _ENOUGH * each.total:
            few.setdefault(reader, {})[context] = each
        elif (missing := each.missing.total()) and reader in recorded:
            warnings.append(
                f"{reader}: {missing:,} of {each.total:,} answers are not in its file; they count as not right"
            )
    return [*(_few_answers(reader, by_context) for reader, by_context in few.items()), *dict.fromkeys(warnings)]


def _few_answers(reader: str, by_context: Mapping[str, Readings]) -> str:
    read = sum(each.read.total() for each in by_context.values())
    total = sum(each.total for each in by_context.values())
    reasons = sum((each.unread + each.missing for each in by_context.values()), Counter[str]())
    most = sorted(reasons.items(), key=_frequent_first)[:_MOST_REASONS]
    why = "; ".join(f"{reason}: {count:,}" for reason, count in most)
    where = next(iter(by_context)) if len(by_context) == 1 else f"{len(by_context):,} contexts"
    share = f"only {read:,}" if read else "none"
    return (
        f"{reader} on {where}: {share} of {total:,} answers could be read, so its scores there say little about what"
        f" it knows ({why})"
    )


def example_of_unread(results: Results, reader: str, context: str) -> str | None:
    """A reply of a reader on a context that could not be read, on one line; the most frequent reason's."""
    for row in results.comparisons.get("readings", ()):
        if (row["reader"], row["context"], row["outcome"]) == (reader, context, "unread") and row.get("example"):
            return one_line(row["example"], _LONGEST_EXAMPLE)
    return None


def unread_answers(results: Results) -> pl.DataFrame:
    """The replies that could not be read, each once: its first cell, question, vote, reason and text."""
    columns = {"ballots": "ballot", "readings": "reason", "errors": "error", "texts": "text"}
    readers = results.cells.select("cell", "reader", "context").unique("cell", keep="first")
    votes = (
        results.answers.select("cell", "question", *columns)
        .with_columns(vote=pl.int_ranges(1, pl.col("ballots").list.len() + 1))
        .explode("vote", *columns)
        .rename(columns)
        .filter(pl.col("ballot").is_null() & pl.col("text").is_not_null())
        .join(readers, on="cell", maintain_order="left")
    )
    own = ["reader", "context", "question", "vote", "reason", "text"]
    return votes.unique(own, keep="first", maintain_order=True).select(*own)


def unread_section(results: Results) -> Section:
    """The replies that could not be read."""
    title = "Replies that could not be read"
    answers = unread_answers(results)
    if not len(answers):
        return Section("unread", title, empty="Every reply could be read.")
    table = Table(
        "unread-table",
        f"{len(answers):,} replies that could not be read",
        (
            Column("reader"), Column("context"), Column("question"), Column("vote", COUNT), Column("reason"),
            Column("reply"),
        ),
        tuple((*row[:-1], one_line(row[-1], _LONGEST_REPLY)) for row in answers.iter_rows()),
    )  # fmt: skip
    return Section("unread", title, tables=(table,))


def one_line(text: str, longest: int) -> str:
    """A text on one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest].rstrip()} ..."


def _frequent_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
