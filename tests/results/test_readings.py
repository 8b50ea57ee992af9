"""Votes that cells share are counted once."""

from types import SimpleNamespace
from typing import Any

import polars as pl

from ragtally.results.readings import count_readings


def cell(name: str, condition: str, votes: int) -> Any:
    picks = SimpleNamespace(reader="big", condition=condition, votes=votes)
    return SimpleNamespace(name=name, picks=picks, verdicts=object(), score=SimpleNamespace(inputs={}))


def test_each_vote_is_counted_once_by_outcome_and_reading() -> None:
    lists = pl.List(pl.String)
    answers = pl.DataFrame(
        [
            ("one vote", ["yes"], ["JSON"], [None], ["{}"]),
            ("two votes", ["yes", None], ["JSON", "refusal"], [None, None], ["{}", "I cannot say."]),
            ("two votes", ["no", None], ["JSON", "refusal"], [None, None], ["{}", "Who knows?"]),
            ("two votes", ["no", None], ["JSON", None], [None, "timed out"], ["{}", None]),
            ("closed", ["no"], ["bare label"], [None], ["no"]),
        ],
        schema={"cell": pl.String, "ballots": lists, "readings": lists, "errors": lists, "texts": lists},
        orient="row",
    )
    cells = [cell("one vote", "gold", 1), cell("two votes", "gold", 2), cell("closed", "closed", 1)]
    assert [tuple(row.values()) for row in count_readings(cells, answers)] == [
        ("big", "closed", "read", "bare label", 1),
        ("big", "gold", "missing", "timed out", 1),
        ("big", "gold", "read", "JSON", 3),
        ("big", "gold", "unread", "refusal", 2, "I cannot say."),
    ]
