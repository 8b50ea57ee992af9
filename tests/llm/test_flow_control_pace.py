"""Requests and tokens per minute: never more than stated in any minute, evenly, and hardly less."""

from __future__ import annotations

import pytest

from ragtally.api import Limits
from scripted_provider import Provider, calls, delivery, failure


def most_in_a_minute(times: list[float], amount: int = 1) -> int:
    """The most that fell into any closed window of 60 seconds."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] < time - 60:
            first += 1
        most = max(most, last - first + 1)
    return most * amount


def start_times(provider: Provider) -> list[float]:
    return [when for when, _ in provider.starts]


@pytest.mark.parametrize(("per_minute", "count"), [(1, 4), (7, 30), (30, 100), (600, 2500), (6000, 15_000)])
def test_requests_keep_the_limit_in_every_minute_and_waste_little_of_it(per_minute: int, count: int) -> None:
    provider = Provider(latency=2.0)
    outcome = delivery(calls(count), provider, Limits(concurrency=512, requests_per_minute=per_minute))
    assert len(outcome.delivery.answered_keys) == count
    times = start_times(provider)
    assert most_in_a_minute(times) <= per_minute
    assert times[-1] <= 1.01 * (count - 1) * 60 / per_minute


def test_requests_are_spread_evenly() -> None:
    provider = Provider(latency=0.1)
    delivery(calls(600), provider, Limits(concurrency=64, requests_per_minute=120))
    times = start_times(provider)
    per_second = [sum(second <= when < second + 1 for when in times) for second in range(int(times[-1]))]
    assert set(per_second) <= {1, 2, 3}


def test_a_stop_of_the_calls_gains_no_burst() -> None:
    """After a pause of the provider the requests go on at their pace."""
    provider = Provider(latency=0.1, script={"10": [failure("rate limit", retry_after=120.0)]})
    delivery(calls(100), provider, Limits(concurrency=64, requests_per_minute=60))
    late = [when for when in start_times(provider) if when > 120]
    assert most_in_a_minute(late) <= 60
    assert sum(when < late[0] + 5 for when in late) <= 6


def test_tries_count_as_requests() -> None:
    script = {str(number): [failure("server")] * 2 for number in range(0, 40, 2)}
    provider = Provider(latency=0.1, script=script)
    outcome = delivery(calls(40), provider, Limits(concurrency=16, requests_per_minute=30))
    assert len(provider.starts) == 80 and len(outcome.delivery.answered_keys) == 40
    assert most_in_a_minute(start_times(provider)) <= 30


def test_a_limit_costs_no_time_after_the_last_call() -> None:
    outcome = delivery(calls(1), Provider(latency=0.1), Limits(requests_per_minute=1))
    assert outcome.seconds == pytest.approx(0.1)


@pytest.mark.parametrize("estimate", [100, 400, 25], ids=["right", "too much", "too little"])
def test_tokens_keep_the_limit_whatever_was_estimated(estimate: int) -> None:
    provider = Provider(latency=0.1, tokens=100)
    outcome = delivery(
        calls(400), provider, Limits(concurrency=8, tokens_per_minute=6000), estimate=lambda call: estimate
    )
    # 6,000 tokens a minute are 60 calls; an estimate of a quarter lets the first 8 in flight run ahead.
    assert most_in_a_minute(start_times(provider), 100) <= 6000 + 100 + (600 if estimate < 100 else 0)
    assert outcome.seconds == pytest.approx(400, rel=0.05)


def test_a_call_larger_than_the_limit_goes_through_and_is_made_up_for() -> None:
    provider = Provider(latency=0.1, tokens=12_000)
    outcome = delivery(calls(3), provider, Limits(tokens_per_minute=6000), estimate=lambda call: 12_000)
    assert len(outcome.delivery.answered_keys) == 3
    assert start_times(provider) == pytest.approx([0, 120, 240], rel=0.01)


@pytest.mark.parametrize(("reason", "begins_at"), [("rate limit", 10.1), ("connection", 0.6), ("bad reply", 50.0)])
def test_tokens_of_a_call_that_was_not_worked_on_are_given_back(reason: str, begins_at: float) -> None:
    provider = Provider(
        latency=0.1, script={"0": [failure(reason, retry_after=10.0 if reason == "rate limit" else None)]}, tokens=1
    )
    delivery(calls(2), provider, Limits(tokens_per_minute=6000), estimate=lambda call: 5000)
    assert provider.starts[1][0] <= begins_at
    assert (provider.starts[1][0] > 49) == (reason == "bad reply")


def test_both_limits_hold_together() -> None:
    provider = Provider(latency=0.1, tokens=200)
    limits = Limits(concurrency=32, requests_per_minute=60, tokens_per_minute=6000)
    outcome = delivery(calls(100), provider, limits, estimate=lambda call: 200)
    assert outcome.seconds == pytest.approx(200, rel=0.02)
