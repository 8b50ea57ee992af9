"""How often validators are right, as the expert sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ragtally.analysis.estimate import CONFIDENCE, Estimate
from ragtally.analysis.proportions import wilson

_METHOD = "Wilson, by stratum"


@dataclass(frozen=True, slots=True)
class ValidatorPrecision:
    """Of the examples that a validator accepts, the share that the expert accepts as they stand."""

    validator: str | None  # None for what the validators together come to
    accepts: int  # How many examples it accepts
    decisions: int  # How many of them the expert decided about, one by one
    right: int  # How many of these the expert accepts as they stand
    edits: int  # How many the expert accepts after an edit
    unsure: int  # How many the expert is unsure of, or disputes; they are no part of the share
    precision: Estimate


def validator_precisions(examples: pl.DataFrame, ballots: pl.DataFrame) -> tuple[ValidatorPrecision, ...]:
    """Compare validators with the expert: all together, then each.

    Args:
        examples: `examples.parquet` of a study with the columns of the expert, and `doubt`.
        ballots: `example_ballots.parquet`.

    Returns:
        One comparison each; none where nobody validated.
    """
    if not len(ballots):
        return ()
    acceptances: list[tuple[str | None, pl.Series]] = [
        (None, examples.filter(pl.col("status") == "accepted_by_validators")["example"])
    ]
    share = pl.col("passed").cast(pl.Int64).sum() / pl.col("passed").count()
    by_criterion = ballots.group_by("validator", "example", "criterion").agg(
        passes=(share > 0.5).fill_null(value=False)
    )
    passing = by_criterion.group_by("validator", "example").agg(pl.col("passes").all()).filter("passes")
    for validator in ballots["validator"].unique().sort():
        acceptances.append((validator, passing.filter(validator=validator)["example"]))
    return tuple(
        _precision(name, examples.filter(pl.col("example").is_in(own.implode()))) for name, own in acceptances
    )


def _precision(validator: str | None, accepts: pl.DataFrame) -> ValidatorPrecision:
    # Doubtful examples are looked at first, so what was looked at is no fair sample of all; within a stratum it is.
    in_doubt = pl.col("doubt") != "agree"
    is_decision = pl.col("expert").is_in(["accepted", "edited", "rejected"]) & pl.col("one_by_one")
    is_decision = is_decision.fill_null(value=False)
    strata = (
        accepts.group_by(in_doubt=in_doubt)
        .agg(size=pl.len(), decisions=is_decision.sum(), right=(is_decision & (pl.col("expert") == "accepted")).sum())
        .sort("in_doubt")
        .select("size", "decisions", "right")
    )
    return ValidatorPrecision(
        validator,
        len(accepts),
        int(strata["decisions"].sum()),
        int(strata["right"].sum()),
        len(accepts.filter(is_decision & (pl.col("expert") == "edited"))),
        len(accepts.filter(pl.col("expert").is_in(["unsure", "disputed"]))),
        stratified(list(strata.iter_rows())),
    )


def stratified(strata: Sequence[tuple[int, int, int]], confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a share from strata, each sampled by itself: size, how many were sampled, how many hold."""
    # Source: G. Zou and A. Donner (2008), Construction of confidence limits about effect measures: a general
    # approach, Statistics in Medicine 27, 1693-1702 (MOVER), with Wilson's limits within the strata.
    total, trials = sum(size for size, _, _ in strata), sum(sampled for _, sampled, _ in strata)
    missing = sum(size for size, sampled, _ in strata if not sampled)
    if not trials or missing:
        reason = f"of {missing} of the {total} examples nobody looked at one, and they may differ from the others"
        reason = "nobody decided about any" if not trials else reason
        return Estimate(None, trials, confidence=confidence, method=_METHOD, reason=reason)
    value = below = above = 0.0
    for size, sampled, holds in strata:
        one, weight = wilson(holds, sampled, confidence), size / total
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        value += weight * one.value
        below += (weight * (one.value - one.low)) ** 2
        above += (weight * (one.high - one.value)) ** 2
    low, high = max(0.0, value - math.sqrt(below)), min(1.0, value + math.sqrt(above))
    return Estimate(value, trials, low, high, confidence, _METHOD)
