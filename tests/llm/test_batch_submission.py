"""A batch's file holds what fits, in order; nothing is left out silently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtally.api import Call, CallError
from ragtally.llm.batch_submission import FilledBatch, fill_batch
from ragtally.llm.stop import StopReason
from scripted_provider import call, calls


def line(each: Call) -> bytes:
    return json.dumps({"key": each.key, "text": each.messages[0].content}).encode() + b"\n"


LENGTH = len(line(call(0)))


def filled(
    path: Path, count: int, most_calls: int = 100, most_bytes: int = 10_000, allowed: int = 100
) -> FilledBatch:
    left = iter(range(allowed))
    reason = StopReason("budget", "used up")
    return fill_batch(
        path / "calls.jsonl",
        calls(count),
        line,
        most_calls=most_calls,
        most_bytes=most_bytes,
        may_go_on=lambda each: None if next(left, None) is not None else reason,
    )


@pytest.mark.parametrize(
    ("limits", "taken"),
    [
        ({}, 8),
        ({"most_calls": 3}, 3),
        ({"most_calls": 8}, 8),
        ({"most_bytes": 5 * LENGTH}, 5),
        ({"most_bytes": 5 * LENGTH - 1}, 4),
        ({"most_bytes": LENGTH}, 1),
        ({"allowed": 2}, 2),
        ({"allowed": 0}, 0),
    ],
)
def test_as_many_calls_as_the_limits_take(tmp_path: Path, limits: dict[str, int], taken: int) -> None:
    found = filled(tmp_path, 8, **limits)
    rows = [json.loads(row) for row in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [row["key"] for row in rows] == list(found.keys) == [str(number) for number in range(taken)]
    assert found.bytes == (tmp_path / "calls.jsonl").stat().st_size
    assert (found.held_back is not None) is ("allowed" in limits)


def test_a_call_that_fits_into_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="bytes, and a batch") as caught:
        filled(tmp_path, 1, most_bytes=LENGTH - 1)
    assert caught.value.reason == "too long"


def test_no_call_is_asked_for_that_does_not_fit(tmp_path: Path) -> None:
    asked: list[str] = []

    def may_go_on(each: Call) -> None:
        asked.append(each.key)

    fill_batch(tmp_path / "f", calls(5), line, most_calls=2, most_bytes=10_000, may_go_on=may_go_on)
    assert asked == ["0", "1"]
