"""Examples for training: from those asked for to those kept, by generator, criterion and validator."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import polars as pl

from ragtally.analysis.proportions import wilson
from ragtally.examples.replies import SURPLUS
from ragtally.present.numbers import COUNT, DOLLARS, PORTION, SHARE, Portion, dollars, in_words
from ragtally.present.table import Column, Section, Table
from ragtally.results import Results
from ragtally.results.funnel import STAGES, count_of, dollars_of, dollars_per_kept

_TITLE = "Examples for training"
_ALL = "all"


def examples_section(results: Results) -> Section:
    """What became of the examples that models were asked for."""
    funnel = results.funnel
    if not len(funnel):
        return Section("examples", _TITLE, empty="This study writes no examples.")
    tables = (_stages(funnel), _steps(funnel), _losses(funnel), _criteria(funnel), _validators(funnel))
    return Section("examples", _TITLE, tables=tuple(table for table in tables if table.rows))


def examples_sentence(funnel: pl.DataFrame) -> str:
    """What a study of examples alone comes to."""
    total, kept = (count_of(funnel, stage) for stage in (STAGES[0], STAGES[-1]))
    share, each = wilson(kept, total), dollars_per_kept(funnel)
    price = "" if each is None else f", at {dollars(each)} each"
    result = f"{kept:,} {'is' if kept == 1 else 'are'} kept: {in_words(share, 'share')}"
    return f"Of {total:,} examples that models were asked for, {result}{price}."


def _groups(funnel: pl.DataFrame, *columns: str) -> list[tuple[tuple[str, ...], pl.DataFrame]]:
    groups = funnel.partition_by(*columns, maintain_order=True, as_dict=True)
    own = [(tuple(map(str, key)), table) for key, table in groups.items()]
    return [*own, *([((_ALL,) * len(columns), funnel)] if len(own) > 1 else [])]


def _stages(funnel: pl.DataFrame) -> Table:
    columns = (
        Column("generator"),
        Column(STAGES[0], COUNT),
        *(Column(stage, PORTION) for stage in STAGES[1:]),
        Column("kept of those asked for", SHARE),
        Column("dollars", DOLLARS, "unknown", page_only=True),
        Column("dollars each", DOLLARS, "unknown"),
    )
    return Table(
        "example-stages",
        "Examples left at each stage, all rounds together; in brackets the share of the stage before",
        columns,
        tuple((name, *_stage_fields(table)) for (name,), table in _groups(funnel, "generator")),
        notes=(
            "Accepted: by the validators, or not graded. Kept: repeats no other example and no test question.",
            "Dollars of writing and grading; each: for an example that is kept.",
            "Examples of one passage are alike, so the intervals are somewhat narrow.",
        ),
    )


def _stage_fields(funnel: pl.DataFrame) -> tuple[Any, ...]:
    counts = [count_of(funnel, stage) for stage in STAGES]
    portions = [Portion(count, before) for before, count in itertools.pairwise(counts)]
    return counts[0], *portions, wilson(counts[-1], counts[0]), dollars_of(funnel), dollars_per_kept(funnel)


def _steps(funnel: pl.DataFrame) -> Table:
    """The same round by round, where there are several."""
    groups = _groups(funnel, "step")
    rows = [(name, *_stage_fields(table)[: len(STAGES)]) for (name,), table in groups] if len(groups) > 1 else []
    columns = (Column("step"), Column(STAGES[0], COUNT), *(Column(stage, PORTION) for stage in STAGES[1:]))
    caption = "The same, round by round, of all generators"
    return Table("example-steps", caption, columns, tuple(rows))


def _losses(funnel: pl.DataFrame) -> Table:
    losses = funnel.filter(row="loss")
    generators = list(dict.fromkeys(funnel["generator"]))
    totals = {name: count_of(funnel.filter(generator=name), STAGES[0]) for name in generators}
    rows = []
    for name in dict.fromkeys(losses["name"]):
        own = losses.filter(name=name)
        counts = {generator: int(own.filter(generator=generator)["examples"].sum()) for generator in generators}
        # What came on top of what was asked for is no share of it.
        of = dict.fromkeys(generators, 0) if name == SURPLUS else totals
        rows.append((name, *(Portion(counts[generator], of[generator]) for generator in generators)))
    columns = (Column("why"), *(Column(name, PORTION) for name in generators))
    caption = "Why examples are not kept; in brackets the share of those asked for"
    return Table("example-losses", caption, columns, tuple(rows))


def _criteria(funnel: pl.DataFrame) -> Table:
    columns = (
        Column("criterion"), Column("generator"), Column("passed", SHARE), Column("with a verdict", PORTION),
    )  # fmt: skip
    rows = _graded_rows(funnel.filter(row="criterion"), ("name", "generator"))
    caption = "Examples that pass each criterion, of those with a verdict; coverage beside it"
    return Table("example-criteria", caption, columns, rows)


def _validators(funnel: pl.DataFrame) -> Table:
    columns = (
        Column("validator"), Column("generator"), Column("votes for yes", SHARE), Column("readable", PORTION),
    )  # fmt: skip
    rows = _graded_rows(funnel.filter(row="validator"), ("name", "generator"))
    caption = "Votes of each validator on each generator's examples, all criteria together"
    return Table("example-validators", caption, columns, rows)


def _graded_rows(rows: pl.DataFrame, columns: Sequence[str]) -> tuple[tuple[Any, ...], ...]:
    fields = []
    for key, table in rows.partition_by(*columns, maintain_order=True, as_dict=True).items():
        passed, covered, total = (int(table[name].sum()) for name in ("examples", "covered", "of"))
        fields.append((*map(str, key), wilson(passed, covered), Portion(covered, total)))
    return tuple(fields)
