"""Families of paired comparisons: those that the spec declares, and several votes against one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ragtally.analysis.aligned_answers import Asked, is_one_vote
from ragtally.analysis.analysis import Comparison, Family
from ragtally.analysis.comparison import PairedComparison, compare_pairs
from ragtally.analysis.scores import (
    CONFIDENCE,
    LEVEL,
    generator,
    higher_is_better,
    measured,
    ranking_contributions,
    resamples,
)
from ragtally.results.load import Results

Pair = tuple[str, str]


def declared_families(results: Results, asked: Mapping[str, Asked]) -> list[Family]:
    """Test what the spec declares under `compare`."""
    families: list[Family] = []
    for declared in results.comparisons["families"]:
        pairs = [(pair["cell"], pair["baseline"]) for pair in declared["pairs"]]
        if results.metric(declared["metric"]).measures == "retrieval":
            families.extend(_of_rankings(results, declared, pairs))
            continue
        for of_set in asked.values():
            both = [pair for pair in pairs if all(_scored(of_set, name, declared["metric"]) for name in pair)]
            families.extend(compare_cells(results, of_set, declared["metric"], both, declared["baseline"]))
    return families


def votes_family(results: Results, asked: Asked, contexts: Sequence[str], metric: str) -> list[Family]:
    """Test several votes of one reader against one vote of another, on the same contexts."""
    # Where prices are known, only several votes of the cheaper reader against one of the dearer are compared.
    pairs: list[Pair] = []
    for context in contexts:
        rows = [
            row for row in asked.cells.values() if row["context"] == context and _scored(asked, row["cell"], metric)
        ]
        pairs.extend(
            (many["cell"], one["cell"])
            for many in rows
            for one in rows
            if many["votes"] > 1 == one["votes"]
            and not is_one_vote(many)
            and many["reader"] != one["reader"]
            and _cheaper(many, one)
        )
    return compare_cells(results, asked, metric, pairs, {"votes": "one vote of another reader"})


def compare_cells(
    results: Results, asked: Asked, metric: str, pairs: Sequence[Pair], baseline: Mapping[str, str]
) -> list[Family]:
    """Compare pairs of cells by a metric of answers."""
    contributions = asked.contributions(metric)
    if not pairs or isinstance(contributions, str):
        return []
    found = compare_pairs(
        contributions,
        [tuple(asked.columns(pair)) for pair in pairs],  # type: ignore[misc]
        asked.right if contributions.by_question is None else contributions.by_question,
        generator(results, asked.question_set, metric, "families"),
        higher_is_better=higher_is_better(results, metric) is not False,
        cluster=asked.cluster,
        resamples=resamples(len(asked.ids), len(pairs)),
        confidence=CONFIDENCE,
        level=LEVEL,
    )
    comparisons = tuple(map(_comparison, pairs, found))
    return [Family(metric, dict(baseline), asked.question_set, len(asked.ids), LEVEL, comparisons)]


def _of_rankings(results: Results, declared: Mapping[str, Any], pairs: Sequence[Pair]) -> list[Family]:
    metric = declared["metric"]
    if not pairs or metric not in results.rankings.columns:
        return []
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    contributions = ranking_contributions(results, metric, names)
    assert contributions.by_question is not None
    found = compare_pairs(
        contributions,
        [(names.index(one), names.index(other)) for one, other in pairs],
        contributions.by_question,
        generator(results, "rankings", metric, "families"),
        higher_is_better=higher_is_better(results, metric) is not False,
        cluster=results.questions["document_group"].cast(pl.Int64).to_numpy(),
        resamples=resamples(contributions.questions, len(pairs)),
        confidence=CONFIDENCE,
        level=LEVEL,
    )
    comparisons = tuple(map(_comparison, pairs, found))
    return [Family(metric, declared["baseline"], "all", contributions.questions, LEVEL, comparisons)]


def _comparison(pair: Pair, found: PairedComparison) -> Comparison:
    return Comparison(
        cell=pair[0],
        baseline=pair[1],
        difference=measured(found.difference, found.interval),
        test=found.significance.test,
        p_value=found.significance.p_value,
        adjusted_p_value=found.adjusted_p_value,
        distinguishable=found.distinguishable(LEVEL),
        wins=found.tally.wins,
        ties=found.tally.ties,
        losses=found.tally.losses,
        smallest_difference=found.smallest_difference.value,
    )


def _scored(asked: Asked, name: str, metric: str) -> bool:
    return name in asked.cells and asked.cells[name][metric] is not None


def _cheaper(many: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    """Whether a vote of the first reader costs no more than one of the other; true where that is unknown."""
    if many["dollars"] is None or one["dollars"] is None or not one["dollars"]:
        return True
    return bool(many["dollars"] / many["votes"] <= one["dollars"])
