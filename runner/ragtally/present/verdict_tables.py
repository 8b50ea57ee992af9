"""The verdict on a study as tables: which cell, how sure, where its answers went, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from ragtally.analysis import Analysis
from ragtally.analysis.analysis import BestCells, Family, Measured, SetVerdict, Where
from ragtally.present.cells import cells_of, where_of
from ragtally.present.numbers import AT_THE_LEVEL, dollars, seconds
from ragtally.present.sentences import answer
from ragtally.present.verdict_parts import (
    caption,
    in_points,
    interval_of,
    number_table,
    p_value,
    share_or_number,
)
from ragtally.results import Results

_MOST_ROWS = 20
_VOTES = "Several votes against one"
# Shares of questions are written as accuracy is.
_SHARE = "accuracy"
_BARS = {
    "gold": "right on the gold context",
    "retrieval_loss": "- evidence not retrieved",
    "distractor_loss": "- lost with the evidence",
    "unanswered_loss": "- no answer here",
    "luck": "+ right here alone",
    "retrieved": "right on what is retrieved",
    "change": "change",
}


def verdict_parts(results: Results, verdict: Analysis) -> list[Table | Text]:
    """Write the verdict."""
    parts: list[Table | Text] = [
        Text("\n".join(["The answer", " ".join(answer(results, verdict, cells_of(results, verdict)))]))
    ]
    judged = next((found for found in verdict.sets if found.question_set == verdict.question_set), None)
    best = _best_of(verdict, judged)
    if judged is not None and best is not None:
        parts.append(_best_cells(judged, best))
    parts.extend(table for family in verdict.families for table in _family(family, "Declared"))
    parts.extend(table for family in verdict.votes for table in _family(family, _VOTES))
    where = where_of(verdict, verdict.chosen)
    if where is not None:
        parts.extend(_where(where))
    if judged is not None:
        parts.append(_costs(verdict, judged, best))
    parts.extend(_noise(verdict))
    return parts


def _best_of(verdict: Analysis, judged: SetVerdict | None) -> BestCells | None:
    found = () if judged is None else judged.best
    return next((best for best in found if best.metric == verdict.metric and best.highest is not None), None)


def _from_the_best(judged: SetVerdict, best: BestCells) -> list[str]:
    """From the best cell downwards, whichever way the metric counts; the highest one first among equals."""
    values = {
        cell.cell: cell.metrics[best.metric].value or 0.0 for cell in judged.cells if best.metric in cell.metrics
    }
    highest = 0.0 if best.highest is None else values[best.highest]
    return sorted(best.kept, key=lambda name: (abs(values[name] - highest), name != best.highest))


def _best_cells(judged: SetVerdict, best: BestCells) -> Table:
    values = {cell.cell: cell.metrics[best.metric] for cell in judged.cells if best.metric in cell.metrics}
    kept = _from_the_best(judged, best)
    grid = sum(cell.kind == "grid" for cell in judged.cells)
    table = number_table(
        f"Best cells by {best.metric}, {judged.questions} questions ({judged.question_set}): the highest, and those"
        " not distinguishable from the best",
        ["cell", best.metric, f"{best.confidence:.0%} interval"],
    )
    for name in kept[:_MOST_ROWS]:
        value = values[name]
        table.add_row(name, share_or_number(best.metric, value.value), interval_of(best.metric, value))
    told = f"{grid - len(kept)} of the grid's {grid} cells are distinguishable from the best"
    optimism = share_or_number(best.metric, best.optimism)
    flattered = "" if best.optimism is None else f"; picked on these questions, it may flatter by {optimism}"
    held = next((half for half in judged.held_out if half.metric == best.metric), None)
    halves = ""
    if held is not None and held.cell is not None:
        halves = (
            f"picked on one half: {held.cell}, {share_or_number(best.metric, held.dev)} on those {held.dev_questions}"
            f" questions, {share_or_number(best.metric, held.held_out)} on the {held.held_out_questions} held out"
        )
    caption(table, told + flattered, _more(kept), halves)
    return table


def _family(family: Family, kind: str) -> list[Table]:
    if not family.comparisons:
        return []
    # What is declared differs on the axes of the title alone; of votes, several readers are the other one.
    many_baselines = kind == _VOTES
    baseline = ", ".join(f"{axis} {name}" for axis, name in family.baseline.items())
    table = number_table(
        f"{kind}: {family.metric} against {baseline}; {family.questions} questions ({family.question_set}), Holm over"
        f" {len(family.comparisons)}",
        ["cell", "difference", "interval", "p (Holm)", "w/t/l", "smallest"],
    )
    clearest = sorted(family.comparisons, key=lambda one: (one.adjusted_p_value is None, one.adjusted_p_value or 0.0))
    for one in clearest[:_MOST_ROWS]:
        table.add_row(
            f"{one.cell}\nagainst {one.baseline}" if many_baselines else one.cell,
            share_or_number(family.metric, one.difference.value, signed=True),
            interval_of(family.metric, one.difference, signed=True),
            p_value(one.adjusted_p_value),
            f"{one.wins}/{one.ties}/{one.losses}",
            share_or_number(family.metric, one.smallest_difference),
        )
    differing = sum(bool(one.distinguishable) for one in family.comparisons)
    caption(
        table,
        f"{differing} of {len(family.comparisons)} differ by more than chance at the level {family.level};"
        f" {'; '.join(dict.fromkeys(one.test for one in family.comparisons))}; w/t/l: questions won, tied, lost;"
        f" smallest: the smallest difference that so many questions would show with a power of 80 % {AT_THE_LEVEL};"
        f" smallest p first{in_points(family.metric)}",
        _more(family.comparisons),
    )
    return [table]


def _where(where: Where) -> list[Table | Text]:
    headings = ["bucket", "questions", "share"]
    doubtful = where.doubtful or {}
    if where.doubtful is not None:
        headings.append("doubtful label")
    table = number_table(
        f"Where the answers of {where.cell} went, {where.questions} questions ({where.question_set})", headings
    )
    for name, count in where.buckets.items():
        share = f"{100 * count / where.questions:.1f} %" if where.questions else "-"
        table.add_row(name, f"{count}", share, *([f"{doubtful[name]}"] if name in doubtful else []))
    table.add_row("all", f"{where.questions}", *([""] * (len(headings) - 2)))
    if where.bars is None:
        told = "its reader was not measured on gold contexts, so there is no waterfall: add gold_context to controls"
        caption(table, told)
        return [table]
    fall = number_table(
        f"From the gold context to what is retrieved, {where.cell}, share of {where.questions} questions",
        ["", "share", "95 % interval"],
    )
    for name, label in _BARS.items():
        bar: Measured = getattr(where.bars, name)
        signed = name == "change"
        fall.add_row(
            label, share_or_number(_SHARE, bar.value, signed=signed), interval_of(_SHARE, bar, signed=signed)
        )
    return [table, fall]


def _costs(verdict: Analysis, judged: SetVerdict, best: BestCells | None) -> Table:
    fronts = {front.cost: front.front for front in verdict.fronts}
    wanted = [*(name for front in fronts.values() for name in front), *(_from_the_best(judged, best) if best else ())]
    if not wanted:
        wanted = [cell.cell for cell in judged.cells if cell.kind != "grid"]
    costs = {cell.cell: cell.cost for cell in judged.cells}
    shown = list(dict.fromkeys(wanted))
    table = number_table(
        "Costs of the best cells and of those on a Pareto front, each question and each right answer",
        ["cell", "$/question", "$/right", "s/question", "s/right", "front"],
    )
    for name in shown[:_MOST_ROWS]:
        cost = costs[name]
        table.add_row(
            name,
            dollars(cost.dollars_per_question),
            dollars(cost.dollars_per_right_answer),
            seconds(cost.seconds_per_question),
            seconds(cost.seconds_per_right_answer),
            " ".join(sign for what, sign in (("dollars", "$"), ("seconds", "s")) if name in fronts.get(what, ())),
        )
    caption(table, "front: no other cell is as good and cheaper ($) or faster (s)", _more(shown))
    return table


def _noise(verdict: Analysis) -> Iterable[Table]:
    if not verdict.noise:
        return
    table = number_table(
        "Vote noise: two independent draws on the same gold contexts, shares of the questions",
        ["reader", "on", "other answer", "right once", "lost", "interval of lost"],
    )
    for one in verdict.noise:
        table.add_row(
            one.reader,
            f"{one.question_set} {one.verdict.denominator}",
            *(share_or_number(_SHARE, found.value) for found in (one.verdict, one.right, one.lost)),
            interval_of(_SHARE, one.lost),
        )
    caption(
        table,
        "lost: right in the first draw, wrong in the second; up to so much loss with the evidence may be noise alone,"
        " less where a vote of the cell is the same draw as on gold",
    )
    yield table


def _more(rows: Sequence[object]) -> str:
    return f"... and {len(rows) - _MOST_ROWS} more: --json has all" if len(rows) > _MOST_ROWS else ""
