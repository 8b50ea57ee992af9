"""Which of several hosts of one model is asked next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

_FIRST_REST = 1.0
_LONGEST_REST = 60.0


class Hosts:
    """Hands each call to the host with the fewest calls in flight; one that cannot be reached rests for a while."""

    # Without the rest a dead host, which always has none in flight, would get every call.

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._urls = tuple(urls)
        self._in_flight = dict.fromkeys(urls, 0)
        self._failures = dict.fromkeys(urls, 0)
        self._awake = dict.fromkeys(urls, 0.0)
        self._clock = clock

    def take(self) -> str:
        """Choose a host and count a call of it."""
        chosen = self._urls[0]
        if len(self._urls) > 1:
            now = self._clock()
            chosen = min(self._urls, key=lambda url: (max(0.0, self._awake[url] - now), self._in_flight[url]))
        self._in_flight[chosen] += 1
        return chosen

    def give_back(self, url: str, *, reached: bool) -> None:
        """Say that a call has ended."""
        self._in_flight[url] -= 1
        if reached:
            self._failures[url] = 0
            return
        now = self._clock()
        if self._awake[url] <= now:
            # Calls that were under way when it fell silent fail together, and count as one failure.
            self._awake[url] = now + min(_LONGEST_REST, _FIRST_REST * 2 ** self._failures[url])
            self._failures[url] += 1
