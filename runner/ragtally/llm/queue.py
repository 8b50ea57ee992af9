"""The calls that wait for their turn."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from ragtally.api import Call, Prompt


class Attempt:
    """A call on its way, through all of its tries."""

    __slots__ = (
        "alone", "call", "failures", "is_later_vote", "late_alone", "number", "position", "queued", "replies_before",
        "room", "round", "share", "tokens", "waits", "wave", "window_wave",
    )  # fmt: skip

    def __init__(self, call: Call, position: int) -> None:
        self.call = call
        self.position = position
        self.is_later_vote = False  # Whether the call before it had the same prompt
        self.failures = 0
        self.waits = 0
        self.queued = 0  # How often its time went by in the server's queue
        self.late_alone = 0  # How often it was late although the server had nothing else to do
        self.replies_before: int | None = None
        self.wave = self.window_wave = 0
        self.tokens = 0
        # Of the try that is under way: its number among all tries, how many calls might be in flight when it began,
        # the round in which it began, whether it has been the only one all the time, and its share of the time.
        self.number = self.room = self.round = 0
        self.alone = False
        self.share = 0.0


class CallQueue:
    """Calls that were not tried yet, in order, and before them those that are due for another try."""

    # Calls are drawn from their source a few at a time, as they are needed. Of equal prompts one goes after the other
    # as far as there is something else to do: the second costs a server that still holds the first next to nothing.

    def __init__(self, calls: Iterable[Call], waiting_limit: int) -> None:
        self._source = enumerate(calls)
        self._most_waiting = waiting_limit
        self._again: list[tuple[float, int, Attempt]] = []
        self._in_flight: Counter[Prompt] = Counter()
        self._next: deque[Attempt] = deque()  # Those whose prompt has just been answered
        self._behind: dict[Prompt, deque[Attempt]] = {}  # Those whose prompt is in flight
        self._count_behind = 0
        self._last_prompt: Prompt | None = None  # Of the call that was drawn last
        self._ahead = self._draw()

    @property
    def empty(self) -> bool:
        """Whether no call is left."""
        return self._ahead is None and not self._again and not self._next and not self._count_behind

    @property
    def due_at(self) -> float:
        """When the first of those that were tried is due again; only where `take` gave none of a line with calls."""
        return self._again[0][0]

    def take(self, now: float) -> Attempt | None:
        """Take the next call out of the line."""
        attempt = self._take(now)
        if attempt is not None:
            self._in_flight[attempt.call.messages] += 1
        return attempt

    def note_end(self, attempt: Attempt) -> None:
        """Note that a call that was taken is back, whatever became of it."""
        prompt = attempt.call.messages
        self._in_flight[prompt] -= 1
        if self._in_flight[prompt] > 0:
            return
        del self._in_flight[prompt]
        if prompt in self._behind:
            self._next.append(self._take_from_behind(prompt))

    def put_back(self, attempt: Attempt, due_at: float) -> None:
        """Have a call wait for another try."""
        heapq.heappush(self._again, (due_at, attempt.position, attempt))

    def rest(self) -> Iterator[Attempt]:
        """All calls that are still to be answered."""
        yield from (attempt for _, _, attempt in self._again)
        yield from self._next
        yield from (attempt for behind in self._behind.values() for attempt in behind)
        self._again.clear()
        self._next.clear()
        self._behind.clear()
        self._count_behind = 0
        while self._ahead is not None:
            yield self._ahead
            self._ahead = self._draw()

    def _take(self, now: float) -> Attempt | None:
        if self._again and self._again[0][0] <= now:
            return heapq.heappop(self._again)[2]
        if self._next:
            return self._next.popleft()
        if len(self._again) >= self._most_waiting:
            return None
        while self._ahead is not None and self._count_behind < self._most_waiting:
            attempt, self._ahead = self._ahead, self._draw()
            prompt = attempt.call.messages
            if prompt not in self._in_flight:
                return attempt
            self._behind.setdefault(prompt, deque()).append(attempt)
            self._count_behind += 1
        return self._take_from_behind(next(iter(self._behind))) if self._behind else None

    def _take_from_behind(self, prompt: Prompt) -> Attempt:
        behind = self._behind[prompt]
        attempt = behind.popleft()
        if not behind:
            del self._behind[prompt]
        self._count_behind -= 1
        return attempt

    def _draw(self) -> Attempt | None:
        position, call = next(self._source, (0, None))
        if call is None:
            return None
        attempt = Attempt(call, position)
        attempt.is_later_vote = call.messages == self._last_prompt
        self._last_prompt = call.messages
        return attempt
