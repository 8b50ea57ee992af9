"""The calls of one model that this run has claimed; those of other runs are waited for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from ragtally.api import Call, StoppedError, StoreError
from ragtally.llm.call_group import CallGroup
from ragtally.llm.retry import pause
from ragtally.llm.stop import StopSignal
from ragtally.store.batches import BatchStore
from ragtally.store.calls import CallStore
from ragtally.store.claims import Claims, Key, chunks

# Calls are claimed few at a time, so that runs side by side share the work.
_AT_ONCE = 16
# Seconds between two looks at what other runs are doing.
_FIRST_LOOK = 0.05
_LONGEST_LOOK = 1.0


class ClaimedCalls:
    """Draws calls one after the other, each claimed before it is sent."""

    def __init__(
        self, group: CallGroup, keys: Sequence[str], claims: Claims, calls: CallStore, batches: BatchStore
    ) -> None:
        self.error: StoreError | None = None  # What ended it early; raised once what is in flight is saved
        self._group, self._keys, self._claims, self._calls, self._batches = group, keys, claims, calls, batches

    def __iter__(self) -> Iterator[Call]:
        for some in chunks(self._keys, max(_AT_ONCE, self._group.traits.limits.concurrency or 0)):
            try:
                own = claim_unanswered(some, self._claims, self._calls, self._batches)
            except StoreError as error:
                self.error = error
                return
            yield from (self._group.calls[key] for key in own)


def claim_unanswered(keys: Sequence[str], claims: Claims, calls: CallStore, batches: BatchStore) -> list[str]:
    """Claim calls; those that were answered or put into a batch since this run last looked are left out."""
    own = claims.take(keys)
    to_send = set(calls.keys_without_reply(own)) - batches.keys_in_batches(own)
    for key in own:
        if key not in to_send:
            claims.done(key)
    return [key for key in own if key in to_send]


async def wait_for_others(
    keys: Collection[Key],
    claims: Claims,
    without_answer: Callable[[list[Key]], list[Key]],
    on_answered: Callable[[list[Key]], None],
    stop: StopSignal,
) -> list[Key]:
    """Wait until other runs have answered what they claimed; returns what they gave up, which is free then."""
    waiting, seconds = set(keys), _FIRST_LOOK
    while waiting:
        free = [key for key in keys if key in waiting.difference(claims.held_elsewhere(waiting))]
        if free:
            seconds = _FIRST_LOOK
            given_up = without_answer(free)
            on_answered([key for key in free if key not in set(given_up)])
            if given_up:
                return given_up
            waiting.difference_update(free)
            continue
        await pause(stop, seconds)
        if stop.draining:
            raise StoppedError("interrupted while another run made the calls")
        seconds = min(_LONGEST_LOOK, 1.5 * seconds)
    return []
