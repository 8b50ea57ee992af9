"""What replies cost that were no answers is counted, apart from the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragtally.api import CallError
from ragtally.store.calls import BilledFailures, CallStore
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
