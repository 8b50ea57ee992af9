"""Doubtful examples come first, and with them some that validators agree on."""

from __future__ import annotations

import polars as pl
import pytest

from ragtally.curation.doubt import doubts, review_order, with_doubts
from ragtally.examples.example import BALLOTS


def ballots(*votes: tuple[str, str, bool | None]) -> pl.DataFrame:
    rows = [
        dict.fromkeys(BALLOTS) | {"example": "e", "validator": validator, "criterion": criterion, "passed": passed}
        for validator, criterion, passed in votes
    ]
    return pl.DataFrame(rows, schema={**BALLOTS, "validator": pl.String()})


@pytest.mark.parametrize(
    ("votes", "doubt", "share"),
    [
        ([("a", "c", True), ("b", "c", True)], "agree", 0.0),
        ([("a", "c", False), ("b", "c", False)], "agree", 0.0),
        ([("a", "c", True), ("b", "c", False)], "at odds", 0.5),
        ([("a", "c", True), ("b", "d", False)], "agree", 0.0),
        ([("a", "c", True), ("a", "c", True), ("a", "c", False)], "split", 1 / 3),
        ([("a", "c", True), ("b", "c", None)], "unread", 0.0),
        ([("a", "c", None)], "unread", 0.0),
    ],
)
def test_kinds_of_doubt(votes: list[tuple[str, str, bool | None]], doubt: str, share: float) -> None:
    (row,) = doubts(ballots(*votes)).to_dicts()
    assert row["doubt"] == doubt
    assert row["share"] == pytest.approx(share)


def test_what_nobody_graded_has_no_doubt() -> None:
    table = with_doubts(pl.DataFrame({"example": ["f", "e"]}), ballots(("a", "c", True)))
    assert table["doubt"].to_list() == ["none", "agree"]


def test_doubtful_ones_come_first_with_one_in_five_of_the_others() -> None:
    examples = [f"{number:02}" for number in range(12)]
    doubt = ["split"] * 6 + ["agree"] * 6
    share = [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, *[0.0] * 6]
    order = review_order(examples, doubt, share, [True] * 11 + [False])
    assert order == [4, 5, 3, 2, 6, 1, 0, 7, 8, 9, 10, 11]
