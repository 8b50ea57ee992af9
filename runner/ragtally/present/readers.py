"""The readers: as voters, and with no context, the wrong one, the gold one and what is retrieved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import is_one_vote, row_estimate
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.proportions import wilson
from ragtally.present.cells import (
    CONDITIONS,
    COST_COLUMNS,
    Cells,
    answer_units,
    chart_point,
    cost_fields,
    metric_columns,
    missing_scores,
    unanswered_columns,
)
from ragtally.present.numbers import COUNT, DOLLARS, SECONDS, SHARE, form_of, unit_notes
from ragtally.present.table import Chart, Column, Section, Table
from ragtally.results import Results
from ragtally.spec.defaults import VOTER_SHARES, VOTER_TABLE_METRICS
from ragtally.spec.study import LONG_CONTROLS


def voters_section(results: Results) -> Section:
    """How the voters label the questions, each with the gold context before it, and what that costs."""
    title = "Voters"
    voters = results.voters
    if not len(voters):
        return Section("voters", title, empty="The spec has no voters (under “label”).")
    rows = list(voters.iter_rows(named=True))
    units = {name: results.metric(name).unit for name in VOTER_TABLE_METRICS if name in voters.columns}
    table = Table(
        "voters-table",
        f"Voters on the gold context of {rows[0]['questions']:,} questions, by how the votes decide",
        (
            Column("voter"),
            Column("decision"),
            *(Column(name, form_of(unit)) for name, unit in units.items()),
        ),
        tuple(
            (
                row["voter"],
                row["decision"],
                *(_voter_estimate(results, row, name) for name in units),
            )
            for row in rows
        ),
        unit_notes(units.values()),
    )
    return Section("voters", title, tables=(table, *_vote_costs(rows)))


def _voter_estimate(results: Results, row: Mapping[str, Any], metric: str) -> Estimate | None:
    """A voter's figure; of voters the results hold no single answers, so that only counted shares have intervals."""
    value, denominator = row.get(metric), row.get(f"{metric}_denominator")
    shared = results.questions["document_group"].is_duplicated().any()
    if metric not in VOTER_SHARES or value is None or not denominator or shared:
        why = "questions share documents, and " if shared else ""
        return row_estimate(row, metric, f"{why}the results hold no single answers of voters")
    return wilson(round(value * denominator), denominator)


def _vote_costs(rows: Sequence[Mapping[str, Any]]) -> list[Table]:
    # The last row of a voter is the one about all of its votes; only language models have tokens.
    models = {row["voter"]: row for row in rows if row["input_tokens"] is not None}
    if not models:
        return []
    headings = (
        Column("voter"), Column("tokens in", COUNT), Column("tokens out", COUNT), Column("seconds", SECONDS, "-"),
        Column("dollars", DOLLARS, "unknown"), Column("dollars per question", DOLLARS, "unknown"),
    )  # fmt: skip
    fields = tuple(
        (
            voter, row["input_tokens"], row["output_tokens"], row["answer_seconds"], row["dollars"],
            None if row["dollars"] is None else row["dollars"] / row["questions"],
        )
        for voter, row in models.items()
    )  # fmt: skip
    note = "seconds of all calls added up; dollars at the stated price"
    return [Table("voters-costs", "What the votes cost", headings, fields, notes=(note,))]


def readers_section(
    sets: Sequence[Cells], analysis: Analysis | None = None, silent: str = "", training: tuple[Table, ...] = ()
) -> Section:
    """The readers under each condition, on what is retrieved for the chosen cell; and what they learn from."""
    title = "Readers"
    if not any(cells.of_kind("control", "fixed", "grid") for cells in sets):
        return Section("readers", title, empty="No reader answers in this study.")
    lead = "closed_book is what a reader knows without a context; wrong_context is another question’s gold context."
    if analysis is not None and analysis.chosen_cell is not None:
        lead += f" “Retrieved” is what stands before the reader in {analysis.chosen_cell}."
    charts = [] if analysis is None or analysis.metric is None else _chart(sets[0], analysis.metric, analysis)
    return Section("readers", title, lead + silent, tuple(charts), (*_table(sets, analysis), *training))


def contexts_table(cells: Cells, analysis: Analysis) -> Table | None:
    """What the chosen cell's reader does with each kind of context, by as many votes; None where none is chosen."""
    metric, chosen_cell = analysis.metric, cells.rows.get(str(analysis.chosen_cell))
    if metric is None or chosen_cell is None or cells.set_analysis is None:
        return None
    alike = [
        name
        for name in _rows_of_readers(cells, analysis)
        if all(cells.rows[name][pick] == chosen_cell[pick] for pick in ("reader", "votes", "rule"))
    ]
    rows = [(cells.rows[name]["condition"], cells.estimate(name, metric)) for name in alike]
    if floor := cells.set_analysis.floors.get(metric):
        rows.append((f"always “{floor.answer}”", floor.score))
    order = ("gold_context", *LONG_CONTROLS, "retrieved", "wrong_context", "closed_book")
    rows.sort(key=lambda row: order.index(row[0]) if row[0] in order else len(order))
    return Table(
        "contexts",
        f"The reader {chosen_cell['reader']}, by its context ({cells.question_set}, {cells.questions:,} questions)",
        (Column("context"), Column(metric, form_of(analysis.units[metric]))),
        tuple(rows),
    )


def missing_answers(results: Results) -> str:
    """How many answers are missing, over all cells and questions."""
    status = results.answers["status"]
    if not len(status):
        return ""
    missing = int(status.is_in(["unparsed", "call failed", "no verdict"]).sum())
    return (
        f" Of {len(status):,} verdicts of all cells, {missing:,} are missing: a call failed, a text could not be"
        " read, or the votes did not decide."
    )


def _table(sets: Sequence[Cells], analysis: Analysis | None) -> tuple[Table, ...]:
    metrics = answer_units(sets, "control", "fixed")
    rules = any(cells.needs_rule for cells in sets)
    rows: list[tuple[Any, ...]] = []
    groups = []
    of_readers = [(cells, name) for cells in sets for name in _rows_of_readers(cells, analysis)]
    unanswered = unanswered_columns(of_readers)
    for cells in sets:
        for name in _rows_of_readers(cells, analysis):
            row = cells.rows[name]
            decision = f"{row['votes']} {cells.labels['rule'].get(name, '')}".strip() if rules else str(row["votes"])
            scores = (cells.estimate(name, metric) for metric in metrics)
            missing = (cells.unanswered(name) for _ in unanswered)
            rows.append(
                (row["reader"], row["condition"], decision, *scores, *missing, *cost_fields(cells.cost(name)))
            )
            groups.append(f"{cells.question_set}, {cells.questions:,} questions")
    if not rows or not metrics:
        return ()
    picks = (Column("reader"), Column("context"), Column("votes"))
    columns = (*picks, *metric_columns(metrics, 2), *unanswered, *COST_COLUMNS)
    caption = "Readers without retrieval" if analysis is None else "Readers by context and votes"
    scored = [cells.rows[name] for cells, name in of_readers]
    notes = (*unit_notes(metrics.values()), *missing_scores(scored, metrics))
    return (Table("readers-table", caption, columns, tuple(rows), notes, filters=True, groups=tuple(groups)),)


def _rows_of_readers(cells: Cells, analysis: Analysis | None) -> list[str]:
    """The controls, and of the grid the cells that have the chosen one's context."""
    chosen_cell = None if analysis is None else cells.rows.get(str(analysis.chosen_cell))
    names = cells.of_kind("control", "fixed", *(() if chosen_cell is None else ("grid",)))
    rows = ((name, cells.rows[name]) for name in names)
    # Several votes of a reader that always says the same are another cell once more.
    return [
        name
        for name, row in rows
        if not is_one_vote(row)
        and (row["kind"] != "grid" or (chosen_cell and row["context"] == chosen_cell["context"]))
    ]


def _chart(cells: Cells, metric: str, analysis: Analysis) -> list[Chart]:
    unit, points = analysis.units[metric], []
    for name in _rows_of_readers(cells, analysis):
        row, score = cells.rows[name], cells.estimate(name, metric)
        if row["condition"] in CONDITIONS and score is not None and score.value is not None:
            reader = f"{row['reader']}, {row['votes']} vote{'' if row['votes'] == 1 else 's'}"
            if cells.needs_rule and (row["votes"] or 1) > 1 and name in cells.labels["rule"]:
                reader += f" by {cells.labels['rule'][name]}"
            points.append(chart_point(score, unit, reader=reader, series=row["condition"]))
    caption = f"Each reader’s {metric} by what stands before it; whiskers are intervals."
    return [Chart("readers-chart", caption, "readers", points, metric, unit)] if points else []


def noise_section(analysis: Analysis) -> Section:
    """How often two draws of the same reader on the same gold context differ."""
    title = "Vote noise"
    readers = [
        (reader, question_set, noise)
        for question_set, set_analysis in analysis.sets.items()
        for reader, noise in set_analysis.vote_noise.items()
    ]
    if not readers:
        why = (
            "No reader that draws afresh was asked twice or more on gold contexts, by votes that selected no base, so"
            " vote noise is not known."
        )
        return Section("noise", title, empty=why)
    table = Table(
        "noise-table",
        "Vote noise: two independent draws on the same gold contexts, as shares of the questions",
        (
            Column("reader"), Column("on"), Column("questions", COUNT, page_only=True),
            Column("answer differs", SHARE), Column("one right, one not", SHARE), Column("right, then wrong", SHARE),
        ),
        tuple(
            (reader, f"{question_set} {one.lost.denominator:,}", one.lost.denominator, one.other_answer,
             one.right_once, one.lost)
            for reader, question_set, one in readers
        ),
        notes=(
            "Up to as large a distractor loss as the last column may be vote noise alone: less where a vote on what"
            " was retrieved is the same draw as on the gold context (the same model of a specialist, the saved answer"
            " to an equal prompt).",
        ),
    )  # fmt: skip
    return Section("noise", title, tables=(table,))
