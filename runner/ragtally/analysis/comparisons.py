"""Families of paired comparisons: each pair's difference with interval, test, Holm's correction and power."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ragtally.analysis.aligned_answers import (
    AlignedAnswers,
    common_ranking_contributions,
    higher_is_better,
    is_one_vote,
    random_generator,
    ranking_contributions,
    resample_number,
)
from ragtally.analysis.bootstrap import RESAMPLES, proper_clusters
from ragtally.analysis.contributions import Contributions, only_value
from ragtally.analysis.estimate import STANDARD_NORMAL, Estimate, normal_quantile
from ragtally.analysis.jackknife import jackknife_differences
from ragtally.analysis.proportions import count_pairs, newcombe_paired
from ragtally.analysis.significance import (
    LEVEL,
    Significance,
    holm,
    mcnemar,
    randomisation_tests,
    smallest_mcnemar_difference,
    smallest_normal_difference,
)
from ragtally.results import MetricInfo, Results
from ragtally.results.brief import Brief
from ragtally.results.metrics import reason_of
from ragtally.spec.study import LONG_CONTROLS

Pair = tuple[str, str]
# What decides in a cell, whatever stands before its reader.
_DECISION = ("reader", "votes", "rule")
_DIGITS = 10
_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Tally:
    """On how many questions the first of two cells did better, as well, or worse."""

    wins: int
    ties: int
    losses: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two cells on the same questions; of two independent sets of questions, without test and tally."""

    cell: str
    baseline: str  # What it is compared with
    difference: Estimate  # The cell's value minus the baseline's
    significance: Significance | None  # None for unpaired cells, where the interval alone decides
    adjusted_p_value: float | None  # The p-value after Holm's correction over the family
    # Whether the two differ beyond chance: the adjusted p-value is at most the level, or the interval of unpaired
    # cells leaves out 0; None where it cannot be said.
    distinguishable: bool | None
    tally: Tally | None
    # The smallest difference that so many questions would have shown with a power of 80 %, were it the only one of
    # the family (at the level divided by the number of tests, the one that the smallest p-value must reach).
    smallest_difference: float | None


@dataclass(frozen=True, slots=True, repr=False)
class Family(Brief):
    """Comparisons that are corrected together."""

    metric: str
    baseline: Mapping[str, str]  # What the others are compared with, by axis
    question_set: str
    questions: int
    level: float
    comparisons: tuple[Comparison, ...]
    reason: str | None = None  # Why nothing is compared; None where something is

    @property
    def tests(self) -> tuple[str, ...]:
        """Which tests were done, each once."""
        return tuple(dict.fromkeys(one.significance.test for one in self.comparisons if one.significance is not None))


def declared_families(results: Results, answers: Mapping[str, AlignedAnswers]) -> list[Family]:
    """Test what the spec declares under `compare`."""
    families: list[Family] = []
    for family in results.comparisons["families"]:
        pairs = [(pair["cell"], pair["baseline"]) for pair in family["pairs"]]
        # A metric of one number per class, as `f1`, makes one family per class.
        info = next(info for info in results.metrics if family["metric"] in (info.component, *info.names))
        names = (family["metric"],) if family["metric"] in info.names else info.names
        for metric in names:
            of_metric: list[Family] = []
            if info.measures == "retrieval":
                of_metric = _ranking_family(results, metric, pairs, family["baseline"])
            else:
                for of_set in answers.values():
                    own = [pair for pair in pairs if all(name in of_set.cells for name in pair)]
                    complete = [pair for pair in own if all(_is_scored(of_set, name, metric) for name in pair)]
                    of_metric += _with_untested(
                        _answer_family(results, of_set, metric, complete, family["baseline"]), of_set, own
                    )
            families += of_metric or [_untested_family(metric, family["baseline"], pairs, info, answers)]
    return families


def _untested_family(
    metric: str,
    baseline: Mapping[str, str],
    pairs: Sequence[Pair],
    info: MetricInfo,
    answers: Mapping[str, AlignedAnswers],
) -> Family:
    """Say why a comparison that the spec declares came to nothing."""
    of_sets = [of_set.contributions(metric) for of_set in answers.values()] if info.measures == "answers" else []
    if not pairs:
        reason = "no two cells differ in that alone"
    elif info.measures == "retrieval":
        reason = only_value(info)
    else:
        reasons = (contributions for contributions in of_sets if isinstance(contributions, str))
        reason = next(reasons, "no pair of cells has a score on a set of questions whose labels are all known")
    return Family(metric, dict(baseline), next(iter(answers), "all"), 0, LEVEL, (), reason)


def _with_untested(families: Sequence[Family], answers: AlignedAnswers, pairs: Sequence[Pair]) -> list[Family]:
    """Add to a family the pairs that could not be compared, with the reason."""
    return [
        replace(family, comparisons=(*family.comparisons, *_untested(family, answers, pairs))) for family in families
    ]


def _untested(family: Family, answers: AlignedAnswers, pairs: Sequence[Pair]) -> Iterator[Comparison]:
    tested = {(one.cell, one.baseline) for one in family.comparisons}
    for cell, baseline in pairs:
        if (cell, baseline) not in tested:
            name = baseline if _is_scored(answers, cell, family.metric) else cell
            why = reason_of(answers.cells[name]["not_scored"], family.metric) or "not scored"
            difference = Estimate(None, family.questions, reason=f"{name} is not scored: {why}")
            yield Comparison(cell, baseline, difference, None, None, None, None, None)


def votes_family(results: Results, answers: AlignedAnswers, contexts: Sequence[str], metric: str) -> list[Family]:
    """Test several votes of one reader against one vote of another, on the same contexts."""
    pairs: list[Pair] = []
    for context in contexts:
        rows = [
            row
            for row in answers.cells.values()
            if row["context"] == context and _is_scored(answers, row["cell"], metric)
        ]
        pairs.extend(
            (many["cell"], one["cell"])
            for many in rows
            for one in rows
            if many["votes"] > 1 == one["votes"]
            and not is_one_vote(many)
            and many["reader"] != one["reader"]
            and _is_cheaper(many, one)
        )
    return _answer_family(results, answers, metric, pairs, {"votes": "one vote of another reader"})


def long_context_family(
    results: Results, answers: AlignedAnswers, candidates: Collection[str], metric: str
) -> list[Family]:
    """Test each long context against the best retrieved one of the same reader, votes and rule."""
    sign = 1 if higher_is_better(results, metric) else -1
    best: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for name in [name for name in answers.cells if name in candidates and _is_scored(answers, name, metric)]:
        row = answers.cells[name]
        key = tuple(row[pick] for pick in _DECISION)
        if key not in best or sign * row[metric] > sign * best[key][metric]:
            best[key] = row
    pairs = [
        (name, best[key]["cell"])
        for name, row in answers.cells.items()
        if row["kind"] == "control" and row["condition"] in LONG_CONTROLS and _is_scored(answers, name, metric)
        if (key := tuple(row[pick] for pick in _DECISION)) in best
    ]
    return _answer_family(results, answers, metric, pairs, {"context": "the best retrieved one"})


def compare_pairs(
    contributions: Contributions,
    names: Sequence[str],
    pairs: Sequence[Pair],
    generator: np.random.Generator,
    *,
    right: ArrayLike | None = None,
    higher_is_better: bool = True,
    cluster: ArrayLike | None = None,
    resamples: int = RESAMPLES,
    tests_in_family: int | None = None,
) -> list[Comparison]:
    """Compare pairs of the named cells, all of them one family, or part of one that `adjust_family` puts together."""
    # Wins and losses are counted by the questions' own values, or by right answers for a metric that is not a mean.
    values = contributions.by_question
    if values is None:
        values = np.asarray(right, dtype=np.float64)
        if values.shape != (contributions.questions, contributions.cells):
            raise ValueError(f"answers of shape {values.shape} for {contributions.questions} x {contributions.cells}")
    if not pairs or contributions.questions == 0:
        return []
    number = {name: row for row, name in enumerate(names)}
    rows = [(number[cell], number[baseline]) for cell, baseline in pairs]
    cluster = proper_clusters(cluster, contributions.questions)
    # A share of right answers to questions that share no document is tested by McNemar's exact test and has
    # Newcombe's interval for paired proportions; everything else is tested by randomisation and has the jackknife's
    # interval.
    if contributions.binary and cluster is None:
        differences = _by_counts(contributions, rows)
    else:
        differences = _by_resampling(contributions, rows, generator, cluster, resamples)
    tests = tests_in_family or max(1, sum(one.significance.p_value is not None for one in differences))
    sign = 1 if higher_is_better else -1
    return adjust_family(
        [
            Comparison(
                cell=cell,
                baseline=baseline,
                difference=agreeing_with_test(one.difference, one.significance),
                significance=one.significance,
                adjusted_p_value=None,
                distinguishable=None,
                tally=tally(sign * (values[:, first] - values[:, second])),
                smallest_difference=one.smallest_difference(LEVEL / tests),
            )
            for (cell, baseline), (first, second), one in zip(pairs, rows, differences, strict=True)
        ]
    )


def adjust_family(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Correct the p-values of a whole family by Holm's method; what was not tested stays as it is."""
    p_values = [None if one.significance is None else one.significance.p_value for one in comparisons]
    return [
        one if p_value is None else replace(one, adjusted_p_value=p_value, distinguishable=p_value <= LEVEL)
        for one, p_value in zip(comparisons, holm(p_values), strict=True)
    ]


def agreeing_with_test(difference: Estimate, significance: Significance) -> Estimate:
    """Move an interval's limit beside 0 to where it includes 0 if, and only if, the test finds no difference."""
    # Interval and test are computed in different ways, and near 0 they may disagree; then the test counts, which is
    # exact. The limit that agrees with a p-value is value (1 - z / z_p), with z the interval's quantile and z_p the
    # p-value's.
    # Source: O. S. Miettinen (1976), Estimability and estimation in case-referent studies, American Journal of
    # Epidemiology 103, 226-235.
    p_value, value, confidence = significance.p_value, difference.value, difference.confidence
    low, high = difference.low, difference.high
    if not value or p_value is None or low is None or high is None or confidence is None:
        return difference
    is_different = p_value <= 1 - confidence + _TOLERANCE
    if is_different is not (low <= 0 <= high):
        return difference
    quantile = -STANDARD_NORMAL.inv_cdf(max(p_value / 2, 1e-300)) if p_value < 1 else 0.0
    limit = value * (1 - normal_quantile(confidence) / quantile) if quantile else 0.0
    # At a p-value of exactly the level the limit would be 0; far from the level it would be far out.
    near, far = (0.001, 1.0) if is_different else (-1.0, 0.0)
    limit = value * min(max(limit / value, near), far)
    method = f"{difference.method}, limit near 0 by the test"
    return replace(difference, low=limit if value > 0 else low, high=limit if value < 0 else high, method=method)


def tally(gains: ArrayLike) -> Tally:
    """Count the questions with a gain above, at and below 0."""
    # 0.3 and 0.1 + 0.2 are a tie.
    values = np.round(np.asarray(gains, dtype=np.float64), _DIGITS)
    wins, losses = int((values > 0).sum()), int((values < 0).sum())
    return Tally(wins, len(values) - wins - losses, losses)


@dataclass(frozen=True, slots=True)
class _Difference:
    """A difference and its test, before the family is looked at."""

    difference: Estimate
    significance: Significance
    smallest_difference: Callable[[float], float | None]  # That the test would have found at a level


def _by_counts(contributions: Contributions, pairs: Sequence[tuple[int, int]]) -> list[_Difference]:
    right = contributions.own[..., 0] == 1
    differences = []
    for first, second in pairs:
        counts = count_pairs(right[:, first], right[:, second])
        smallest = partial(smallest_mcnemar_difference, counts.questions, counts.discordant / counts.questions)
        differences.append(_Difference(newcombe_paired(counts), mcnemar(counts), smallest))
    return differences


def _by_resampling(
    contributions: Contributions,
    pairs: Sequence[tuple[int, int]],
    generator: np.random.Generator,
    cluster: ArrayLike | None,
    resamples: int,
) -> list[_Difference]:
    # The first of two was for resamples; the second keeps the swaps of published numbers.
    _, swapping = generator.spawn(2)
    tests = randomisation_tests(contributions, pairs, swapping, resamples, cluster)
    return [
        _Difference(one.estimate, test, partial(smallest_normal_difference, one.standard_error))
        for one, test in zip(jackknife_differences(contributions, pairs, cluster), tests, strict=True)
    ]


def _answer_family(
    results: Results, answers: AlignedAnswers, metric: str, pairs: Sequence[Pair], baseline: Mapping[str, str]
) -> list[Family]:
    contributions = answers.contributions(metric)
    if not pairs or isinstance(contributions, str):
        return []
    comparisons = compare_pairs(
        contributions,
        list(answers.cells),
        pairs,
        random_generator(results, answers.question_set, metric, "families"),
        right=answers.right,
        higher_is_better=higher_is_better(results, metric),
        cluster=answers.cluster,
        resamples=resample_number(len(answers.ids), len(pairs)),
    )
    return [Family(metric, dict(baseline), answers.question_set, len(answers.ids), LEVEL, tuple(comparisons))]


def _ranking_family(
    results: Results, metric: str, pairs: Sequence[Pair], baseline: Mapping[str, str]
) -> list[Family]:
    if not pairs or metric not in results.rankings.columns:
        return []
    if "parser" in baseline:
        # What a parser lost has no ranking to compare: each pair is of the questions whose evidence both texts have.
        names = [f"{row}:{side}" for row in range(len(pairs)) for side in range(2)]
        keys = [(f"{row}:0", f"{row}:1") for row in range(len(pairs))]
        contributions = common_ranking_contributions(results, metric, pairs)
    else:
        names, keys = list(dict.fromkeys(name for pair in pairs for name in pair)), list(pairs)
        contributions = ranking_contributions(results, metric, names)
    comparisons = compare_pairs(
        contributions,
        names,
        keys,
        random_generator(results, "rankings", metric, "families"),
        higher_is_better=higher_is_better(results, metric),
        cluster=results.questions["document_group"].cast(pl.Int64).to_numpy(),
        resamples=resample_number(contributions.questions, len(pairs)),
    )
    comparisons = [
        replace(one, cell=cell, baseline=other) for one, (cell, other) in zip(comparisons, pairs, strict=True)
    ]
    return [Family(metric, baseline, "all", contributions.questions, LEVEL, tuple(comparisons))]


def _is_scored(answers: AlignedAnswers, name: str, metric: str) -> bool:
    return name in answers.cells and answers.cells[name][metric] is not None


def _is_cheaper(many: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    """Whether a vote of the first reader costs no more than one of the other; true where that is unknown."""
    if many["dollars"] is None or one["dollars"] is None or not one["dollars"]:
        return True
    return bool(many["dollars"] / many["votes"] <= one["dollars"])
