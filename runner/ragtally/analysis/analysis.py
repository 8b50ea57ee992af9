"""What a study's results come to: every number with its interval, every difference with its test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.analysis.aligned_answers import (
    AlignedAnswers,
    align_answers,
    higher_is_better,
    random_generator,
    ranking_contributions,
    resample_number,
    row_estimate,
)
from ragtally.analysis.bootstrap import BootstrapDistribution, bootstrap, cell_estimates, extreme_share
from ragtally.analysis.comparisons import Family, declared_families, long_context_family, votes_family
from ragtally.analysis.contributions import StudyMetrics, only_value
from ragtally.analysis.costs import CellCost, ParetoFront, cell_cost, pareto_front
from ragtally.analysis.error_breakdown import ErrorBreakdown, error_breakdowns
from ragtally.analysis.estimate import CONFIDENCE, Estimate
from ragtally.analysis.judges import JudgeAnalysis, corrected_metrics, judge_analysis
from ragtally.analysis.parser_losses import ParserLoss, parser_losses
from ragtally.analysis.selection import (
    BestSet,
    Floor,
    HeldOut,
    best_set,
    better_than,
    select_on_half,
    split_halves,
)
from ragtally.analysis.vote_noise import VoteNoise, vote_noise
from ragtally.registry import Registry
from ragtally.results.brief import Brief
from ragtally.results.load import Results

_DECIMALS = 10


@dataclass(frozen=True, slots=True, repr=False)
class CellAnalysis(Brief):
    """One cell on one set of questions."""

    kind: str  # `grid`, `control` or `fixed`
    metrics: Mapping[str, Estimate]  # The study's metrics of answers by printed name
    cost: CellCost
    # Whether it may be chosen as the best: a cell of the grid whose retriever is no control, and the first of several
    # builds, since the best of them is only the luckiest draw.
    is_candidate: bool
    statuses: Mapping[str, int] = field(default_factory=dict)  # How many questions came to what, as `right`
    # The metrics that depend on judges, corrected by what people say; none where people have graded nothing.
    corrections: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class SetAnalysis(Brief):
    """All cells on one set of questions."""

    questions: int
    cells: Mapping[str, CellAnalysis]  # The cells that answer it, by name, in the order of the study
    best: Mapping[str, BestSet]  # For each metric the candidates that may be the best
    floors: Mapping[str, Floor]  # For each of these metrics, what always giving one answer comes to
    # For each metric what was picked on one half; empty unless the spec says `select_on: dev`.
    held_out: Mapping[str, HeldOut]
    error_breakdowns: Mapping[str, ErrorBreakdown]  # Of each grid cell that reads what was retrieved
    vote_noise: Mapping[str, VoteNoise]  # Of each reader that draws again for every vote


@dataclass(frozen=True, slots=True, repr=False)
class Analysis(Brief):
    """Everything that a study's report says, in numbers."""

    study: str
    # The metric that decides: the study's first metric of answers that is one number and that each question
    # contributes to; None where there is none.
    metric: str | None
    question_set: str  # The set of questions that decides for the grid, `base` or `all`
    # The grid cell with the best value of that metric there (on the dev half where the spec selects on it).
    chosen_cell: str | None
    confidence: float  # The confidence of every interval
    units: Mapping[str, str]  # Each metric's unit, by printed name: `share` (written in percent), `number` or `count`
    sets: Mapping[str, SetAnalysis]  # `base` and `all`, as far as cells answer them
    rankings: Mapping[str, Mapping[str, Estimate]]  # Each ranking's metrics of retrieval
    # By the first metric of retrieval that each question contributes to: the rankings that may be the best.
    best_rankings: Mapping[str, BestSet]
    families: tuple[Family, ...]  # The comparisons that the spec declares
    # Several votes of one reader against one vote of another, on the same contexts; one family.
    votes: tuple[Family, ...]
    fronts: Mapping[str, ParetoFront]  # By cost, `dollars` and `seconds` per question
    # The cells whose index is drawn at random when it is built, by name, each with the reason and the remedy.
    variation: Mapping[str, str] = field(default_factory=dict)
    # Each long context against the best retrieved one of its reader, where there are such controls; one family.
    long_context: tuple[Family, ...] = ()
    parser_losses: tuple[ParserLoss, ...] = ()  # What each parser lost of the evidence, where parsers are compared
    judges: JudgeAnalysis | None = None  # How far the judges of open answers can be trusted; None without judges

    def as_json(self) -> dict[str, Any]:
        """Convert to JSON-able data."""
        return asdict(self)

    def _next(self) -> str:
        if self.chosen_cell is None:
            return "next: analysis.sets[...].cells[...], analysis.rankings[...]"
        of_set = f"analysis.sets[{self.question_set!r}]"
        return f"next: {of_set}.cells[analysis.chosen_cell], {of_set}.error_breakdowns[analysis.chosen_cell]"


def analyze(results: Results, registry: Registry | None = None) -> Analysis:
    """Work out what a study's results come to."""
    metrics = StudyMetrics(results, registry)
    answers = {
        name: of_set for name in ("base", "all") if (of_set := align_answers(results, name, metrics)) is not None
    }
    sets = {name: set_analysis(results, of_set) for name, of_set in answers.items()}
    question_set = _deciding_set(answers)
    metric, chosen_cell, votes, fronts = None, None, [], {}
    long_context: list[Family] = []
    if question_set in answers:
        deciding, deciding_set = answers[question_set], sets[question_set]
        metric = _deciding_metric(results, deciding)
        if metric is not None:
            chosen_cell = _chosen_cell(deciding_set, metric)
            # The contexts on which several votes are compared with one: the gold one, and that of the chosen cell.
            contexts = ["gold_context", *([] if chosen_cell is None else [deciding.cells[chosen_cell]["context"]])]
            votes = votes_family(results, deciding, contexts, metric)
            long_context = long_context_family(results, deciding, _candidates(results, deciding), metric)
            fronts = _fronts(results, deciding, deciding_set, metric)
    rankings, best_rankings = _rankings(results)
    analysis = Analysis(
        study=results.study,
        metric=metric,
        question_set=question_set,
        chosen_cell=chosen_cell,
        confidence=CONFIDENCE,
        units={name: info.unit for info in results.metrics for name in info.names},
        sets=sets,
        rankings=rankings,
        best_rankings=best_rankings,
        families=tuple(declared_families(results, answers)),
        votes=tuple(votes),
        fronts=fronts,
        variation=results.comparisons.get("variation", {}),
        long_context=tuple(long_context),
        parser_losses=parser_losses(results),
        judges=judge_analysis(results),
    )
    # So that what is read back equals what was written.
    result: Analysis = _round(analysis)
    return result


def best_reader(results: Results, of_set: SetAnalysis, metric: str) -> str | None:
    """The cell with the best value, the first of equals, where nothing is retrieved; None where none has a value."""
    values = {name: cell.metrics[metric].value for name, cell in of_set.cells.items()}
    scores = {name: value for name, value in values.items() if value is not None}
    extreme = max if higher_is_better(results, metric) else min
    return extreme(scores, key=lambda name: scores[name]) if scores else None


def set_analysis(results: Results, answers: AlignedAnswers) -> SetAnalysis:
    """Score the cells on one set of questions."""
    estimates: dict[str, dict[str, Estimate]] = {}
    best: dict[str, BestSet] = {}
    floors: dict[str, Floor] = {}
    held_out: dict[str, HeldOut] = {}
    candidates = _candidates(results, answers)
    most_frequent = answers.most_frequent
    halving = random_generator(results, answers.question_set, "halves")
    dev = split_halves(answers.gold.tolist(), halving, answers.cluster)
    for metric in results.metric_names("answers"):
        contributions = answers.contributions(metric, *answers.floor)
        reason = contributions if isinstance(contributions, str) else "not scored"
        estimates[metric] = {
            name: row_estimate(row, metric, reason) or Estimate(None, 0, reason="not scored")
            for name, row in answers.cells.items()
        }
        names = [name for name, row in answers.cells.items() if row[metric] is not None]
        if isinstance(contributions, str) or not names:
            continue
        floor = range(len(answers.cells), contributions.cells)
        contributions = contributions.of_cells([*answers.columns(names), *floor])
        distribution = bootstrap(
            contributions,
            random_generator(results, answers.question_set, metric),
            resample_number(len(answers.ids), len(names)),
            answers.cluster,
        )
        of_cells = cell_estimates(contributions, distribution)
        estimates[metric].update(zip(names, of_cells[: len(names)], strict=True))
        grid = [row for row, name in enumerate(names) if name in candidates]
        info = results.metric(metric)
        # A metric of one class, as `f1[yes]`, does not decide.
        if not info.is_single or info.higher_is_better is None:
            continue
        better = info.higher_is_better
        if most_frequent is not None:
            floors[metric] = _floor(most_frequent, of_cells[-1], distribution, names, grid, higher_is_better=better)
        if grid:
            grid_names = [names[row] for row in grid]
            best[metric] = best_set(distribution.of_cells(grid), grid_names, higher_is_better=better)
            if results.comparisons["select_on"] == "dev":
                of_grid = contributions.of_cells(grid)
                held_out[metric] = select_on_half(of_grid, grid_names, dev, higher_is_better=better)
    return SetAnalysis(
        questions=len(answers.ids),
        cells=_cells(results, answers, estimates),
        best=best,
        floors=floors,
        held_out=held_out,
        error_breakdowns=error_breakdowns(results, answers),
        vote_noise=vote_noise(results, answers),
    )


def _cells(
    results: Results, answers: AlignedAnswers, estimates: Mapping[str, Mapping[str, Estimate]]
) -> dict[str, CellAnalysis]:
    candidates, corrections = _candidates(results, answers), corrected_metrics(results, answers)
    return {
        name: CellAnalysis(
            kind=row["kind"],
            metrics={key: cells[name] for key, cells in estimates.items()},
            cost=_cost(results, row, answers),
            is_candidate=name in candidates,
            statuses=dict(sorted(Counter(map(str, answers.status[name])).items())),
            corrections=corrections.get(name, {}),
        )
        for name, row in answers.cells.items()
    }


def _floor(
    answer: str,
    score: Estimate,
    distribution: BootstrapDistribution,
    names: Sequence[str],
    grid: Sequence[int],
    *,
    higher_is_better: bool,
) -> Floor:
    """What is better than always giving an answer, which is the last column of the distribution."""
    # Where nothing is retrieved, the controls are held against it.
    rivals = grid or range(len(names))
    with_floor = distribution.of_cells([*rivals, len(names)])
    ahead = better_than(with_floor, len(rivals), higher_is_better=higher_is_better)
    return Floor(answer, score, tuple(names[rivals[column]] for column in ahead))


def _candidates(results: Results, answers: AlignedAnswers) -> set[str]:
    """The cells of the grid that somebody could use."""
    return {name for name, row in answers.cells.items() if row["kind"] == "grid" and _is_candidate(results, row)}


def _is_candidate(results: Results, row: Mapping[str, Any]) -> bool:
    """Whether a cell may be the best: its retriever is no control, and it is the first of several builds."""
    return row["cell"] not in results.comparisons["control_cells"] and row.get("build") in (None, 1)


def _rankings(results: Results) -> tuple[dict[str, dict[str, Estimate]], dict[str, BestSet]]:
    """Every metric of the rankings, and which may be the best by the first."""
    names = list(dict.fromkeys(results.rankings["ranking"]))
    estimates: dict[str, dict[str, Estimate]] = {name: {} for name in names}
    best: dict[str, BestSet] = {}
    cluster = results.questions["document_group"].cast(pl.Int64).to_numpy()
    rows = {row["cell"]: row for row in results.cells.filter(pl.col("kind") == "retrieval").iter_rows(named=True)}
    for metric in results.metric_names("retrieval"):
        if metric not in results.rankings.columns:
            for name in names:
                # An exact search measures no recall of an approximate one.
                if estimate := row_estimate(rows.get(name, {}), metric, only_value(results.metric(metric))):
                    estimates[name][metric] = estimate
            continue
        contributions = ranking_contributions(results, metric, names)
        measured = {name for name in names if name not in rows or row_estimate(rows[name], metric, "not scored")}
        distribution = bootstrap(
            contributions,
            random_generator(results, "rankings", metric),
            resample_number(contributions.questions, contributions.cells),
            cluster,
        )
        for name, estimate in zip(names, cell_estimates(contributions, distribution), strict=True):
            # What an approximate search loses is measured of no other.
            if name in measured:
                estimates[name][metric] = _share_of_some(results, estimate, name, metric, cluster)
        candidates = [
            row
            for row, name in enumerate(names)
            if name in rows and name in measured and _is_candidate(results, rows[name])
        ]
        better = results.metric(metric).higher_is_better
        if candidates and better is not None and not best:
            own = [names[row] for row in candidates]
            if "parser" in results.cells.columns:
                # A parser that lost what is hard to find is not the better for it: for the choice it found nothing.
                distribution = bootstrap(
                    ranking_contributions(results, metric, names, missing=0.0),
                    random_generator(results, "rankings", metric),
                    resample_number(contributions.questions, contributions.cells),
                    cluster,
                )
            best[metric] = best_set(distribution.of_cells(candidates), own, higher_is_better=better)
    return estimates, best


def _share_of_some(
    results: Results, estimate: Estimate, ranking: str, metric: str, cluster: NDArray[np.int64]
) -> Estimate:
    """Give a share that nothing or everything counts for an interval too; other metrics may have any range."""
    if results.metric(metric).component is not None or estimate.value not in (0.0, 1.0):
        return estimate
    has_value = results.rankings.filter(pl.col("ranking") == ranking)[metric].is_not_null().to_numpy()
    return extreme_share(estimate.value, estimate.denominator, len(np.unique(cluster[has_value])))


def _cost(results: Results, row: Mapping[str, Any], answers: AlignedAnswers) -> CellCost:
    dollars, seconds = row["dollars"], row["answer_seconds"]
    tokens = None if row["input_tokens"] is None else int(row["input_tokens"]) + int(row["output_tokens"] or 0)
    if tokens is dollars is seconds is None and row["reader"] not in results.comparisons.get(
        "answered_elsewhere", ()
    ):
        # A reader that computes here and calls no model: nothing is paid for it.
        dollars = 0.0
    (column,) = answers.columns([row["cell"]])
    right = int(answers.right[:, column].sum())
    return cell_cost(
        len(answers.ids),
        right,
        dollars=dollars,
        tokens=tokens,
        seconds=seconds,
        index_dollars=row["index_dollars"],
        training_dollars=results.training_dollars.get(row["reader"]),
    )


def _deciding_set(answers: Mapping[str, AlignedAnswers]) -> str:
    """The base where the grid answers only that, otherwise all questions."""
    on_all = "all" in answers and any(row["kind"] == "grid" for row in answers["all"].cells.values())
    return "base" if "base" in answers and not on_all else "all"


def _deciding_metric(results: Results, answers: AlignedAnswers) -> str | None:
    """The first that is one number, has a better direction, and to which each question contributes."""
    names = results.metric_names("answers", single=True)
    candidates = (name for name in names if results.metric(name).higher_is_better is not None)
    return next((name for name in candidates if not isinstance(answers.contributions(name), str)), None)


def _chosen_cell(of_set: SetAnalysis, metric: str) -> str | None:
    if of_set.held_out:
        return of_set.held_out[metric].cell if metric in of_set.held_out else None
    return of_set.best[metric].highest if metric in of_set.best else None


def _fronts(results: Results, answers: AlignedAnswers, of_set: SetAnalysis, metric: str) -> dict[str, ParetoFront]:
    # A fixed reader that was shown the gold context or the conclusion is no set-up that anybody could choose, nor is
    # a control retriever.
    names: Sequence[str] = [
        name
        for name, row in answers.cells.items()
        if of_set.cells[name].is_candidate
        or (row["kind"] == "fixed" and row["condition"] in ("retrieved", "closed_book"))
    ]
    cells = [of_set.cells[name] for name in names]
    if not cells:
        return {}
    quality = [cell.metrics[metric].value for cell in cells]
    costs = {
        "dollars": [cell.cost.dollars_per_question for cell in cells],
        "seconds": [cell.cost.seconds_per_question for cell in cells],
    }
    better = higher_is_better(results, metric)
    return {name: pareto_front(names, quality, cost, higher_is_better=better) for name, cost in costs.items()}


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, Mapping):
        return {key: _round(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_round, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _round(getattr(value, field.name)) for field in fields(value)})
    return value
