"""The calls that wait for their turn."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from ragtally.api import Call


class Attempt:
    """A call on its way, through all of its tries."""

    __slots__ = ("call", "failures", "position", "replies_before", "tokens", "waits", "wave")

    def __init__(self, call: Call, position: int) -> None:
        self.call = call
        self.position = position
        self.failures = 0
        self.waits = 0
        self.replies_before: int | None = None
        self.wave = 0
        self.tokens = 0


class CallQueue:
    """Calls that were not tried yet, in order, and before them those that are due for another try."""

    # Calls are drawn from their source one at a time, as they are needed.

    def __init__(self, calls: Iterable[Call], waiting_limit: int) -> None:
        self._source = enumerate(calls)
        self._most_waiting = waiting_limit
        self._again: list[tuple[float, int, Attempt]] = []
        self._ahead = self._draw()

    @property
    def empty(self) -> bool:
        """Whether no call is left."""
        return self._ahead is None and not self._again

    @property
    def due_at(self) -> float:
        """When the first of those that were tried is due again; only where `take` gave none of a line with calls."""
        return self._again[0][0]

    def take(self, now: float) -> Attempt | None:
        """Take the next call out of the line."""
        if self._again and self._again[0][0] <= now:
            return heapq.heappop(self._again)[2]
        if self._ahead is None or len(self._again) >= self._most_waiting:
            return None
        attempt, self._ahead = self._ahead, self._draw()
        return attempt

    def put_back(self, attempt: Attempt, due_at: float) -> None:
        """Have a call wait for another try."""
        heapq.heappush(self._again, (due_at, attempt.position, attempt))

    def rest(self) -> Iterator[Attempt]:
        """The keys of all calls that are still to be answered, in order."""
        yield from (attempt for _, _, attempt in self._again)
        self._again.clear()
        while self._ahead is not None:
            yield self._ahead
            self._ahead = self._draw()

    def _draw(self) -> Attempt | None:
        attempt = next(self._source, None)
        return None if attempt is None else Attempt(attempt[1], attempt[0])
