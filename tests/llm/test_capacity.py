"""What is in flight follows what the server does: a slow one is not buried, a fast one is kept busy."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import replace

import pytest

from ragtally.api import Call, CallError, Limits, Message
from ragtally.llm.capacity import MOST_IN_FLIGHT, Capacity
from scripted_provider import Provider, calls, delivery, failure
from slot_server import SlotServer, delivery_to

OWN = Limits(in_flight_at_first=1)


def votes(questions: int, votes: int) -> list[Call]:
    return [
        Call(f"{question}/{vote}", (Message("user", f"question {question}"),), "measure", vote, None)
        for question in range(questions)
        for vote in range(votes)
    ]


@pytest.mark.parametrize(("slots", "most"), [(1, 1.05), (2, 1.1), (3, 1.2), (4, 1.3)])
def test_a_server_of_few_slots_is_kept_busy_and_no_answer_is_computed_for_nobody(slots: int, most: float) -> None:
    server = SlotServer(slots)
    outcome = delivery_to(server, calls(44), replace(OWN, timeout=2))
    assert len(outcome.delivery.answered_keys) == 44
    assert outcome.seconds <= most * 44 * 0.5 / slots
    assert server.wasted == 0 and not outcome.failures


def test_a_fast_server_is_as_fast_as_with_a_window_that_is_wide_from_the_start() -> None:
    def seconds(slots: int, limits: Limits) -> float:
        return delivery_to(SlotServer(slots, 0.1), calls(3000), limits).seconds

    for slots in (20, 64):
        wide = seconds(slots, Limits(concurrency=64))
        assert seconds(slots, replace(OWN, concurrency=64)) <= 1.15 * wide


@pytest.mark.parametrize("slots", [1, 4, 16])
@pytest.mark.parametrize("draw", [lambda draws: draws.uniform(2, 4), lambda draws: draws.expovariate(1 / 3)])
def test_calls_of_many_lengths_are_made_in_little_more_than_the_time_they_need(
    slots: int, draw: Callable[[random.Random], float]
) -> None:
    ratios = []
    for seed in range(5):
        draws = random.Random(seed)
        needed: list[float] = []

        def length(call: Call, draws: random.Random = draws, needed: list[float] = needed) -> float:
            needed.append(draw(draws))
            return needed[-1]

        outcome = delivery_to(SlotServer(slots, length), calls(400), OWN)
        assert len(outcome.delivery.answered_keys) == 400
        ratios.append(outcome.seconds * slots / sum(needed))
    assert statistics.median(ratios) <= 1.25


def test_a_hosted_model_gets_more_calls_while_that_is_faster_and_no_more_than_stated() -> None:
    provider = Provider(latency=1.0)
    assert delivery(calls(2000), provider).seconds < 2000 / 8 / 4
    assert 64 < provider.most_in_flight <= MOST_IN_FLIGHT
    provider = Provider(latency=1.0)
    delivery(calls(200), provider, Limits(concurrency=12))
    assert provider.most_in_flight == 12


def test_what_was_learnt_serves_the_next_delivery() -> None:
    capacity = Capacity(OWN)
    first = delivery_to(SlotServer(8, 1.0), calls(200), OWN, capacity=capacity)
    second = delivery_to(SlotServer(8, 1.0), calls(200), OWN, capacity=capacity)
    assert second.seconds < first.seconds
    assert second.seconds <= 1.1 * 200 / 8


def test_a_call_that_the_queue_ate_has_not_failed() -> None:
    server = SlotServer(1, lambda call: 1.0, notices=True)
    outcome = delivery_to(server, calls(40), Limits(concurrency=8, timeout=3, retries=0))
    assert len(outcome.delivery.answered_keys) == 40
    assert outcome.failures, "eight in flight are too many at first"
    assert all(
        error.message == "waited behind others in the server's queue: no answer within 3 s"
        for _, _, error, _ in outcome.failures
    )


def test_calls_near_the_limit_are_all_answered() -> None:
    draws = random.Random(1)
    server = SlotServer(1, lambda call: draws.uniform(2, 5), notices=True)
    outcome = delivery_to(server, calls(60), replace(OWN, timeout=6, retries=0))
    assert len(outcome.delivery.answered_keys) == 60
    assert outcome.seconds <= 1.1 * 60 * 3.5


def test_a_server_that_slows_down_gets_fewer_calls() -> None:
    """Say, since somebody else has come."""
    begun: list[str] = []

    def seconds(call: Call) -> float:
        begun.append(call.key)
        return 0.1 if len(begun) < 200 else 4.0

    server = SlotServer(1, seconds, notices=True)
    outcome = delivery_to(server, calls(230), replace(OWN, timeout=10))
    assert len(outcome.delivery.answered_keys) == 230
    assert outcome.seconds <= 20 + 1.3 * 31 * 4


def test_a_limit_that_a_call_alone_cannot_keep_is_an_error_that_says_so() -> None:
    outcome = delivery_to(SlotServer(1, 7.0), calls(60), replace(OWN, timeout=6))
    stopped_by = outcome.delivery.stopped_by
    assert stopped_by is not None and outcome.seconds == pytest.approx(3 * 6)
    error = stopped_by.as_error()
    assert isinstance(error, CallError) and error.reason == "timeout"
    assert error.message == "3 calls in a row: no answer within 6 s, with nothing else in flight"
    assert error.hint == "none was answered so far; raise the model's time limit, say to timeout: 24"


def test_a_call_that_alone_takes_too_long_fails_and_the_others_are_answered() -> None:
    def seconds(call: Call) -> float:
        return 100.0 if call.key == "5" else 5.0

    outcome = delivery_to(SlotServer(1, seconds, notices=True), calls(20), replace(OWN, timeout=6))
    assert outcome.delivery.stopped_by is None
    assert len(outcome.delivery.answered_keys) == 19
    assert outcome.delivery.failures["5"].hint == (
        "the slowest answer so far took 5.0 s; raise the model's time limit, say to timeout: 24"
    )


def test_a_call_that_others_overtake_is_lost_by_its_own_fault() -> None:
    """A connection that hangs is tried again as often as stated, and makes nothing slower."""
    provider = Provider(latency=lambda call: 1e9 if call.key == "3" else 0.1)
    outcome = delivery(calls(2000), provider, Limits(concurrency=8, timeout=5, retries=2))
    assert set(outcome.delivery.failures) == {"3"}
    assert len(provider.tries(3)) == 3
    assert outcome.seconds <= 2000 * 0.1 / 7 * 1.2


def test_a_server_that_takes_calls_and_never_answers_is_given_up() -> None:
    outcome = delivery_to(SlotServer(8, 1e9), calls(500), Limits(timeout=10))
    stopped_by = outcome.delivery.stopped_by
    assert stopped_by is not None and stopped_by.kind == "outage"
    assert not outcome.delivery.answered_keys and not outcome.delivery.failures
    assert outcome.seconds <= 20 * 10


@pytest.mark.parametrize("slots", [1, 4])
def test_votes_on_one_prompt_are_asked_while_the_server_holds_it(slots: int) -> None:
    def seconds(count: int, limits: Limits) -> float:
        server = SlotServer(slots, 1.4, held=0.1)
        outcome = delivery_to(server, votes(100, count), limits, calls_per_prompt=count)
        assert len(outcome.delivery.answered_keys) == 100 * count
        return outcome.seconds

    alone = seconds(1, Limits(concurrency=slots))
    assert seconds(3, Limits(concurrency=slots)) <= alone * 1.2, "two more votes cost little"
    assert seconds(3, OWN) <= alone * 1.75, "and nobody has to say how many slots there are"


def test_votes_on_a_server_that_holds_nothing_cost_no_time_at_the_start() -> None:
    def seconds(limits: Limits) -> float:
        return delivery_to(SlotServer(500, 0.1), votes(1000, 3), limits, calls_per_prompt=3).seconds

    assert seconds(replace(OWN, concurrency=64)) <= 1.2 * seconds(Limits(concurrency=64))


def test_votes_wait_for_each_other_only_where_there_is_something_else_to_do() -> None:
    provider = Provider(latency=1.0)
    assert delivery(votes(2, 5), provider, Limits(concurrency=10)).seconds == 1.0


def test_a_pace_or_rate_limits_teach_nothing_of_the_server() -> None:
    capacity = Capacity(Limits())
    delivery(calls(60), Provider(latency=0.1), Limits(requests_per_minute=60), capacity=capacity)
    assert capacity.room == 8
    limited = Provider(latency=0.1, rule=lambda now: failure("rate limit") if now < 5 else None)
    outcome = delivery(calls(100), limited, capacity=Capacity(Limits()))
    assert len(outcome.delivery.answered_keys) == 100


def test_the_seconds_of_calls_side_by_side_add_up_to_the_time_that_they_took() -> None:
    seconds: list[float] = []
    outcome = delivery_to(
        SlotServer(3, lambda call: 1.0 + int(call.key) % 3), calls(50), OWN,
        on_reply=lambda call, reply: seconds.append(reply.seconds),
    )  # fmt: skip
    assert sum(seconds) == pytest.approx(outcome.seconds)
    assert max(seconds) < 3
