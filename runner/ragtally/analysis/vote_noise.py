"""Vote noise: how often two independent draws of the same reader on the same contexts differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ragtally.analysis.aligned_answers import AlignedAnswers, is_one_vote, random_generator, resample_number
from ragtally.analysis.bootstrap import RESAMPLES, bootstrap, cell_estimates, proper_clusters
from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.estimate import Estimate
from ragtally.analysis.proportions import wilson
from ragtally.results.load import Results
from ragtally.voting import pool_of

_RIGHT = "ballots_right"


@dataclass(frozen=True, slots=True)
class VoteNoise:
    """How often two independent draws of a reader on gold contexts differ, as shares of the questions."""

    other_answer: Estimate  # The answer differs; to have none is an answer of its own here
    right_once: Estimate  # One draw had it right and the other did not
    # The first draw had it right and the second wrong: up to as much distractor loss may be vote noise alone, where
    # the cell's votes are draws of their own; about as much again is recovered by chance.
    lost: Estimate


def vote_noise(results: Results, answers: AlignedAnswers) -> dict[str, VoteNoise]:
    """Compare the first two votes of each reader on its gold contexts; by reader."""
    noise: dict[str, VoteNoise] = {}
    metrics = results.metric_names("answers")
    labels = [answers.answers[code] for code in answers.gold] if answers.answers else []
    for name, row in answers.cells.items():
        if row["condition"] != "gold_context" or row["votes"] < 2 or is_one_vote(row) or row["reader"] in noise:
            continue
        # Votes that selected the base are alike on it by construction: for that reason they are not scored either.
        if all(row[metric] is None for metric in metrics):
            continue
        cell = results.answers.filter(pl.col("cell") == name)
        # Judges are asked about verdicts alone, so whether two draws are right is not known.
        if (
            results.comparisons.get("panel")
            and cell["ballots_right"]
            .list.drop_nulls()
            .list.len()
            .ne(cell["ballots"].list.drop_nulls().list.len())
            .any()
        ):
            continue
        first, second = (_draw(cell, answers.ids, draw, labels, results) for draw in (0, 1))
        noise[row["reader"]] = compare_draws(
            first,
            second,
            random_generator(results, answers.question_set, "noise", row["reader"]),
            resample_number(len(answers.ids), 3),
            answers.cluster,
        )
    return noise


@dataclass(frozen=True, slots=True)
class Draw:
    """One vote on every question."""

    answers: Sequence[str | None]  # None where there is none; open ones in the form in which they are compared
    right: Sequence[bool]


def _draw(cell: pl.DataFrame, ids: Sequence[str], number: int, labels: Sequence[str], results: Results) -> Draw:
    columns = {name: cell[name].list.get(number).to_list() for name in cell.columns if name in ("ballots", _RIGHT)}
    rows = {question: row for row, question in enumerate(cell["question"])}
    ballots = [columns["ballots"][rows[question]] for question in ids]
    if not results.is_open:
        return Draw(ballots, [ballot == label for ballot, label in zip(ballots, labels, strict=True)])
    texts = [None if ballot is None else pool_of(ballot, results.language) for ballot in ballots]
    return Draw(texts, [columns[_RIGHT][rows[question]] is True for question in ids])


def compare_draws(
    first: Draw,
    second: Draw,
    generator: np.random.Generator,
    resamples: int = RESAMPLES,
    cluster: ArrayLike | None = None,
) -> VoteNoise:
    """Compute how often two draws of a reader differ."""
    columns = (first.answers, second.answers, first.right, second.right)
    rows = [
        (one != other, one_right != other_right, one_right and other is not None and not other_right)
        for one, other, one_right, other_right in zip(*columns, strict=True)
    ]
    if not rows:
        return VoteNoise(wilson(0, 0), wilson(0, 0), wilson(0, 0))
    shares = mean_contributions(np.array(rows, dtype=np.bool_))
    clusters = proper_clusters(cluster, len(rows))
    # Wilson's intervals, of questions drawn one by one, need no resamples.
    distribution = bootstrap(shares, generator, resamples if clusters is not None else 1, clusters)
    return VoteNoise(*cell_estimates(shares, distribution))
