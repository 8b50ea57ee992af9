"""How many calls at once, and from when on: slower when the provider says so, faster again when it lets through."""

from __future__ import annotations

import math

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
# The window grows by at most 1 a second, or by this part of the whole where that is more.
_ROUNDS_TO_DOUBLE = 64


class Congestion:
    """A window of calls in flight, and a pause that all calls share."""

    # Additive increase, multiplicative decrease (Chiu and Jain 1989; RFC 5681): the first rate limit of a wave halves
    # the window, replies widen it slowly up to the stated concurrency. A wave is what was in flight when the window
    # was halved: its other rate limits tell nothing new.

    def __init__(self, concurrency: int) -> None:
        self.wave = 0
        self.paused_until = -math.inf
        self._most = float(concurrency)
        self._window = float(concurrency)
        self._growth_per_second = max(1.0, concurrency / _ROUNDS_TO_DOUBLE)
        self._growth = 0.0
        self._grown_at = -math.inf
        self._waves_without_reply = 0

    @property
    def room(self) -> int:
        """How many calls may be in flight; at least 1."""
        return int(self._window)

    def replied(self, wave: int, now: float) -> None:
        """Widen the window for a call that came through, by at most 1 a round and slowly by the clock."""
        if wave != self.wave:
            return
        self._waves_without_reply = 0
        if self._window < self._most:
            seconds = max(0.0, now - max(self._grown_at, self.paused_until))
            self._growth = min(1.0, self._growth + self._growth_per_second * seconds)
            self._grown_at = now
            growth = min(1 / self._window, self._growth)
            self._growth -= growth
            self._window = min(self._most, self._window + growth)

    def limited(self, wave: int, now: float, retry_after: float | None, jitter: float) -> None:
        """Narrow the window and pause, for a call that met a rate limit."""
        if wave == self.wave:
            self.wave += 1
            self._waves_without_reply += 1
            self._window = max(1.0, self._window / 2)
            self._growth = 0.0
            self._grown_at = now
            if retry_after is None or self._waves_without_reply > 1:
                longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._waves_without_reply - 1, 16))
                self.pause(now + longest * (1 + jitter) / 2)
        if retry_after is not None:
            self.pause(now + retry_after)

    def pause(self, until: float) -> None:
        """Start nothing for a while."""
        self.paused_until = max(self.paused_until, until)
