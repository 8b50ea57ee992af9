"""What a plan says of models: each under its name in the spec, what all come to, and when that would end."""

from __future__ import annotations

from dataclasses import replace

from ragtally.engine.estimate import ModelEstimate
from ragtally.present.plan import _models

SMALL = ModelEstimate("small", "openai/a", 90, 30, 60, True, 600, 60, 0.5, 2.0, None)


def test_all_models_come_to_their_sum() -> None:
    table = _models([SMALL, replace(SMALL, name="big", paid=0, to_pay=90, dollars=1.0, hours=3.0)])
    assert [row[0] for row in table.rows] == ["small", "big", "all"]
    assert table.rows[-1][1:] == ("180", 30, "150", 1200, 120, "~$1.50", "~5.00", None)
    assert any("would end about" in note for note in table.notes)


def test_batches_are_on_their_way_side_by_side_and_what_is_unknown_stays_unknown() -> None:
    batch = replace(SMALL, name="batch", hours=24.0, batches=1, exact=False)
    other = replace(batch, name="other", dollars=None)
    *_, total = _models([SMALL, batch, other]).rows
    assert total[1:] == ("<= 270", 90, "<= 180", 1800, 180, None, "~26.00", None)
    unknown = _models([SMALL, replace(SMALL, hours=None)])
    assert unknown.rows[-1][7] is None
    assert not any("would end about" in note for note in unknown.notes)


def test_dollars_are_an_estimate_even_of_at_most_so_many_calls() -> None:
    for exact in (True, False):
        row, free = _models([replace(SMALL, exact=exact), replace(SMALL, dollars=0.0)]).rows[:2]
        assert (row[6], free[6]) == ("~$0.5", "$0")


def test_one_model_needs_no_total() -> None:
    assert len(_models([SMALL]).rows) == 1
