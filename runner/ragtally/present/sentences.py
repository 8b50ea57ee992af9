"""The answer in two sentences, written from the numbers: which cell, how sure, and where most is lost."""

from __future__ import annotations

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import higher_is_better
from ragtally.analysis.error_breakdown import Waterfall
from ragtally.analysis.estimate import Estimate
from ragtally.present.cells import Cells, breakdown_of_chosen
from ragtally.present.numbers import count, is_share, measured_metric, measured_number, measured_share, percent, plain
from ragtally.results import Results

_LOSSES = {
    "retrieval_loss": "retrieval (right on the gold context, wrong here, and the evidence was not retrieved)",
    "distractor_loss": "distraction or vote noise (right on the gold context, wrong here though with the evidence)",
    "reader_loss": "the reader (not right even on the gold context)",
    "unanswered_loss": "missing answers (right on the gold context; here a call failed, or there was no verdict)",
}


def answer(results: Results, verdict: Analysis, cells: Cells) -> tuple[str, ...]:
    """Write the answer of a study."""
    if verdict.metric is None:
        return _nothing_decides() if verdict.sets else _nobody_answers(results, verdict)
    if verdict.chosen is None or cells.judged is None:
        return (
            "Nothing is retrieved for a reader in this study, so no set-up can be chosen.",
            "What its readers do without retrieval stands under “Readers”.",
        )
    return (*_chosen(results, verdict, cells, verdict.metric, verdict.chosen), _loss(verdict))


def _nothing_decides() -> tuple[str, ...]:
    return (
        "No metric of this study says which set-up is best: those of answers are one number a class, or cannot be"
        " judged question by question.",
        "Add accuracy or macro_f1 to its metrics; nothing is asked again for that.",
    )


def _nobody_answers(results: Results, verdict: Analysis) -> tuple[str, ...]:
    first = "No reader answers in this study"
    if not verdict.rankings:
        return (f"{first}, and nothing is retrieved.", "There is nothing to choose from.")
    metric = next(iter(next(iter(verdict.rankings.values()))), "score")
    scored = {name: found[metric] for name, found in verdict.rankings.items() if metric in found}
    known = {name: found for name, found in scored.items() if found.value is not None}
    if not known:
        return (f"{first}; it compares rankings, and none has a score.",)
    better = higher_is_better(results, metric)
    best, worse = ("highest", "below") if better else ("lowest", "above")
    name = (max if better else min)(known, key=lambda ranking: known[ranking].value or 0.0)
    return (
        f"{first}; it compares {count(len(known), 'ranking')}.",
        f"The {best} observed {metric} is that of {name}: {measured_number(known[name])} questions; whether others"
        f" are really {worse} it, only a declared comparison can say.",
    )


def _chosen(results: Results, verdict: Analysis, cells: Cells, metric: str, chosen: str) -> tuple[str, ...]:
    judged = cells.judged
    assert judged is not None
    value = cells.verdicts[chosen].metrics[metric]
    questions = "questions of the base" if results.has_base and cells.question_set == "base" else "questions"
    best = judged.best.get(metric)
    half = judged.held_out.get(metric)
    grid = count(len(cells.of_kind("grid")), "cell")
    others = [name for name in best.cells if name != chosen] if best else []
    # A cell may be picked on one half and still be told from the best of all questions.
    able = best is not None and chosen in best.cells
    told = f"On the {judged.questions:,} {questions}, {chosen} has {_written(metric, value)}"
    if half is not None and half.cell == chosen:
        told += f", picked from {grid} on {half.dev_questions:,} of them"
        told += f" and scoring {_short(metric, half.held_out)} on the {half.held_out_questions:,} held out"
    elif best is not None and best.highest == chosen:
        told += f", the {'highest' if higher_is_better(results, metric) else 'lowest'} observed of {grid}"
    if not able:
        return (told + "; it could be told from the best cell, so look at the grid.",)
    if others:
        return (f"{told}; it is not distinguishable from {count(len(others), 'other cell')}.",)
    if len(cells.of_kind("grid")) == 1:
        return (f"{told}; there is no other cell to compare it with.",)
    return (f"{told}; every other cell can be told from it with {verdict.confidence:.0%} confidence.",)


def _written(metric: str, value: Estimate) -> str:
    return f"{metric} {measured_metric(metric, value)}"


def _short(metric: str, value: float | None) -> str:
    return percent(value) if is_share(metric) else plain(value)


def _loss(verdict: Analysis) -> str:
    where = breakdown_of_chosen(verdict)
    if where is None:
        return "Where its wrong answers come from is not known."
    if where.waterfall is None:
        return (
            "Its reader was not measured on gold contexts, so reader and retrieval cannot be told apart: add"
            " gold_context to the controls."
        )
    losses = _losses(where.waterfall)
    name, most = max(losses.items(), key=lambda item: item[1].value or 0.0)
    if not most.value:
        return f"No loss was observed on {where.questions:,} questions."
    next_most = max((found.value or 0.0) for key, found in losses.items() if key != name)
    verb = "Most is lost to" if next_most < (most.low or 0.0) else "The largest observed loss is that to"
    sentence = f"{verb} {_LOSSES[name]}: {measured_share(most)} questions"
    if name == "reader_loss" and where.waterfall.recovered.value:
        sentence += f", of which it has {percent(where.waterfall.recovered.value)} right here all the same"
    return f"{sentence}; on gold contexts the reader is right on {measured_share(where.waterfall.gold)}."


def _losses(bars: Waterfall) -> dict[str, Estimate]:
    return {name: getattr(bars, name) for name in _LOSSES}
