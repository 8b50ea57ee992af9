"""The verdict on a study as tables: which cell, how sure, where its answers went, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from ragtally.analysis import Analysis
from ragtally.analysis.analysis import SetAnalysis
from ragtally.analysis.comparisons import Family
from ragtally.analysis.error_breakdown import ErrorBreakdown
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.selection import BestSet
from ragtally.present.cells import breakdown_of_chosen, cells_of
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
    "recovered": "+ right here alone",
    "retrieved": "right on what is retrieved",
    "change": "change",
}


def verdict_parts(results: Results, verdict: Analysis) -> list[Table | Text]:
    """Write the verdict."""
    parts: list[Table | Text] = [
        Text("\n".join(["The answer", " ".join(answer(results, verdict, cells_of(results, verdict)))]))
    ]
    judged = verdict.sets.get(verdict.question_set)
    best = _best_of(verdict, judged)
    if judged is not None and best is not None:
        parts.append(_best_cells(verdict, judged, best))
    parts.extend(table for family in verdict.families for table in _family(family, "Declared"))
    parts.extend(table for family in verdict.votes for table in _family(family, _VOTES))
    where = breakdown_of_chosen(verdict)
    if where is not None:
        parts.extend(_where(where, f"{verdict.chosen}", verdict.question_set))
    if judged is not None:
        parts.append(_costs(verdict, judged, best))
    parts.extend(_noise(verdict))
    return parts


def _best_of(verdict: Analysis, judged: SetAnalysis | None) -> BestSet | None:
    best = None if judged is None or verdict.metric is None else judged.best.get(verdict.metric)
    return None if best is None or best.highest is None else best


def _from_the_best(metric: str, judged: SetAnalysis, best: BestSet) -> list[str]:
    """From the best cell downwards, whichever way the metric counts; the highest one first among equals."""
    values = {name: cell.metrics[metric].value or 0.0 for name, cell in judged.cells.items()}
    highest = 0.0 if best.highest is None else values[best.highest]
    return sorted(best.cells, key=lambda name: (abs(values[name] - highest), name != best.highest))


def _best_cells(verdict: Analysis, judged: SetAnalysis, best: BestSet) -> Table:
    metric = str(verdict.metric)
    kept = _from_the_best(metric, judged, best)
    grid = sum(cell.kind == "grid" for cell in judged.cells.values())
    table = number_table(
        f"Best cells by {metric}, {judged.questions} questions ({verdict.question_set}): the highest, and those"
        " not distinguishable from the best",
        ["cell", metric, f"{best.confidence:.0%} interval"],
    )
    for name in kept[:_MOST_ROWS]:
        value = judged.cells[name].metrics[metric]
        table.add_row(name, share_or_number(metric, value.value), interval_of(metric, value))
    told = f"{grid - len(kept)} of the grid's {grid} cells are distinguishable from the best"
    optimism = share_or_number(metric, best.optimism)
    flattered = "" if best.optimism is None else f"; picked on these questions, it may flatter by {optimism}"
    held = judged.held_out.get(metric)
    halves = ""
    if held is not None and held.cell is not None:
        halves = (
            f"picked on one half: {held.cell}, {share_or_number(metric, held.dev)} on those {held.dev_questions}"
            f" questions, {share_or_number(metric, held.held_out)} on the {held.held_out_questions} held out"
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
            f"{one.tally.wins}/{one.tally.ties}/{one.tally.losses}" if one.tally else "-",
            share_or_number(family.metric, one.smallest_difference),
        )
    differing = sum(bool(one.distinguishable) for one in family.comparisons)
    caption(
        table,
        f"{differing} of {len(family.comparisons)} differ by more than chance at the level {family.level};"
        f" {'; '.join(family.tests)}; w/t/l: questions won, tied, lost;"
        f" smallest: the smallest difference that so many questions would show with a power of 80 % {AT_THE_LEVEL};"
        f" smallest p first{in_points(family.metric)}",
        _more(family.comparisons),
    )
    return [table]


def _where(where: ErrorBreakdown, cell: str, question_set: str) -> list[Table | Text]:
    headings = ["bucket", "questions", "share"]
    doubtful = where.doubtful or {}
    if where.doubtful is not None:
        headings.append("doubtful label")
    table = number_table(f"Where the answers of {cell} went, {where.questions} questions ({question_set})", headings)
    for name, count in where.buckets.items():
        share = f"{100 * count / where.questions:.1f} %" if where.questions else "-"
        table.add_row(name, f"{count}", share, *([f"{doubtful[name]}"] if name in doubtful else []))
    table.add_row("all", f"{where.questions}", *([""] * (len(headings) - 2)))
    if where.waterfall is None:
        told = "its reader was not measured on gold contexts, so there is no waterfall: add gold_context to controls"
        caption(table, told)
        return [table]
    fall = number_table(
        f"From the gold context to what is retrieved, {cell}, share of {where.questions} questions",
        ["", "share", "95 % interval"],
    )
    for name, label in _BARS.items():
        bar: Estimate = getattr(where.waterfall, name)
        signed = name == "change"
        fall.add_row(
            label, share_or_number(_SHARE, bar.value, signed=signed), interval_of(_SHARE, bar, signed=signed)
        )
    return [table, fall]


def _costs(verdict: Analysis, judged: SetAnalysis, best: BestSet | None) -> Table:
    fronts = {cost: front.front for cost, front in verdict.fronts.items()}
    wanted = [
        *(name for front in fronts.values() for name in front),
        *(_from_the_best(str(verdict.metric), judged, best) if best else ()),
    ]
    if not wanted:
        wanted = [name for name, cell in judged.cells.items() if cell.kind != "grid"]
    shown = list(dict.fromkeys(wanted))
    table = number_table(
        "Costs of the best cells and of those on a Pareto front, each question and each right answer",
        ["cell", "$/question", "$/right", "s/question", "s/right", "front"],
    )
    for name in shown[:_MOST_ROWS]:
        cost = judged.cells[name].cost
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
    readers = [
        (reader, name, noise) for name, of_set in verdict.sets.items() for reader, noise in of_set.vote_noise.items()
    ]
    if not readers:
        return
    table = number_table(
        "Vote noise: two independent draws on the same gold contexts, shares of the questions",
        ["reader", "on", "other answer", "right once", "lost", "interval of lost"],
    )
    for reader, question_set, one in readers:
        table.add_row(
            reader,
            f"{question_set} {one.lost.denominator}",
            *(share_or_number(_SHARE, found.value) for found in (one.other_answer, one.right_once, one.lost)),
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
