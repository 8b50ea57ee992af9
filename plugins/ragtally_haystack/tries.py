"""Trying again what failed for a reason that passes."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import TypeVar

from ragtally import CallError, RagtallyError

Outcome = TypeVar("Outcome")

_LONGEST_WAIT = 60.0
_LOOKS = 6


def settle(look: Callable[[], int], count: int) -> int:
    """Look at a number until it has grown to what it should be: servers count some time after they wrote."""
    seen_count = look()
    for attempt in range(_LOOKS - 1):
        if seen_count >= count:
            break
        sleep(2.0**attempt)
        seen_count = look()
    return seen_count


def with_tries(call: Callable[[], Outcome], failure: Callable[[Exception], RagtallyError], retries: int) -> Outcome:
    """Call, and call again where the failure passes: after as long as the provider asks for, else 1, 2, 4 s ..."""
    for attempt in range(retries + 1):
        try:
            return call()
        except Exception as error:
            meaning = failure(error)
            if attempt == retries or not (isinstance(meaning, CallError) and meaning.retryable):
                raise meaning from error
            wait = meaning.retry_after
            sleep(min(2.0**attempt if wait is None else wait, _LONGEST_WAIT))
    raise AssertionError("the last try returned or raised")
