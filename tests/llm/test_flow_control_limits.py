"""Slower when the provider says so, and faster again: pauses that all share, a window that halves and grows."""

from __future__ import annotations

import math
from collections import deque

import pytest

from ragtally.api import CallError, Limits
from ragtally.llm.flow_control import Congestion
from scripted_provider import Outcome, Provider, calls, delivery, failure


def limited(retry_after: float | None = None) -> CallError:
    return failure("rate limit", status=429, retry_after=retry_after)


def starts_between(provider: Provider, begin: float, end: float) -> int:
    return sum(begin < when < end for when, _ in provider.starts)


@pytest.mark.parametrize("reason", ["rate limit", "server"])
def test_all_wait_as_long_as_one_was_told(reason: str) -> None:
    provider = Provider(latency=0.1, script={"3": [failure(reason, retry_after=20.0)]})
    outcome = delivery(calls(40), provider, Limits(concurrency=8))
    assert len(outcome.delivery.answered_keys) == 40
    assert starts_between(provider, 0.1, 20.1) == 0
    assert provider.tries(3) == pytest.approx([0, 20.1])


def test_the_longest_of_several_waits_counts() -> None:
    script = {"0": [limited(5)], "1": [limited(30)], "2": [limited(10)]}
    provider = Provider(latency=lambda call: 0.1 + int(call.key) / 100, script=script)
    delivery(calls(20), provider, Limits(concurrency=3))
    assert starts_between(provider, 0, 30.11) == 0
    assert starts_between(provider, 30.1, 30.2) > 0


@pytest.mark.parametrize("retry_after", [math.nan, -5.0, 0.0])
def test_a_wait_that_is_none_does_no_harm(retry_after: float) -> None:
    outcome = delivery(calls(5), Provider(script={"0": [limited(retry_after)]}))
    assert len(outcome.delivery.answered_keys) == 5
    assert outcome.seconds < 2


@pytest.mark.parametrize("retry_after", [5 * 3600.0, math.inf])
def test_a_wait_of_hours_is_a_daily_quota(retry_after: float) -> None:
    outcome = delivery(calls(50), Provider(script={"5": [limited(retry_after)]}), Limits(concurrency=4))
    stopped_by = outcome.delivery.stopped_by
    assert stopped_by is not None and stopped_by.kind == "daily quota"
    assert outcome.delivery.unfinished_keys[0] == "5"
    assert not outcome.delivery.failures
    assert outcome.seconds < 1


def test_waits_that_were_told_use_up_no_retries() -> None:
    provider = Provider(script={"0": [limited(1.0)] * 40})
    outcome = delivery(calls(1), provider, Limits(retries=0))
    assert outcome.delivery.answered_keys == ("0",)
    assert len(provider.starts) == 41


def test_but_within_a_bound() -> None:
    provider = Provider(rule=lambda now: limited(1.0))
    outcome = delivery(calls(1), provider, Limits(retries=2))
    assert set(outcome.delivery.failures) == {"0"}
    assert len(provider.starts) == 50 + 2 + 1


def test_a_rate_limit_counts_only_where_no_other_call_came_through() -> None:
    """The provider says nothing but 429, and call 0 has bad luck each time."""
    provider = Provider(latency=1.0, script={"0": [limited()] * 9})
    outcome = delivery(calls(500), provider, Limits(concurrency=4, retries=2))
    assert len(outcome.delivery.answered_keys) == 500


def test_one_wave_of_rate_limits_halves_the_window_once() -> None:
    provider = Provider(rule=lambda now: limited(10.0) if now < 5 else None)
    delivery(calls(200), provider, Limits(concurrency=32))
    assert sum(when == 0 for when, _ in provider.starts) == 32
    first = min(when for when, _ in provider.starts if when > 0)
    assert first == pytest.approx(10.1)
    assert sum(when == first for when, _ in provider.starts) == 16


def test_the_window_grows_again_slowly_up_to_the_stated_concurrency() -> None:
    provider = Provider(latency=0.5, script={"0": [limited(1.0)]})
    in_flight: list[tuple[float, int]] = []
    outcome = delivery(
        calls(2000),
        provider,
        Limits(concurrency=16),
        on_reply=lambda call, reply: in_flight.append((provider.starts[-1][0], provider.in_flight + 1)),
    )
    assert len(outcome.delivery.answered_keys) == 2000

    def most(begin: float, end: float) -> int:
        return max(count for when, count in in_flight if begin <= when < end)

    assert most(1.6, 2.2) == 8
    assert 10 <= most(4, 5) <= 12
    assert most(15, 30) == 16 == provider.most_in_flight


@pytest.mark.parametrize("concurrency", [1, 2, 7, 256])
def test_the_window_never_closes(concurrency: int) -> None:
    congestion = Congestion(concurrency)
    for wave in range(2000):
        assert 1 <= congestion.room <= concurrency
        congestion.note_limit(wave, float(wave), None, 0.5)
        assert congestion.paused_until <= wave + 60
    for second in range(100_000):
        congestion.note_reply(congestion.wave, 4000.0 + second)
    assert congestion.room == concurrency


def test_the_window_grows_by_one_a_round_at_most() -> None:
    congestion = Congestion(8)
    congestion.note_limit(0, 0.0, 0.0, 0.5)
    for number in range(4):
        congestion.note_reply(1, 2.5 * (number + 1))
    assert congestion.room <= 5
    for number in range(6):
        congestion.note_reply(1, 10 + 2.5 * (number + 1))
    assert congestion.room in (5, 6)


def test_replies_from_before_a_rate_limit_do_not_widen_the_window() -> None:
    congestion = Congestion(8)
    congestion.note_limit(0, 0.0, 0.0, 0.5)
    for second in range(100):
        congestion.note_reply(0, float(second))
    assert congestion.room == 4


class SlidingWindow:
    """A provider that lets through so many a minute, and says when it will again or says nothing."""

    def __init__(self, per_minute: int, tells: bool) -> None:
        self.per_minute = per_minute
        self.tells = tells
        self.let_through: deque[float] = deque()
        self.refused = 0

    def __call__(self, now: float) -> CallError | None:
        while self.let_through and self.let_through[0] <= now - 60:
            self.let_through.popleft()
        if len(self.let_through) < self.per_minute:
            self.let_through.append(now)
            return None
        self.refused += 1
        return limited(math.ceil(self.let_through[0] + 60 - now) if self.tells else None)


def against(per_minute: int, tells: bool, concurrency: int, count: int) -> tuple[Outcome, SlidingWindow]:
    rule = SlidingWindow(per_minute, tells)
    return delivery(calls(count), Provider(latency=0.3, rule=rule), Limits(concurrency=concurrency)), rule


@pytest.mark.parametrize(
    ("tells", "slower", "refused"), [(True, 1.15, 0.08), (False, 1.6, 0.12)], ids=["retry-after", "silent"]
)
def test_an_unstated_limit_is_found_without_losing_a_call(tells: bool, slower: float, refused: float) -> None:
    outcome, rule = against(600, tells, concurrency=64, count=3000)
    assert len(outcome.delivery.answered_keys) == 3000
    assert outcome.seconds < slower * 240
    assert rule.refused < refused * 3000


def test_a_limit_that_is_never_lifted_ends_as_a_daily_quota() -> None:
    outcome = delivery(calls(10_000), Provider(rule=lambda now: limited(30.0)), Limits(concurrency=8))
    stopped_by = outcome.delivery.stopped_by
    assert stopped_by is not None and stopped_by.kind == "daily quota"
    assert "for 60 minutes" in stopped_by.message
    assert 3600 <= outcome.seconds <= 3700


def test_a_pace_of_days_is_no_limit_that_is_never_lifted() -> None:
    script = {str(number): [limited(1.0)] * 2 for number in range(30)}
    limits = Limits(concurrency=1, tokens_per_minute=1)
    outcome = delivery(calls(40), Provider(script=script, tokens=100), limits, estimate=lambda call: 100)
    assert outcome.seconds > 24 * 3600
    assert len(outcome.delivery.answered_keys) == 40


def test_a_call_that_was_refused_goes_before_new_ones() -> None:
    provider = Provider(latency=1.0, script={"0": [limited(5.0)]})
    delivery(calls(20), provider, Limits(concurrency=1))
    assert provider.starts[1] == (6.0, "0")
