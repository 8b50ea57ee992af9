"""Calls come to their ends: replies at once, passing failures tried again, no more in flight than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from ragtally.api import Call, CallError, Limits
from ragtally.llm.delivery import deliver
from ragtally.llm.stop import StopSignal
from scripted_provider import Provider, call, calls, delivering, delivery, failure
from virtual_time import run

PASSING = ("connection", "server", "bad reply")
OWN = ("too long", "refused", "unexpected")
FATAL = ("authentication", "not found", "bad request")


def test_every_call_is_answered_in_whole_rounds() -> None:
    provider = Provider(latency=0.5)
    outcome = delivery(calls(100), provider, Limits(concurrency=10))
    assert sorted(outcome.delivery.answered_keys, key=int) == [str(number) for number in range(100)]
    assert (outcome.delivery.failures, outcome.delivery.unfinished_keys, outcome.delivery.stopped_by) == (
        {},
        (),
        None,
    )
    assert provider.most_in_flight == 10
    assert outcome.seconds == pytest.approx(5.0)


def test_no_calls_are_delivered_at_once() -> None:
    outcome = delivery([], Provider())
    assert outcome.delivery.answered_keys == ()
    assert outcome.seconds == 0


def test_replies_are_handed_over_when_they_come() -> None:
    outcome = delivery(calls(3), Provider(latency=lambda call: 3.0 - int(call.key)), Limits(concurrency=3))
    assert outcome.replies == [(1.0, "2"), (2.0, "1"), (3.0, "0")]
    assert outcome.delivery.answered_keys == ("2", "1", "0")


def test_calls_are_drawn_as_they_are_needed_by_few_tasks() -> None:
    provider = Provider(latency=0.01)
    drawn_ahead: list[int] = []
    tasks: list[int] = []

    def source() -> Iterator[Call]:
        for number in range(2000):
            drawn_ahead.append(number - len(provider.starts))
            yield call(number)

    def count_tasks(call: Call, reply: object) -> None:
        # It looks at every task that other tests left to the garbage collector.
        if len(provider.starts) % 50 == 0:
            tasks.append(len(asyncio.all_tasks()))

    outcome = delivery(source(), provider, Limits(concurrency=16), on_reply=count_tasks)
    assert len(outcome.delivery.answered_keys) == 2000
    assert max(drawn_ahead) <= 17
    assert max(tasks) == 17


def test_few_calls_make_few_tasks() -> None:
    tasks: list[int] = []
    delivery(
        calls(2),
        Provider(),
        Limits(concurrency=500),
        on_reply=lambda call, reply: tasks.append(len(asyncio.all_tasks())),
    )
    assert max(tasks) == 3


def test_sends_that_never_wait_let_the_event_loop_turn() -> None:
    provider = Provider()
    started: list[int] = []

    async def at_once(call: Call) -> None:
        provider.starts.append((0, call.key))
        raise failure("refused")

    provider.send = at_once  # type: ignore[method-assign]

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def turn() -> None:
            started.append(len(provider.starts))
            loop.call_soon(turn)

        turn()
        await delivering(calls(1000), provider, Limits(concurrency=4))

    run(main())
    assert max(after - before for before, after in pairwise(started)) <= 4


@pytest.mark.parametrize("reason", PASSING)
def test_a_failure_that_passes_is_tried_again(reason: str) -> None:
    provider = Provider(script={"0": [failure(reason), failure(reason)]})
    outcome = delivery(calls(2), provider)
    assert set(outcome.delivery.answered_keys) == {"0", "1"}
    assert len(provider.tries(0)) == 3
    assert [(key, error.reason) for _, key, error, _ in outcome.failures] == [("0", reason)] * 2
    assert outcome.failures[0][3] == pytest.approx(0.05), "two calls share the tenth of a second"


@pytest.mark.parametrize("reason", [*PASSING, "rate limit"])
@pytest.mark.parametrize("retries", [0, 1, 6])
def test_after_its_retries_a_call_has_failed(reason: str, retries: int) -> None:
    errors = [failure(reason) for _ in range(8)]
    provider = Provider(script={"0": errors})
    outcome = delivery(calls(1), provider, Limits(retries=retries))
    assert len(provider.starts) == len(outcome.failures) == retries + 1
    assert outcome.delivery.failures == {"0": errors[retries]}
    assert outcome.delivery.answered_keys == outcome.delivery.unfinished_keys == ()
    assert outcome.delivery.stopped_by is None


@pytest.mark.parametrize("reason", OWN)
def test_a_failure_of_its_own_fails_the_call_alone(reason: str) -> None:
    provider = Provider(script={"1": [failure(reason)]})
    outcome = delivery(calls(5), provider, Limits(concurrency=2))
    assert len(provider.tries(1)) == 1
    assert {key: error.reason for key, error in outcome.delivery.failures.items()} == {"1": reason}
    assert len(outcome.delivery.answered_keys) == 4


@pytest.mark.parametrize("reason", FATAL)
def test_a_failure_that_all_would_meet_stops_everything_with_one_error(reason: str) -> None:
    error = failure(reason, status=401, hint="set GROQ_API_KEY")
    provider = Provider(latency=lambda call: 0.1 if call.key == "2" else 1.0, script={"2": [error]})
    outcome = delivery(calls(100), provider, Limits(concurrency=8))
    assert len(provider.starts) == 8
    assert outcome.delivery.failures == {"2": error}
    assert set(outcome.delivery.answered_keys) == {str(number) for number in range(8)} - {"2"}, (
        "what was paid is saved"
    )
    assert outcome.delivery.unfinished_keys == tuple(str(number) for number in range(8, 100))
    stopped_by = outcome.delivery.stopped_by
    assert stopped_by is not None
    assert (stopped_by.kind, stopped_by.message, stopped_by.error) == ("fatal", error.message, error)
    raised = stopped_by.as_error()
    assert (str(raised), raised.exit_code) == (f"it was: {reason}\n  hint: set GROQ_API_KEY", 2)


def test_a_daily_quota_stops_and_leaves_the_call_for_another_day() -> None:
    provider = Provider(rule=lambda now: failure("daily quota", status=429) if now > 1 else None)
    outcome = delivery(calls(100), provider, Limits(concurrency=2))
    result = outcome.delivery
    assert len(result.answered_keys) == 20 and not result.failures
    assert result.unfinished_keys == tuple(str(number) for number in range(20, 100))
    assert result.stopped_by is not None
    assert (result.stopped_by.kind, result.stopped_by.as_error().exit_code) == ("daily quota", 3)


@pytest.mark.parametrize("error", [ValueError("odd"), TimeoutError(), asyncio.CancelledError(), OSError("no file")])
def test_an_exception_that_is_no_call_error_is_a_failure_that_says_its_class(error: BaseException) -> None:
    provider = Provider(script={"1": [error]})
    outcome = delivery(calls(3), provider, Limits(concurrency=1))
    failed = outcome.delivery.failures["1"]
    assert failed.reason == "unexpected" and not failed.retryable and not failed.fatal
    assert failed.message == (f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    assert failed.__cause__ is error
    assert set(outcome.delivery.answered_keys) == {"0", "2"}
    assert len(provider.starts) == 3


def test_a_call_that_takes_too_long_is_cut_off_and_tried_again() -> None:
    slow = iter([100.0, 1.0])
    provider = Provider(latency=lambda call: next(slow))
    outcome = delivery(calls(1), provider, Limits(timeout=5))
    assert outcome.delivery.answered_keys == ("0",)
    ((when, _, error, seconds),) = outcome.failures
    assert (when, error.reason, error.message, seconds) == (
        5.0,
        "timeout",
        "no answer within 5 s, with nothing else in flight",
        5.0,
    )


def test_a_call_that_waits_for_its_next_try_takes_no_place_from_others() -> None:
    provider = Provider(latency=1.0, script={"0": [failure("server")]})
    outcome = delivery(calls(10), provider, Limits(concurrency=1))
    assert len(outcome.delivery.answered_keys) == 10
    assert outcome.seconds == pytest.approx(11.0)
    assert provider.starts[2][1] == "0", "what was tried goes before what was not"


def pauses(seed: int, order: int = 1) -> dict[str, list[float]]:
    """How long each call waited between its tries."""
    names = [str(number) for number in range(6)][::order]
    provider = Provider(latency=0.0, script={name: [failure("bad reply")] * 3 for name in names})
    outcome = delivery([call(name) for name in names], provider, Limits(concurrency=6, retries=3), seed=seed)
    assert len(outcome.delivery.answered_keys) == 6
    tries = {name: provider.tries(name) for name in sorted(names)}
    return {name: [round(b - a, 6) for a, b in pairwise(times)] for name, times in tries.items()}


def test_tries_back_off_with_full_jitter() -> None:
    waits = list(pauses(1).values())
    for number, longest in enumerate([0.5, 1.0, 2.0]):
        column = [row[number] for row in waits]
        assert all(0 <= wait <= longest for wait in column)
        assert len(set(column)) == 6, "calls that failed together do not come back together"
    assert max(row[2] for row in waits) > 1.0


def test_the_jitter_is_the_seed_s_and_not_the_order_s() -> None:
    assert pauses(1) == pauses(1) == pauses(1, order=-1)
    assert pauses(1) != pauses(2)


@pytest.mark.parametrize(
    "limits", [Limits(concurrency=0), Limits(requests_per_minute=0), Limits(tokens_per_minute=0)]
)
def test_limits_that_let_nothing_through_are_refused(limits: Limits) -> None:
    with pytest.raises(ValueError, match="lets nothing through"):
        delivery(calls(1), Provider(), limits)


def test_two_deliveries_run_side_by_side() -> None:
    async def main() -> list[object]:
        slow, quick = Provider(latency=1.0), Provider(latency=0.1)
        return list(
            await asyncio.gather(
                delivering(calls(10), slow, Limits(concurrency=2)),
                delivering(calls(10), quick, Limits(concurrency=1)),
            )
        )

    first, second = run(main())
    assert (first.seconds, second.seconds) == (pytest.approx(5.0), pytest.approx(1.0))  # type: ignore[attr-defined]


def test_send_may_return_any_awaitable() -> None:
    async def main() -> tuple[str, ...]:
        loop = asyncio.get_running_loop()

        def send(call: Call) -> asyncio.Future[object]:
            return loop.create_task(Provider().send(call))  # type: ignore[arg-type]

        done = await deliver(
            calls(3),
            send,  # type: ignore[arg-type]
            Limits(),
            on_reply=lambda call, reply: None,
            on_attempt_failed=lambda call, error, seconds: None,
            estimate_tokens=lambda call: 1,
            may_go_on=lambda call: None,
            stop=StopSignal(),
            seed=1,
        )
        return done.answered_keys

    assert set(run(main())) == {"0", "1", "2"}


def test_an_error_is_kept_without_its_frames() -> None:
    outcome = delivery(calls(1), Provider(script={"0": [failure("refused")]}))
    (error,) = outcome.delivery.failures.values()
    assert isinstance(error, CallError) and error.__traceback__ is None
