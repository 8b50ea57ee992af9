"""Every cell's scores with their intervals, and which cells may be the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from ragtally.analysis.aligned_answers import Asked
from ragtally.analysis.best import compare_with_best
from ragtally.analysis.bootstrap import RESAMPLES, BootstrapDistribution, bootstrap
from ragtally.analysis.confidence import ConfidenceInterval
from ragtally.analysis.contributions import Contributions, partial_mean_contributions
from ragtally.analysis.intervals import cell_intervals
from ragtally.analysis.selection import expected_optimism, select_on_half, split_halves
from ragtally.analysis.set_verdict import BestCells, CellCost, CellVerdict, HeldOut, Measured, SetVerdict
from ragtally.analysis.unit_cost import unit_cost
from ragtally.api import Score, derive_seed
from ragtally.results.load import Results

CONFIDENCE = 0.95
LEVEL = 0.05
FEWER_RESAMPLES = 2_000
_MUCH = 200_000
_NO_QUESTION = "no question has a value"


def generator(results: Results, *purpose: str) -> np.random.Generator:
    """Make the source of randomness for one purpose, from the study's seed."""
    return np.random.default_rng(derive_seed(results.comparisons["seed"], "verdict", *purpose))


def resamples(questions: int, cells: int) -> int:
    """Say how many resamples are drawn: fewer where many cells answer many questions."""
    return RESAMPLES if questions * cells <= _MUCH else FEWER_RESAMPLES


def measured(score: Score, interval: ConfidenceInterval) -> Measured:
    """Put a score and its interval together."""
    reason = score.reason or interval.reason
    return Measured(score.value, score.denominator, interval.low, interval.high, interval.method, reason)


def answer_metrics(results: Results, *, single: bool = False) -> list[str]:
    """List the printed names of the metrics of answers, in the spec's order."""
    return results.metric_names("answers", single=single)


def higher_is_better(results: Results, metric: str) -> bool | None:
    """Say whether more of a metric is better; None where neither is."""
    return results.metric(metric).higher_is_better


def set_verdict(results: Results, asked: Asked) -> SetVerdict:
    """Score the cells on one set of questions."""
    by_metric: dict[str, dict[str, Measured]] = {}
    best: list[BestCells] = []
    held_out: list[HeldOut] = []
    for metric in answer_metrics(results):
        contributions = asked.contributions(metric)
        reason = contributions if isinstance(contributions, str) else "not scored"
        by_metric[metric] = {name: _without_interval(row, metric, reason) for name, row in asked.cells.items()}
        scored = [name for name, row in asked.cells.items() if row[metric] is not None]
        if isinstance(contributions, str) or not scored:
            continue
        kept = contributions.of_cells(asked.columns(scored))
        count = resamples(len(asked.ids), len(scored))
        drawn = bootstrap(kept, generator(results, asked.question_set, metric), count, asked.cluster)
        intervals = cell_intervals(kept, drawn, CONFIDENCE)
        by_metric[metric].update(zip(scored, map(measured, kept.scores(), intervals), strict=True))
        grid = [row for row, name in enumerate(scored) if asked.cells[name]["kind"] == "grid"]
        info = asked.metrics.info(metric)
        if grid and info.is_single and info.higher_is_better is not None:
            names = [scored[row] for row in grid]
            best.append(_best(results, metric, names, drawn.of_cells(grid)))
            if results.comparisons["select_on"] == "dev":
                held_out.append(_held_out(results, metric, names, kept.of_cells(grid), asked))
    cells = tuple(
        CellVerdict(
            name, row["kind"], {key: found[name] for key, found in by_metric.items()}, _cost(results, row, asked)
        )
        for name, row in asked.cells.items()
    )
    counts = np.bincount(asked.gold)
    majority = float(counts.max() / counts.sum())
    return SetVerdict(asked.question_set, len(asked.ids), majority, cells, tuple(best), tuple(held_out))


def rankings(results: Results) -> dict[str, dict[str, Measured]]:
    """Give each ranking's metrics of retrieval their intervals."""
    found: dict[str, dict[str, Measured]] = {}
    names = list(dict.fromkeys(results.rankings["ranking"]))
    cluster = results.questions["document_group"].cast(pl.Int64).to_numpy()
    for metric in results.rankings.columns[2:]:
        contributions = ranking_contributions(results, metric, names)
        count = resamples(contributions.questions, contributions.cells)
        drawn = bootstrap(contributions, generator(results, "rankings", metric), count, cluster)
        intervals = cell_intervals(contributions, drawn, CONFIDENCE)
        for name, score, interval in zip(names, contributions.scores(), intervals, strict=True):
            found.setdefault(name, {})[metric] = measured(score, interval)
    return found


def ranking_contributions(results: Results, metric: str, names: Sequence[str]) -> Contributions:
    """Describe a metric of retrieval of some rankings: a mean over the questions that it applies to."""
    columns = [results.rankings.filter(pl.col("ranking") == name)[metric] for name in names]
    values = np.stack([column.fill_null(np.nan).to_numpy() for column in columns], axis=1)
    return partial_mean_contributions(values, _NO_QUESTION)


def _best(results: Results, metric: str, names: Sequence[str], drawn: BootstrapDistribution) -> BestCells:
    better = higher_is_better(results, metric) is not False
    found = compare_with_best(drawn, CONFIDENCE, higher_is_better=better)
    return BestCells(
        metric,
        None if found.highest is None else names[found.highest],
        tuple(names[row] for row in found.kept),
        expected_optimism(drawn, higher_is_better=better).value,
        CONFIDENCE,
    )


def _held_out(results: Results, metric: str, names: Sequence[str], kept: Contributions, asked: Asked) -> HeldOut:
    dev = split_halves(asked.gold.tolist(), generator(results, asked.question_set, "halves"), asked.cluster)
    found = select_on_half(kept, dev, higher_is_better=higher_is_better(results, metric) is not False)
    return HeldOut(
        metric,
        None if found.cell is None else names[found.cell],
        found.dev.value,
        found.dev.denominator,
        found.held_out.value,
        found.held_out.denominator,
        found.optimism.value,
    )


def _without_interval(row: Mapping[str, Any], metric: str, no_interval: str) -> Measured:
    value, denominator = row[metric], row[f"{metric}_denominator"]
    reason = row["not_scored"] if value is None else no_interval
    return Measured(value, int(denominator or 0), reason=reason or "not scored")


def _cost(results: Results, row: Mapping[str, Any], asked: Asked) -> CellCost:
    dollars, seconds = row["dollars"], row["answer_seconds"]
    tokens = None if row["input_tokens"] is None else int(row["input_tokens"]) + int(row["output_tokens"] or 0)
    told = not (tokens is None and dollars is None and seconds is None)
    if not told and row["reader"] not in results.comparisons.get("answered_elsewhere", ()):
        # A reader that computes here and asks no model: nothing is paid for it.
        dollars = 0.0
    (column,) = asked.columns([row["cell"]])
    questions, right = len(asked.ids), int(asked.right[:, column].sum())
    paid, taken = unit_cost(dollars, questions, right), unit_cost(seconds, questions, right)
    return CellCost(
        dollars,
        tokens,
        seconds,
        paid.per_question.value,
        paid.per_right_answer.value,
        taken.per_question.value,
        taken.per_right_answer.value,
    )
