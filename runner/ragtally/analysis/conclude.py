"""The verdict on a study, from its result files."""

from __future__ import annotations

from collections.abc import Sequence

from ragtally.analysis.aligned_answers import Asked, asked_on
from ragtally.analysis.analysis import Analysis, Front
from ragtally.analysis.contributions import StudyMetrics
from ragtally.analysis.error_breakdown import vote_noise, where_answers_went
from ragtally.analysis.families import declared_families, votes_family
from ragtally.analysis.pareto import pareto_front
from ragtally.analysis.scores import CONFIDENCE, answer_metrics, higher_is_better, rankings, set_verdict
from ragtally.analysis.set_verdict import SetVerdict
from ragtally.registry import Registry
from ragtally.results.load import Results


def analyze(results: Results, registry: Registry | None = None) -> Analysis:
    """Work out what a study's results come to."""
    metrics = StudyMetrics(results, registry)
    found = {name: asked_on(results, name, metrics) for name in ("base", "all")}
    asked = {name: of_set for name, of_set in found.items() if of_set is not None}
    sets = {name: set_verdict(results, of_set) for name, of_set in asked.items()}
    judged_on = _judged_on(asked)
    metric = _deciding(results, asked.get(judged_on))
    chosen = _chosen(sets.get(judged_on), metric)
    of_grid = asked.get(judged_on)
    contexts = [] if of_grid is None else _contexts(of_grid, chosen)
    fronts = _fronts(results, asked[judged_on], sets[judged_on], metric) if metric and judged_on in sets else []
    verdict = Analysis(
        study=results.study,
        metric=metric,
        question_set=judged_on,
        chosen=chosen,
        confidence=CONFIDENCE,
        units={name: info.unit for info in results.metrics for name in info.names},
        sets=tuple(sets.values()),
        rankings=rankings(results),
        families=tuple(declared_families(results, asked)),
        votes=tuple(votes_family(results, of_grid, contexts, metric)) if of_grid is not None and metric else (),
        where=tuple(cell for of_set in asked.values() for cell in where_answers_went(results, of_set)),
        noise=tuple(reader for of_set in asked.values() for reader in vote_noise(results, of_set)),
        fronts=tuple(fronts),
    )
    return verdict.rounded()


def _deciding(results: Results, asked: Asked | None) -> str | None:
    """The first metric of answers that is one number, and that can be judged question by question."""
    if asked is None:
        return None
    directed = (name for name in answer_metrics(results, single=True) if higher_is_better(results, name) is not None)
    return next((name for name in directed if not isinstance(asked.contributions(name), str)), None)


def _judged_on(asked: dict[str, Asked]) -> str:
    """The base where the grid is asked only about it, otherwise all questions."""
    on_all = any(row["kind"] == "grid" for row in asked["all"].cells.values()) if "all" in asked else False
    return "base" if "base" in asked and not on_all else "all"


def _chosen(found: SetVerdict | None, metric: str | None) -> str | None:
    if found is None or metric is None:
        return None
    if found.held_out:
        return next((half.cell for half in found.held_out if half.metric == metric), None)
    return next((best.highest for best in found.best if best.metric == metric), None)


def _contexts(asked: Asked, chosen: str | None) -> Sequence[str]:
    """The contexts on which several votes are compared with one: the gold one, and that of the chosen cell."""
    wanted = ["gold_context"]
    if chosen is not None:
        wanted.append(asked.cells[chosen]["context"])
    return wanted


def _fronts(results: Results, asked: Asked, found: SetVerdict, metric: str) -> list[Front]:
    fronts = []
    # A fixed reader that was shown the gold context or the conclusion is no set-up that anybody could choose.
    usable = [name for name, row in asked.cells.items() if row["condition"] in ("retrieved", "closed_book")]
    kept = {name for name in usable if asked.cells[name]["kind"] in ("grid", "fixed")}
    cells = [cell for cell in found.cells if cell.cell in kept and metric in cell.metrics]
    if not cells:
        return []
    for cost, field in (("dollars", "dollars_per_question"), ("seconds", "seconds_per_question")):
        front = pareto_front(
            [cell.metrics[metric].value for cell in cells],
            [getattr(cell.cost, field) for cell in cells],
            higher_is_better=higher_is_better(results, metric) is not False,
        )
        fronts.append(
            Front(
                cost,
                found.question_set,
                tuple(cells[row].cell for row in front.front),
                {cells[row].cell: cells[other].cell for row, other in front.dominated.items()},
                {cells[row].cell: which for row, which in front.unknown.items()},
            )
        )
    return fronts
