"""How sure validators are of an example, and the order in which a person should look at examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

Doubt = Literal["at odds", "split", "unread", "agree", "none"]
"""Validators contradict one another; one contradicts itself; a vote is unreadable; all agree; no ballots."""

# One in so many is an example that the validators agree on: whoever looks at doubtful ones alone cannot know how
# often validators are wrong where they agree.
_ONE_IN = 5


def doubts(ballots: pl.DataFrame) -> pl.DataFrame:
    """By example with ballots: `doubt` (see `Doubt`), and `share`, the largest share of votes against the others."""
    by_validator = ballots.group_by("example", "criterion", "validator").agg(
        passed=pl.col("passed").sum(), votes=pl.col("passed").count(), unread=pl.col("passed").null_count()
    )
    share = pl.col("passed") / pl.col("votes")
    verdict = pl.when(pl.col("votes") > 0).then(share > 0.5)
    by_criterion = (
        by_validator.with_columns(verdict=verdict, is_split=(share > 0) & (share < 1))
        .group_by("example", "criterion")
        .agg(
            pl.col("passed", "votes", "unread").sum(),
            at_odds=pl.col("verdict").drop_nulls().n_unique() > 1,
            is_split=pl.col("is_split").any(),
        )
    )
    share_passed = pl.col("passed") / pl.col("votes")
    against = pl.min_horizontal(share_passed, 1 - share_passed).fill_nan(0.0)
    by_example = by_criterion.group_by("example").agg(
        share=against.max(),
        at_odds=pl.col("at_odds").any(),
        is_split=pl.col("is_split").any(),
        unread=pl.col("unread").sum(),
    )
    doubt = (
        pl.when("at_odds")
        .then(pl.lit("at odds"))
        .when("is_split")
        .then(pl.lit("split"))
        .when(pl.col("unread") > 0)
        .then(pl.lit("unread"))
        .otherwise(pl.lit("agree"))
    )
    return by_example.select("example", doubt.alias("doubt"), "share").sort("example")


def with_doubts(examples: pl.DataFrame, ballots: pl.DataFrame) -> pl.DataFrame:
    """Examples with the columns of `doubts`."""
    table = examples.join(doubts(ballots), on="example", how="left", maintain_order="left")
    return table.with_columns(pl.col("doubt").fill_null("none"), pl.col("share").fill_null(0.0))


def review_order(
    examples: Sequence[str], doubt: Sequence[str], share: Sequence[float], usable: Sequence[bool]
) -> list[int]:
    """The rows in the order of looking at them: doubtful ones first, with one in five that validators agree on."""
    # Identifiers are hashes, so that their order is a random one: what is decided first is a fair sample of the rest.
    rows = range(len(examples))
    is_doubtful = [doubt[row] not in ("agree", "none") for row in rows]
    doubtful = sorted((row for row in rows if is_doubtful[row]), key=lambda row: (-share[row], examples[row]))
    others = sorted((row for row in rows if not is_doubtful[row]), key=lambda row: (not usable[row], examples[row]))
    order: list[int] = []
    while doubtful and others:
        order += doubtful[: _ONE_IN - 1]
        order.append(others.pop(0))
        del doubtful[: _ONE_IN - 1]
    return order + doubtful + others
