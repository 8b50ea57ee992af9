"""Whatever goes wrong: every call ends once, no limit is exceeded, and the order of the calls decides nothing."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ragtally.api import Call, Limits
from ragtally.llm.stop import StopReason, StopSignal
from scripted_provider import Outcome, Provider, Script, at, call, delivery, failure

PASSING = ("rate limit", "timeout", "connection", "server", "bad reply")
FINAL = ("too long", "refused", "unexpected")
FATAL = ("daily quota", "authentication", "not found", "bad request")

waits = st.none() | st.floats(0, 90)
retryable = st.builds(lambda reason, wait: failure(reason, retry_after=wait), st.sampled_from(PASSING), waits)
final = st.builds(failure, st.sampled_from(FINAL)) | st.builds(ValueError, st.just("odd"))
fatal = st.builds(failure, st.sampled_from(FATAL))
limits = st.builds(
    Limits,
    concurrency=st.integers(1, 12),
    requests_per_minute=st.none() | st.integers(1, 300),
    tokens_per_minute=st.none() | st.integers(1, 5000),
    timeout=st.sampled_from([0.5, 3.0, 60.0]),
    retries=st.integers(0, 4),
)
stops = st.lists(
    st.tuples(st.floats(0, 200), st.sampled_from([StopSignal.drain, StopSignal.abort, StopSignal.interrupt])),
    max_size=2,
)


def scripts(wrong: st.SearchStrategy[BaseException], most_calls: int) -> st.SearchStrategy[Script]:
    """What goes wrong for each call, by key."""
    rows = st.lists(st.lists(wrong, max_size=4) | st.just([]), max_size=most_calls)
    return rows.map(lambda rows: {str(number): row for number, row in enumerate(rows)})


def most_in_a_minute(provider: Provider) -> int:
    times = [when for when, _ in provider.starts]
    return max((sum(begin <= when <= begin + 60 for when in times) for begin in times), default=0)


def check(outcome: Outcome, provider: Provider, script: Script, limits: Limits, aborted: bool) -> None:
    result = outcome.delivery
    ends = Counter([*result.answered_keys, *result.failures, *result.unfinished_keys])
    assert ends == Counter(script.keys()), "every call ends exactly once"
    assert (result.stopped_by is None) <= (not result.unfinished_keys)
    assert [key for _, key in outcome.replies] == list(result.answered_keys)
    assert provider.in_flight == 0
    assert provider.most_in_flight <= limits.concurrency
    if limits.requests_per_minute is not None:
        assert most_in_a_minute(provider) <= limits.requests_per_minute
    reported = len(outcome.replies) + len(outcome.failures)
    assert reported <= len(provider.starts) if aborted else reported == len(provider.starts)
    last = {key: error for _, key, error, _ in outcome.failures}
    assert all(last[key] is error for key, error in result.failures.items())
    for key in result.failures:
        # What is late twice with nothing else in flight is given up.
        tries = min(2, limits.retries + 1) if "nothing else" in last[key].message else limits.retries + 1
        assert not last[key].retryable or len(provider.tries(key)) >= tries


@settings(deadline=None, max_examples=150)
@given(scripts(retryable | final | fatal, 30), limits, st.randoms(use_true_random=False), stops, st.integers(0, 60))
def test_every_call_ends_once_and_no_limit_is_exceeded(
    script: Script,
    limits: Limits,
    chance: random.Random,
    stops: list[tuple[float, object]],
    affordable: int,
) -> None:
    latencies = {key: chance.choice([0.0, 0.1, 1.0, 10.0]) for key in script}
    provider = Provider(latency=lambda call: latencies[call.key], script=script)
    allowed = 0

    def may_go_on(call: Call) -> StopReason | None:
        nonlocal allowed
        allowed += 1
        return None if allowed <= affordable else StopReason("budget", "no more")

    outcome = delivery(
        map(call, script),
        provider,
        limits,
        estimate=lambda call: chance.randrange(100),
        may_go_on=may_go_on,
        before=at(*stops),  # type: ignore[arg-type]
    )
    check(outcome, provider, script, limits, aborted=bool(stops))
    assert len(provider.starts) <= affordable


@settings(deadline=None, max_examples=100)
@given(scripts(retryable | final, 40), limits)
def test_without_a_stop_every_call_is_answered_or_failed(script: Script, limits: Limits) -> None:
    provider = Provider(latency=0.2, script=script)
    outcome = delivery(map(call, script), provider, limits)
    check(outcome, provider, script, limits, aborted=False)
    assert outcome.delivery.stopped_by is None
    gentle = {
        key
        for key, row in script.items()
        if len(row) <= limits.retries and all(getattr(error, "passing", False) for error in row)
    }
    assert gentle <= set(outcome.delivery.answered_keys)


def fates(script: Script, order: list[str], concurrency: int, latency: float) -> dict[str, str]:
    provider = Provider(latency=latency, script=script)
    result = delivery(map(call, order), provider, Limits(concurrency=concurrency, retries=2)).delivery
    assert result.stopped_by is None
    failed = {key: str(error) for key, error in result.failures.items()}
    return failed | dict.fromkeys(result.answered_keys, "answered")


@settings(deadline=None, max_examples=60)
@given(scripts(st.builds(failure, st.sampled_from(["bad reply", *FINAL])), 40), st.data())
def test_the_order_of_the_calls_decides_no_fate(script: Script, data: st.DataObject) -> None:
    order = data.draw(st.permutations(list(script)))
    first = fates(script, list(script), 1, 0.5)
    assert first == fates(script, order, data.draw(st.integers(1, 20)), data.draw(st.sampled_from([0.0, 0.1, 7.0])))
