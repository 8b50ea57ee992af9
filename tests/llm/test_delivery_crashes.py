"""An exception of anything but `send` cuts off the whole delivery, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragtally.api import Call, Limits
from scripted_provider import Provider, calls, delivery, failure


class DiskFull(Exception):
    pass


def full(*arguments: object) -> None:
    raise DiskFull


@pytest.mark.parametrize("where", ["on_reply", "on_attempt_failed", "estimate", "may_go_on"])
@pytest.mark.parametrize("after", [0, 3])
def test_an_exception_of_a_function_cuts_off_everything(where: str, after: int) -> None:
    provider = Provider(latency=0.1, script={str(number): [failure("refused")] for number in range(1, 100, 2)})
    answers = {"estimate": 10}
    seen: list[object] = []

    def sometimes(*arguments: object) -> int | None:
        seen.append(arguments)
        return full() if len(seen) > after else answers.get(where)  # type: ignore[func-returns-value]

    with pytest.raises(DiskFull):
        delivery(calls(100), provider, Limits(concurrency=2, tokens_per_minute=10**6), **{where: sometimes})
    assert provider.in_flight == 0
    assert len(provider.starts) <= 2 * after + 4


def test_nothing_starts_between_an_exception_and_the_end() -> None:
    """All four replies come in the same turn of the event loop, and the first cannot be saved."""
    provider = Provider(latency=1.0)
    outcomes = iter([full])
    with pytest.raises(DiskFull):
        delivery(
            calls(100),
            provider,
            Limits(concurrency=4),
            on_reply=lambda call, reply: next(outcomes, lambda: None)(),
        )
    assert len(provider.starts) == 4


def test_an_exception_of_the_source_cuts_off_everything() -> None:
    def source() -> Iterator[Call]:
        yield from calls(5)
        raise DiskFull

    provider = Provider()
    with pytest.raises(DiskFull):
        delivery(source(), provider, Limits(concurrency=2))
    assert provider.in_flight == 0
