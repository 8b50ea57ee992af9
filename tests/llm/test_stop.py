"""Stops: by the user, by the budget, by cancellation; what was paid is saved, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from ragtally.api import Call, CallError, Limits, Reply
from ragtally.llm.stop import StopReason, StopSignal, stop_on_interrupt
from scripted_provider import Outcome, Provider, at, calls, delivering, delivery, failure
from virtual_time import run


def kind(outcome: Outcome) -> str | None:
    return outcome.delivery.stopped_by.kind if outcome.delivery.stopped_by else None


def test_the_first_interrupt_waits_for_what_is_in_flight() -> None:
    provider = Provider(latency=1.0)
    outcome = delivery(calls(100), provider, Limits(concurrency=4), before=at((2.5, StopSignal.interrupt)))
    assert kind(outcome) == "interrupted"
    assert len(outcome.delivery.answered_keys) == len(outcome.replies) == 12
    assert outcome.delivery.unfinished_keys == tuple(str(number) for number in range(12, 100))
    assert outcome.seconds == 3.0


def test_the_second_interrupt_cuts_off_what_is_in_flight() -> None:
    provider = Provider(latency=1.0)
    outcome = delivery(
        calls(100),
        provider,
        Limits(concurrency=4),
        before=at((2.5, StopSignal.interrupt), (2.7, StopSignal.interrupt)),
    )
    assert kind(outcome) == "interrupted"
    assert len(outcome.delivery.answered_keys) == 8
    assert outcome.delivery.unfinished_keys == tuple(str(number) for number in range(8, 100))
    assert outcome.seconds == 2.7
    assert provider.in_flight == 0


def test_an_abort_needs_no_drain_before_it() -> None:
    outcome = delivery(calls(10), Provider(latency=1.0), before=at((0.5, StopSignal.abort)))
    assert outcome.delivery.unfinished_keys == tuple(str(number) for number in range(10))
    assert outcome.seconds == 0.5


def test_nothing_starts_under_a_signal_that_was_given_before() -> None:
    stop = StopSignal()
    stop.drain()
    provider = Provider()
    outcome = delivery(calls(10), provider, stop=stop)
    assert provider.starts == []
    assert len(outcome.delivery.unfinished_keys) == 10 and kind(outcome) == "interrupted"


def test_a_stop_during_a_pause_ends_at_once() -> None:
    provider = Provider(latency=0.1, script={"0": [failure("rate limit", retry_after=600.0)]})
    outcome = delivery(calls(50), provider, Limits(concurrency=2), before=at((30.0, StopSignal.drain)))
    assert outcome.seconds == 30.0
    assert outcome.delivery.unfinished_keys[0] == "0"
    assert not outcome.delivery.failures


def test_a_stop_while_calls_wait_for_their_next_try_ends_at_once() -> None:
    provider = Provider(latency=0.0, script={"0": [failure("server")] * 6})
    outcome = delivery(calls(1), provider, before=at((2.0, StopSignal.drain)))
    assert outcome.seconds == 2.0
    assert outcome.delivery.unfinished_keys == ("0",)


def test_what_fails_while_draining_is_not_tried_again() -> None:
    provider = Provider(latency=1.0, script={"0": [failure("server")], "1": [failure("refused")]})
    outcome = delivery(calls(8), provider, Limits(concurrency=3), before=at((0.5, StopSignal.drain)))
    assert len(provider.starts) == 3
    assert outcome.delivery.answered_keys == ("2",)
    assert set(outcome.delivery.failures) == {"1"}
    assert outcome.delivery.unfinished_keys == ("0", "3", "4", "5", "6", "7")
    assert len(outcome.failures) == 2


def test_a_stop_after_the_end_is_heard_by_nobody() -> None:
    stop = StopSignal()
    outcome = delivery(calls(3), Provider(), stop=stop)
    stop.interrupt()
    stop.interrupt()
    assert outcome.delivery.stopped_by is None


def test_one_signal_stops_all_deliveries() -> None:
    async def main() -> tuple[Outcome, Outcome]:
        stop = StopSignal()
        asyncio.get_running_loop().call_at(1.5, stop.drain)
        return await asyncio.gather(
            delivering(calls(100), Provider(latency=1.0), Limits(concurrency=8), stop=stop),
            delivering(calls(100), Provider(latency=0.4), Limits(concurrency=8), stop=stop),
        )

    first, second = run(main())
    assert (kind(first), kind(second)) == ("interrupted", "interrupted")
    assert (first.seconds, second.seconds) == (pytest.approx(2.0), pytest.approx(1.6))


@pytest.mark.parametrize("when", [0.0, 0.25, 1.0])
def test_a_cancellation_from_outside_cuts_off_everything(when: float) -> None:
    provider = Provider(latency=0.5, script={"0": [failure("server")] * 9})

    async def main() -> None:
        task = asyncio.create_task(delivering(calls(100), provider, Limits(concurrency=4)))
        asyncio.get_running_loop().call_at(when, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())
    assert provider.in_flight == 0


@pytest.mark.parametrize("crashes", [0, 1])
def test_a_crash_and_a_cancellation_at_once_leave_nothing_behind(crashes: int) -> None:
    """Two replies come in the same turn; one crashes, the other cancels."""

    async def main() -> None:
        tasks: list[asyncio.Task[Outcome]] = []
        replies: list[Reply] = []

        def crash_or_cancel(call: Call, reply: Reply) -> None:
            replies.append(reply)
            if len(replies) - 1 == crashes:
                raise OSError("disk full")
            tasks[0].cancel()

        tasks.append(asyncio.create_task(delivering(calls(2), Provider(), on_reply=crash_or_cancel)))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert len(replies) == 2

    run(main())


def test_a_send_that_answers_in_spite_of_its_cancellation_is_saved() -> None:
    provider = Provider(latency=1.0)
    send = provider.send

    async def stubborn(call: Call) -> Reply:
        try:
            return await send(call)
        except asyncio.CancelledError:
            return Reply(f"answer to {call.key}", None, None, None, False, 1.0)

    provider.send = stubborn  # type: ignore[method-assign]
    outcome = delivery(calls(10), provider, Limits(concurrency=2), before=at((0.5, StopSignal.abort)))
    assert set(outcome.delivery.answered_keys) == {"0", "1"}
    assert outcome.delivery.unfinished_keys == tuple(str(number) for number in range(2, 10))


class Purse:
    """A budget that holds back the dearest that a call may cost until its real cost is known."""

    def __init__(self, budget: float, bound: float, cost: float) -> None:
        self.budget, self.bound, self.cost = budget, bound, cost
        self.spent = self.reserved = self.most = 0.0

    def may_go_on(self, call: Call) -> StopReason | None:
        if self.spent + self.reserved + self.bound > self.budget:
            return StopReason("budget", "the budget of 1 USD is used up", "raise budget.usd")
        self.reserved += self.bound
        return None

    def on_reply(self, call: Call, reply: Reply) -> None:
        self.reserved -= self.bound
        self.spent += self.cost
        self.most = max(self.most, self.spent)

    def on_attempt_failed(self, call: Call, error: CallError, seconds: float) -> None:
        self.reserved -= self.bound


def with_purse(purse: Purse, provider: Provider, count: int, concurrency: int) -> Outcome:
    return delivery(
        calls(count),
        provider,
        Limits(concurrency=concurrency),
        may_go_on=purse.may_go_on,
        on_reply=purse.on_reply,
        on_attempt_failed=purse.on_attempt_failed,
    )


def test_a_budget_is_used_up_and_never_exceeded() -> None:
    """Bounds of 0.3 for calls of 0.01 hold calls back, but stop nothing while real costs come in."""
    purse = Purse(budget=1.005, bound=0.3, cost=0.01)
    provider = Provider(script={"5": [failure("server")], "7": [failure("refused")]})
    outcome = with_purse(purse, provider, 200, concurrency=8)
    assert kind(outcome) == "budget"
    assert provider.most_in_flight == 3
    assert 1.005 - 0.3 - 0.01 < purse.spent <= 1.005
    assert purse.reserved == pytest.approx(0)
    result = outcome.delivery
    assert len(result.answered_keys) + len(result.failures) + len(result.unfinished_keys) == 200
    assert result.stopped_by is not None
    error = result.stopped_by.as_error()
    assert (error.message, error.hint, error.exit_code) == ("the budget of 1 USD is used up", "raise budget.usd", 3)


def test_a_budget_that_is_enough_stops_nothing() -> None:
    purse = Purse(budget=2.5, bound=0.3, cost=0.01)
    outcome = with_purse(purse, Provider(), 200, concurrency=64)
    assert len(outcome.delivery.answered_keys) == 200
    assert kind(outcome) is None


def test_an_empty_budget_starts_nothing() -> None:
    provider = Provider()
    outcome = with_purse(Purse(budget=0.1, bound=0.3, cost=0.01), provider, 5, concurrency=8)
    assert provider.starts == []
    assert outcome.delivery.unfinished_keys == ("0", "1", "2", "3", "4")


def test_ctrl_c_interrupts_and_is_given_back_afterwards() -> None:
    """In real time, with a real signal."""
    before = signal.getsignal(signal.SIGINT)

    async def main() -> Outcome:
        stop = StopSignal()
        with stop_on_interrupt(stop):
            asyncio.get_running_loop().call_later(0.03, os.kill, os.getpid(), signal.SIGINT)
            return await delivering(calls(1_000), Provider(latency=0.02), Limits(concurrency=2), stop=stop)

    with asyncio.Runner() as runner:
        outcome = runner.run(main())
    assert kind(outcome) == "interrupted"
    assert len(outcome.delivery.answered_keys) + len(outcome.delivery.unfinished_keys) == 1_000
    assert signal.getsignal(signal.SIGINT) is before
