"""A study in about ten numbers, for `dvc metrics` and `dvc exp show`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ragtally.analysis.analysis import Analysis, best_reader
from ragtally.analysis.estimate import Estimate
from ragtally.results.funnel import STAGES, count_of, dollars_per_kept
from ragtally.results.load import Results

_LOSSES = ("reader_loss", "index_loss", "retrieval_loss", "distractor_loss", "unanswered_loss")


@dataclass(frozen=True, slots=True)
class _Best:
    """What a study's answer is about."""

    set_up: str | None = None
    metric: str | None = None
    score: Estimate | None = None
    as_good: int | None = None  # How many cannot be told apart from the best, that one included


def summarize(results: Results, analysis: Analysis) -> dict[str, Any]:
    """Sum a study up as `results.columns.SUMMARY` declares it."""
    best = _best(results, analysis)
    of_set = analysis.sets.get(analysis.question_set)
    floor = of_set.floors.get(str(best.metric)) if of_set else None
    breakdown = of_set.error_breakdowns.get(str(best.set_up)) if of_set else None
    waterfall = breakdown.waterfall if breakdown else None
    # Only where parsers are compared.
    names = (*_LOSSES, "parser_loss") if analysis.parser_losses else _LOSSES
    losses = {name: getattr(waterfall, name, None) for name in names}
    cell = of_set.cells.get(str(best.set_up)) if of_set else None
    content: dict[str, Any] = {}
    if best.metric is not None and best.score is not None:
        name, score = best.metric, best.score
        content |= {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
        if cell is not None and (correction := cell.corrections.get(name)) is not None:
            keys = (f"{name}_corrected", f"{name}_corrected_low", f"{name}_corrected_high")
            content |= dict(zip(keys, (correction.value, correction.low, correction.high), strict=True))
    # In the order in which a narrow table should show them.
    return content | {
        "floor": floor.score.value if floor else None,
        "as_good": best.as_good,
        "base": int(results.questions["in_base"].sum()) if results.has_base else None,
        "questions": len(results.questions),
        **{name: loss.value if loss else None for name, loss in losses.items()},
        "dollars_per_question": cell.cost.dollars_per_question if cell else None,
        "set_up": best.set_up,
        **_examples(results),
    }


def _examples(results: Results) -> dict[str, Any]:
    """What became of examples for training, where the study writes any."""
    if not len(results.funnel):
        return {}
    return {
        "examples_asked_for": count_of(results.funnel, STAGES[0]),
        "examples_kept": count_of(results.funnel, STAGES[-1]),
        "dollars_per_kept_example": dollars_per_kept(results.funnel),
    }


def _best(results: Results, analysis: Analysis) -> _Best:
    """The chosen set-up; where nothing is retrieved the best reader, and where nobody reads the best ranking."""
    if analysis.metric is None:
        metric, of_rankings = next(iter(analysis.best_rankings.items()), (None, None))
        if analysis.sets or metric is None or of_rankings is None or of_rankings.highest is None:
            return _Best()
        score = analysis.rankings[of_rankings.highest][metric]
        return _Best(of_rankings.highest, metric, score, len(of_rankings.cells))
    of_set, metric = analysis.sets[analysis.question_set], analysis.metric
    scores = {name: cell.metrics[metric] for name, cell in of_set.cells.items()}
    if analysis.chosen_cell is not None:
        best = of_set.best.get(metric)
        return _Best(analysis.chosen_cell, metric, scores[analysis.chosen_cell], len(best.cells) if best else None)
    name = best_reader(results, of_set, metric)
    return _Best(metric=metric) if name is None else _Best(name, metric, scores[name])
