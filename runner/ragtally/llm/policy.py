"""What follows from a failed try: another one and when, or the call's end, or the end of the delivery."""

from __future__ import annotations

from dataclasses import dataclass

from ragtally.api import CallError, Limits, derive_seed
from ragtally.llm.congestion import Congestion
from ragtally.llm.outage import Outage
from ragtally.llm.queue import Attempt
from ragtally.llm.stopping import StopReason

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 60.0
# How many rate limits one call may meet before they count against its retries in any case.
MOST_WAITS = 50
# Seconds: a provider that asks to wait longer means a quota, not a limit of speed.
LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Ruling:
    """What follows from a failed try."""

    # When the call may be tried again, in seconds of the event loop's clock; None for never: the call has failed.
    again_at: float | None
    stop: StopReason | None = None  # Why the delivery stops; None for going on


def backoff(failures: int, fraction: float) -> float:
    """Tell how long to wait before another try: exponential backoff with full jitter."""
    # Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: a uniform draw from 0 to
    # min(cap, base * 2 ** n).
    return fraction * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 16))


class Policy:
    """Judges replies and failures, and remembers what they say of the model's server."""

    # The jitter of a call depends on the seed, the call's key and the number of the try alone, so it is the same in
    # whatever order calls come back.

    def __init__(self, limits: Limits, seed: int, now: float) -> None:
        self._retries = limits.retries
        self._seed = seed
        self._congestion = Congestion(limits.concurrency)
        self._outage = Outage(now)
        self._replies = 0

    @property
    def room(self) -> int:
        """How many calls may be in flight."""
        return 1 if self._outage.probing else self._congestion.room

    @property
    def wave(self) -> int:
        """The wave of rate limits that a call begins in now."""
        return self._congestion.wave

    @property
    def paused_until(self) -> float:
        """Until when nothing may be started, in seconds of the event loop's clock."""
        return self._congestion.paused_until

    def replied(self, attempt: Attempt, now: float) -> None:
        """Note a reply."""
        self._replies += 1
        self._outage.replied()
        self._congestion.replied(attempt.wave, now)

    def failed(self, attempt: Attempt, error: CallError, now: float) -> Ruling:
        """Judge a failed try."""
        if error.reason == "daily quota":
            return Ruling(now, StopReason("daily quota", error.message, error.hint, error))
        if error.fatal:
            return Ruling(None, StopReason("fatal", error.message, error.hint, error))
        if error.reason == "rate limit" or (error.reason == "server" and error.retry_after is not None):
            return self._limited(attempt, error, now)
        if error.reason in ("too long", "refused"):
            self._outage.refused()
            return Ruling(None)
        stop = self._outage.failed(attempt.location, error, now)
        if not error.retryable:
            return Ruling(None, stop or self._outage.failed_for_good(error))
        if self._outage.probing:
            # Those that failed together with the one that began the pause are no further probes.
            if now >= self.paused_until:
                self._congestion.pause(now + self._outage.next_pause())
            return Ruling(now, stop)
        return self._counted(attempt, error, now)

    def _limited(self, attempt: Attempt, error: CallError, now: float) -> Ruling:
        wait = error.retry_after
        if wait is not None and wait > LONGEST_WAIT:
            message = f"the provider asks to wait {wait / 3600:.1f} hours: {error.message}"
            return Ruling(now, StopReason("daily quota", message, error.hint, error))
        stop = self._outage.limited(error, now)
        self._congestion.limited(attempt.wave, now, wait, self._fraction("pause", self._congestion.wave))
        others_came_through = attempt.replies_before not in (None, self._replies)
        attempt.replies_before = self._replies
        if attempt.waits < MOST_WAITS and (wait is not None or others_came_through):
            attempt.waits += 1
            # Without a time of the provider's own, others go first: the call at the front finds out nothing more.
            return Ruling(now if wait is not None else self._later(attempt, attempt.waits, now), stop)
        return Ruling(now, stop) if stop else self._counted(attempt, error, now)

    def _counted(self, attempt: Attempt, error: CallError, now: float) -> Ruling:
        attempt.failures += 1
        if attempt.failures > self._retries:
            return Ruling(None, self._outage.failed_for_good(error))
        return Ruling(self._later(attempt, attempt.failures, now))

    def _later(self, attempt: Attempt, tries: int, now: float) -> float:
        return max(now, self.paused_until) + backoff(tries, self._fraction(attempt.call.key, tries))

    def _fraction(self, *parts: str | int) -> float:
        return derive_seed(self._seed, "delivery", *parts) / 2**32
