"""A model that does not answer at all: short outages lose nothing, long ones end in one clear error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ragtally.api import CallError, Limits
from scripted_provider import Outcome, Provider, calls, delivery, failure


def away(reason: str, begin: float, end: float) -> Callable[[float], BaseException | None]:
    return lambda now: failure(reason, hint="start it") if begin <= now < end else None


def stopped(outcome: Outcome) -> CallError:
    assert outcome.delivery.stopped_by is not None
    assert outcome.delivery.stopped_by.kind == "outage"
    error = outcome.delivery.stopped_by.as_error()
    assert isinstance(error, CallError) and error.exit_code == 2
    return error


@pytest.mark.parametrize("concurrency", [1, 8, 256])
def test_a_server_that_was_never_there_ends_soon_in_one_error(concurrency: int) -> None:
    provider = Provider(latency=0.001, rule=away("connection", 0, 1e9))
    outcome = delivery(calls(3000), provider, Limits(concurrency=concurrency))
    error = stopped(outcome)
    assert error.message.startswith("no connection to the model's server for ")
    assert error.message.endswith(" s: it was: connection") and error.hint == "start it"
    assert outcome.seconds < 20
    assert len(provider.starts) <= concurrency + 20
    assert not outcome.delivery.failures
    assert len(outcome.delivery.unfinished_keys) == 3000


@pytest.mark.parametrize("concurrency", [1, 64])
@pytest.mark.parametrize(("reason", "seconds"), [("connection", 20), ("server", 100)])
def test_a_restart_of_the_server_loses_no_call(concurrency: int, reason: str, seconds: float) -> None:
    provider = Provider(latency=0.1, rule=away(reason, 2, 2 + seconds))
    outcome = delivery(calls(1000), provider, Limits(concurrency=concurrency))
    assert len(outcome.delivery.answered_keys) == 1000
    assert len(provider.starts) <= 1000 + concurrency + 40, "an outage is not hammered"
    assert outcome.seconds <= seconds + 100 / concurrency + 20


def test_a_short_outage_is_over_soon() -> None:
    """Many that fail at once are one sign, not many."""
    provider = Provider(latency=0.1, rule=away("connection", 1, 1.5))
    outcome = delivery(calls(1280), provider, Limits(concurrency=64))
    assert len(outcome.delivery.answered_keys) == 1280
    assert outcome.seconds < 2 + 0.5 + 1.5


def test_each_outage_is_waited_for_anew() -> None:
    first, second = away("server", 2, 131), away("server", 140, 240)
    provider = Provider(latency=0.1, rule=lambda now: first(now) or second(now))
    outcome = delivery(calls(1000), provider, Limits(concurrency=4, retries=3))
    assert outcome.delivery.stopped_by is None
    assert outcome.delivery.failures, "the first is too long"
    assert max(when for when, key, *_ in outcome.failures if key in outcome.delivery.failures) < 132
    assert any(when > 140 for when, *_ in outcome.failures)


def test_a_server_that_stays_away_is_given_up() -> None:
    provider = Provider(latency=0.1, rule=away("connection", 2, 1e9))
    outcome = delivery(calls(1000), provider, Limits(concurrency=8))
    assert stopped(outcome).message.startswith("no connection to the model's server for 3")
    assert 30 <= outcome.seconds <= 45
    assert len(outcome.delivery.answered_keys) + len(outcome.delivery.unfinished_keys) == 1000


@pytest.mark.parametrize("concurrency", [4, 32])
@pytest.mark.parametrize("reason", ["server", "bad reply", "unexpected"])
def test_a_model_that_is_never_right_is_given_up(reason: str, concurrency: int) -> None:
    provider = Provider(latency=0.1, rule=away(reason, 0, 1e9))
    outcome = delivery(calls(3000), provider, Limits(concurrency=concurrency))
    assert stopped(outcome).message == f"50 calls in a row have failed permanently, the last one: it was: {reason}"
    assert 50 <= len(outcome.delivery.failures) < 50 + concurrency
    assert len(provider.starts) <= (1 if reason == "unexpected" else 7) * (50 + 150)


@pytest.mark.parametrize("reason", ["server", "bad reply", "unexpected"])
def test_calls_that_are_themselves_at_fault_come_to_their_ends(reason: str) -> None:
    """Say, the last ones of an earlier run: nothing else is left that could show that the server is well."""
    outcome = delivery(calls(40), Provider(latency=0.1, rule=away(reason, 0, 1e9)), Limits(concurrency=8))
    assert outcome.delivery.stopped_by is None
    assert len(outcome.delivery.failures) == 40
    assert outcome.seconds < 240


def test_a_few_calls_without_connection_come_to_their_ends() -> None:
    outcome = delivery(calls(9), Provider(latency=0.1, rule=away("connection", 0, 1e9)))
    assert outcome.delivery.stopped_by is None
    assert len(outcome.delivery.failures) == 9


@pytest.mark.parametrize("reason", ["refused", "too long"])
def test_a_server_that_refuses_everything_is_there(reason: str) -> None:
    outcome = delivery(calls(300), Provider(rule=away(reason, 0, 1e9)))
    assert outcome.delivery.stopped_by is None
    assert len(outcome.delivery.failures) == 300


def test_calls_that_fail_for_good_here_and_there_are_no_outage() -> None:
    script = {str(number): [failure("unexpected")] for number in range(0, 600, 2)}
    outcome = delivery(calls(600), Provider(script=script), Limits(concurrency=4))
    assert outcome.delivery.stopped_by is None
    assert len(outcome.delivery.failures) == 300


def test_failures_here_and_there_are_no_outage() -> None:
    reasons = [failure("connection"), failure("server"), failure("bad reply")]
    script = {str(number): reasons for number in range(0, 1000, 3)}
    outcome = delivery(calls(1000), Provider(latency=0.1, script=script), Limits(concurrency=4))
    assert len(outcome.delivery.answered_keys) == 1000
    assert outcome.delivery.stopped_by is None
