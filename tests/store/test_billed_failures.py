"""What replies cost that were no answers is counted, apart from the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragtally.api import CallError
from ragtally.store.calls import BilledFailures, CallStore
from ragtally.store.calls_transfer import export_calls, import_calls, salvage_calls
from sample_calls import BIG, sample_call, sample_reply


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CallStore]:
    with CallStore(tmp_path / "calls.sqlite") as store:
        yield store


def test_nothing_was_billed_yet(store: CallStore) -> None:
    assert store.billed_failures() == ()
    assert store.billed_failures_of(["r1:0"]) == 0
    store.record(sample_call(1), sample_reply(), BIG, 0.1)
    assert store.billed_failures() == ()


def test_only_replies_that_came_are_billed(store: CallStore) -> None:
    one, two = sample_call(1), sample_call(2)
    no_text = CallError("the reply holds no text", reason="bad reply", tokens=(50, 2))
    store.record_attempt(one, no_text, 0.1, BIG, 0.25)
    store.record_attempt(one, no_text, 0.1, BIG, 0.25)
    store.record_attempt(two, no_text, 0.1, BIG, None)
    store.record_attempt(two, CallError("too slow", reason="timeout"), 0.1, BIG, None)
    expected = BilledFailures(BIG.provider, BIG.model, one.purpose, "bad reply", 3, 150, 6, 0.5, 1)
    assert store.billed_failures() == (expected,)
    assert store.billed_failures_of([one.key]) == 0.5
    assert store.billed_failures_of([two.key]) == 0


def test_it_is_known_which_model_answered(store: CallStore) -> None:
    one, two = sample_call(1), sample_call(2)
    store.record(one, replace(sample_reply(), served_by="other"), BIG, None)
    store.record(two, replace(sample_reply(), served_by=None), BIG, None)
    assert store.served_by([one.key, two.key]) == Counter(other=1)
    assert store.served() == ((BIG.provider, BIG.model, "other", 1),)


def test_they_are_exported_salvaged_and_imported_once_each(store: CallStore, tmp_path: Path) -> None:
    one, two = sample_call(1), sample_call(2)
    no_text = CallError("the reply holds no text", reason="bad reply", tokens=(50, 2))
    store.record(one, sample_reply(), BIG, 0.1)
    for call, dollars in ((one, 0.25), (one, 0.25), (two, None)):
        store.record_attempt(call, no_text, 0.1, BIG, dollars)
    exported, salvaged = tmp_path / "exported.jsonl.gz", tmp_path / "salvaged.jsonl.gz"
    for write, path in ((export_calls, exported), (salvage_calls, salvaged)):
        summary = write(store, path)
        assert (summary.calls, summary.billed_failures, summary.unreadable) == (1, 3, 0)
    assert exported.read_bytes() == salvaged.read_bytes()
    with CallStore(tmp_path / "other" / "calls.sqlite") as other:
        other.record_attempt(one, no_text, 0.1, BIG, 0.5)
        first = import_calls(other, exported)
        assert (first.new, first.billed_failures, first.wrong_lines) == (1, 3, 0)
        assert import_calls(other, exported).billed_failures == 0
        (both,) = other.billed_failures()
        assert (both.replies, both.dollars, both.replies_without_price) == (4, 1.0, 1)
    assert import_calls(store, exported).billed_failures == 0


def test_a_line_that_is_none_is_named_and_the_others_are_taken(store: CallStore, tmp_path: Path) -> None:
    error = CallError("the reply holds no text", reason="bad reply", tokens=(50, 2))
    store.record_attempt(sample_call(1), error, 0.1, BIG, 0.25)
    path = tmp_path / "exported.jsonl"
    export_calls(store, path)
    (line,) = path.read_text().splitlines()
    wrong = [
        line.replace('"input_tokens":50', '"input_tokens":null'),
        line.replace('"at"', '"when"'),
        line[:-1],
        '{"billed_failure":3}',
    ]
    path.write_text("\n".join([*wrong, line]))
    with CallStore(tmp_path / "other" / "calls.sqlite") as other:
        summary = import_calls(other, path)
    assert (summary.wrong_lines, summary.billed_failures) == (len(wrong), 1)
    assert "input_tokens must be an integer" in summary.errors[0].message
