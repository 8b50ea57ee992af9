"""How much of the evidence each parser lost: the share of the questions whose evidence is not in its text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ragtally.analysis.aligned_answers import random_generator, resample_number
from ragtally.analysis.bootstrap import bootstrap, proper_clusters, share_estimate
from ragtally.analysis.contributions import mean_contributions
from ragtally.analysis.estimate import Estimate
from ragtally.results.load import Results


@dataclass(frozen=True, slots=True)
class ParserLoss:
    """What one parser made of the evidence."""

    parser: str  # As cells' names call it
    verbatim: int  # How many quotes are in its text as they are
    but_for_form: int  # Likewise, but for white space, hyphens and forms of letters
    alike: int  # Likewise, as words that are nearly the same
    quotes_lost: int  # How many are not
    least_similarity: float | None  # How alike the least alike of the aligned ones are; None without any
    lost_questions: Estimate  # The share of the questions with evidence that have none in its text
    lost_in_part: int  # How many others lost a part of theirs


def parser_losses(results: Results) -> tuple[ParserLoss, ...]:
    """What each parser lost; nothing where parsers are not compared."""
    parsers = results.dataset.get("parsers", ())
    if not parsers:
        return ()
    questions = results.questions.filter(pl.col("evidence_characters") > 0)
    lost_by = [set(names) for names in questions["lost_by_parsers"].to_list()]
    losses = np.array([[one["parser"] in names for one in parsers] for names in lost_by]).reshape(-1, len(parsers))
    cluster = proper_clusters(questions["document_group"].cast(pl.Int64).to_numpy(), len(questions))
    distribution = bootstrap(
        mean_contributions(losses),
        random_generator(results, "parsers"),
        resample_number(len(questions), len(parsers)),
        cluster,
    )
    shares = [share_estimate(distribution, row, int(column.sum())) for row, column in enumerate(losses.T)]
    return tuple(
        ParserLoss(
            one["parser"], one["verbatim"], one["normalised"], one["aligned"], one["lost"], one["least_similarity"],
            share, one["lost_in_part"],
        )
        for one, share in zip(parsers, shares, strict=True)
    )  # fmt: skip
