"""What approximate search loses: of the evidence that an exact one finds, the share that it finds too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ragtally.api import Hits, Score
from ragtally.plan import Cell, StudyPlan
from ragtally.registry import Registry
from ragtally.results.metrics import MetricInfo
from ragtally.steps import Task
from ragtally.tables import load_hits, load_relevance
from ragtally.workspace import Workspace

# What the printed names begin with; the rank follows.
EVIDENCE = "ann_evidence@"
# Where neither a metric nor a reader says how deep to look.
_RANKS = 10
_NOTHING_TO_FIND = "an exact search finds no evidence"


def evidence_metrics(plan: StudyPlan, registry: Registry) -> list[MetricInfo]:
    """Describe what is measured of approximate rankings; nothing where none is approximate."""
    names = _names(plan, registry).values() if any(cell.exact for cell in plan.cells) else ()
    return [MetricInfo((name,), "retrieval", higher_is_better=True) for name in names]


def evidence_shares(plan: StudyPlan, cell: Cell, workspace: Workspace) -> dict[str, NDArray[np.float64]]:
    """For each question, by printed name, the share of the chunks with evidence among the first exact hits that are
    among as many approximate ones; NaN where an exact search finds none.
    """
    if cell.exact is None:
        return {}
    (ranking,) = cell.score.inputs["relevance"]
    hits, exact_hits = _hits(ranking, workspace), _hits(cell.exact, workspace)
    relevant = load_relevance(workspace.entry(cell.exact)).relevant
    return {
        name: shares_within(k, hits, exact_hits, relevant) for k, name in _names(plan, workspace.registry).items()
    }


def evidence_scores(shares: Mapping[str, NDArray[np.float64]], rows: NDArray[np.integer]) -> dict[str, Score]:
    """The mean over some of the questions; the denominator is how many of them have evidence to lose."""
    scores = {}
    for name, values in shares.items():
        own = values[rows][~np.isnan(values[rows])]
        scores[name] = Score(float(own.mean()), len(own)) if len(own) else Score(None, 0, _NOTHING_TO_FIND)
    return scores


def shares_within(k: int, hits: Hits, exact_hits: Hits, relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of each question's relevant exact hits within a rank, the share that is among the other hits within it."""
    expected = relevant[:, :k] & (exact_hits.passage[:, :k] >= 0)
    question, rank = np.nonzero(expected)
    is_hit = (hits.passage[question, :k] == exact_hits.passage[question, rank][:, None]).any(axis=1)
    total = expected.sum(axis=1)
    recovered = np.bincount(question[is_hit], minlength=len(total))
    shares: NDArray[np.float64] = np.divide(recovered, total, out=np.full(len(total), np.nan), where=total > 0)
    return shares


def _names(plan: StudyPlan, registry: Registry) -> dict[int, str]:
    """The printed names by rank: the cut-offs of the spec's metrics, else the numbers of chunks before readers."""
    ranking = [metric for metric in plan.study.metrics if registry.traits(metric).measures == "retrieval"]
    cut_offs = {metric.parameters["k"] for metric in ranking}
    return {k: f"{EVIDENCE}{k}" for k in sorted(cut_offs or plan.study.grid.top_k or {_RANKS})}


def _hits(relevance: Task, workspace: Workspace) -> Hits:
    (hits,) = relevance.inputs["retrieve"]
    return load_hits(workspace.entry(hits))
