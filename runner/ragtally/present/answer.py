"""The answer in a few sentences: which cell, how sure, which of those as good is cheapest, and where most is lost."""

from __future__ import annotations

from ragtally.analysis import Analysis
from ragtally.analysis.aligned_answers import higher_is_better
from ragtally.analysis.estimate import Estimate
from ragtally.present.base import most_frequent_label
from ragtally.present.cells import Cells
from ragtally.present.numbers import SHARE, count, dollars, form_of, percent
from ragtally.results import Results

_LOSSES = {
    "index_loss": "the approximate index (right on the gold context, wrong here, though an exact search finds the"
    " evidence)",
    "retrieval_loss": "retrieval (right on the gold context, wrong here, and the evidence was not retrieved)",
    "distractor_loss": "distraction or vote noise (right on the gold context, wrong here though with the evidence)",
    "reader_loss": "the reader (not right even on the gold context)",
    "unanswered_loss": "missing answers (right on the gold context; here a call failed, or there was no verdict)",
}


def answer(results: Results, analysis: Analysis, cells: Cells) -> tuple[str, ...]:
    """Write the answer of a study."""
    if analysis.metric is None:
        return _nothing_decides() if analysis.sets else _nobody_answers(results, analysis)
    if analysis.chosen_cell is None or cells.set_analysis is None:
        return (
            "Nothing is retrieved for a reader in this study, so no set-up can be chosen.",
            "What its readers do without retrieval is under “Readers”.",
        )
    return (
        *_about_chosen_cell(results, analysis, cells, analysis.metric, analysis.chosen_cell),
        *_floor(results, cells),
        *_good_enough(cells, analysis.metric, analysis.chosen_cell),
        _loss(analysis),
    )


def _nothing_decides() -> tuple[str, ...]:
    return (
        "No metric of this study says which set-up is best: those of answers are one number per class, or cannot be"
        " judged question by question.",
        "Add accuracy or macro_f1 to its metrics; no question is asked again for that.",
    )


def _nobody_answers(results: Results, analysis: Analysis) -> tuple[str, ...]:
    first = "No reader answers in this study"
    if not analysis.rankings:
        return (f"{first}, and nothing is retrieved.", "There is nothing to choose from.")
    metric = next(iter(next(iter(analysis.rankings.values()))), "score")
    # The best of several builds is only the luckiest draw.
    further = {row["cell"] for row in results.cells.iter_rows(named=True) if row.get("build") not in (None, 1)}
    every = {name: each for name, each in analysis.rankings.items() if name not in further}
    scores = {name: each[metric] for name, each in every.items() if metric in each}
    scores = {name: score for name, score in scores.items() if score.value is not None}
    if not scores:
        return (f"{first}; it compares rankings, and none has a score.",)
    better = higher_is_better(results, metric)
    best, worse = ("highest", "below") if better else ("lowest", "above")
    name = (max if better else min)(scores, key=lambda ranking: scores[ranking].value or 0.0)
    score = form_of(analysis.units.get(metric, "number")).write(scores[name])
    return (
        f"{first}; it compares {count(len(scores), 'ranking')}.",
        f"The {best} observed {metric} is that of {name}: {score} questions; whether others"
        f" are really {worse} it, only a declared comparison can say.",
    )


def _about_chosen_cell(
    results: Results, analysis: Analysis, cells: Cells, metric: str, chosen_cell: str
) -> tuple[str, ...]:
    set_analysis = cells.set_analysis
    assert set_analysis is not None
    value = set_analysis.cells[chosen_cell].metrics[metric]
    questions = "questions of the base" if results.has_base and cells.question_set == "base" else "questions"
    best = set_analysis.best.get(metric)
    half = set_analysis.held_out.get(metric)
    size = sum(cell.is_candidate and cell.metrics[metric].value is not None for cell in set_analysis.cells.values())
    grid = count(size, "cell")
    others = [name for name in best.cells if name != chosen_cell] if best else []
    # A cell may be picked on one half and still be told from the best of all questions.
    able = best is not None and chosen_cell in best.cells
    form = form_of(analysis.units[metric])
    sentence = f"On the {set_analysis.questions:,} {questions}, {chosen_cell} has {metric} {form.write(value)}"
    if half is not None and half.cell == chosen_cell:
        sentence += f", picked from {grid} on {half.dev_questions:,} of them"
        sentence += f" and scoring {form.write(half.held_out)} on the {half.held_out_questions:,} held out"
    elif best is not None and best.highest == chosen_cell:
        sentence += f", the {'highest' if higher_is_better(results, metric) else 'lowest'} observed of {grid}"
    if not able:
        ending = "it could be told apart from the best cell, so look at the grid"
    elif others:
        ending = f"it is not distinguishable from {count(len(others), 'other cell')}"
    elif size == 1:
        ending = "there is no other cell to compare it with"
    else:
        ending = f"every other cell can be told apart from it with {analysis.confidence:.0%} confidence"
    return (f"{sentence}; {ending}.",)


def _floor(results: Results, cells: Cells) -> tuple[str, ...]:
    """What always giving one answer would come to."""
    most = most_frequent_label(results, cells.question_set)
    if most is None:
        return ()
    return (f"Always saying “{most[0]}” is right on {percent(most[1].count / most[1].total)} of them.",)


def _good_enough(cells: Cells, metric: str, chosen_cell: str) -> tuple[str, ...]:
    """Of the set-ups that cannot be told apart from the best, the cheapest: in dollars, else in words of context."""
    names = cells.best(metric)
    if len(names) < 2 or chosen_cell not in names:
        return ()
    dollars_of = {name: cells.cost(name).dollars_per_question for name in names}
    words_of = {name: cells.rows[name].get("context_mean_words") for name in names}
    for costs, distinction in ((dollars_of, "is the cheapest"), (words_of, "has the shortest context")):
        known = {name: cost for name, cost in costs.items() if cost is not None}
        if len(known) < len(names) or len(set(known.values())) == 1:
            continue
        least = min(known.values())
        first = chosen_cell if known[chosen_cell] == least else min(known, key=lambda name: known[name])
        amount = f"{dollars(least)} per question" if costs is dollars_of else f"{least:,.0f} words"
        return (f"Of those that cannot be told apart, {first} {distinction}: {amount}.",)
    return ()


def _loss(analysis: Analysis) -> str:
    breakdown = analysis.sets[analysis.question_set].error_breakdowns.get(str(analysis.chosen_cell))
    if breakdown is None:
        return "Where its wrong answers come from is not known."
    if breakdown.waterfall is None:
        return (
            "Its reader was not measured on gold contexts, so reader and retrieval cannot be told apart: add"
            " gold_context to the controls."
        )
    waterfall = breakdown.waterfall
    losses: dict[str, Estimate] = {name: loss for name in _LOSSES if (loss := getattr(waterfall, name)) is not None}
    name, most = max(losses.items(), key=lambda item: item[1].value or 0.0)
    if not most.value:
        return f"No loss was observed on {breakdown.questions:,} questions."
    next_most = max((loss.value or 0.0) for key, loss in losses.items() if key != name)
    verb = "Most is lost to" if next_most < (most.low or 0.0) else "The largest observed loss is that to"
    sentence = f"{verb} {_LOSSES[name]}: {SHARE.write(most)} questions"
    if name == "reader_loss" and waterfall.recovered.value:
        sentence += f", of which it has {percent(waterfall.recovered.value)} right here all the same"
    return f"{sentence}; on gold contexts the reader is right on {SHARE.write(waterfall.gold)}."
