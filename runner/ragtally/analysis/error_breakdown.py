"""Where the answers of each grid cell went, and how much of it is vote noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ragtally.analysis.aligned_answers import UNKNOWN, Asked, is_one_vote
from ragtally.analysis.analysis import Bars, Noise, Where
from ragtally.analysis.decomposition import Outcomes, decompose
from ragtally.analysis.flips import compare_draws
from ragtally.analysis.scores import CONFIDENCE, generator, measured, resamples
from ragtally.analysis.waterfall import Waterfall, waterfalls
from ragtally.api import Status
from ragtally.results.load import Results

_DECISION = ("reader", "votes", "rule")


def where_answers_went(results: Results, asked: Asked) -> list[Where]:
    """Put the questions of every grid cell into buckets, and compute its waterfall."""
    gold = {_decision(row): name for name, row in asked.cells.items() if row["condition"] == "gold_context"}
    grid = [name for name, row in asked.cells.items() if row["kind"] == "grid"]
    reading = [name for name in grid if not (asked.covered[:, asked.columns([name])[0]] == UNKNOWN).any()]
    gold_cells = [gold.get(_decision(asked.cells[name])) for name in reading]
    outcomes = [
        Outcomes(
            status=asked.status[name],
            covered=asked.covered[:, asked.columns([name])[0]],
            evidence=asked.evidence,
            gold_status=None if gold_cell is None else asked.status[gold_cell],
            doubtful=asked.doubtful,
        )
        for name, gold_cell in zip(reading, gold_cells, strict=True)
    ]
    drawn = waterfalls(
        outcomes,
        generator(results, asked.question_set, "waterfalls"),
        resamples=resamples(len(asked.ids), 2 * len(grid)),
        confidence=CONFIDENCE,
        cluster=asked.cluster,
    )
    found = []
    for name, gold_cell, outcome, bars in zip(reading, gold_cells, outcomes, drawn, strict=True):
        decomposed = decompose(outcome)
        counts, doubtful = decomposed.counts, decomposed.doubtful
        found.append(
            Where(
                cell=name,
                question_set=asked.question_set,
                questions=len(asked.ids),
                gold_cell=gold_cell,
                buckets={str(bucket): count for bucket, count in counts.items()},
                doubtful=None if doubtful is None else {str(bucket): count for bucket, count in doubtful.items()},
                bars=None if bars is None else _bars(bars),
            )
        )
    return found


def vote_noise(results: Results, asked: Asked) -> list[Noise]:
    """Compare the first two votes of each reader on its gold contexts."""
    found, known = [], set()
    labels = [asked.answers[code] for code in asked.gold]
    for name, row in asked.cells.items():
        if row["condition"] != "gold_context" or row["votes"] < 2 or is_one_vote(row) or row["reader"] in known:
            continue
        known.add(row["reader"])
        said = results.answers.filter(pl.col("cell") == name)
        ballots = dict(zip(said["question"], said["ballots"].to_list(), strict=True))
        draws: list[list[str | None]] = [[ballots[question][draw] for question in asked.ids] for draw in (0, 1)]
        first, second = (_status(draw, labels) for draw in draws)
        flips = compare_draws(
            draws[0],
            draws[1],
            first,
            second,
            generator(results, asked.question_set, "noise", row["reader"]),
            resamples=resamples(len(asked.ids), 3),
            cluster=asked.cluster,
            confidence=CONFIDENCE,
        )
        found.append(
            Noise(
                row["reader"],
                asked.question_set,
                measured(flips.verdict, flips.verdict_interval),
                measured(flips.right, flips.right_interval),
                measured(flips.lost, flips.lost_interval),
            )
        )
    return found


def _status(said: Sequence[str | None], labels: Sequence[str]) -> list[Status]:
    return [
        Status.NO_VERDICT if answer is None else Status.RIGHT if answer == label else Status.WRONG
        for answer, label in zip(said, labels, strict=True)
    ]


def _decision(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(value for key, value in row.items() if key in _DECISION or key.startswith("rule."))


def _bars(found: Waterfall) -> Bars:
    parts = {name: getattr(found, name) for name in Bars.__dataclass_fields__ if name != "change"}
    shown = {name: measured(part.share, part.interval) for name, part in parts.items()}
    return Bars(**shown, change=measured(found.change, found.change_interval))
