"""How fast calls are sent: the stated pace, what rate limits and outages ask for, and when to give up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ragtally.api import CallError, Limits, Prompt, derive_seed
from ragtally.llm.capacity import Capacity
from ragtally.llm.queue import Attempt
from ragtally.llm.retry import LONGEST_WAIT, backoff
from ragtally.llm.stop import StopReason

_WINDOW = 60.0
# Seconds by which the pace may run ahead, so that a late timer of the event loop costs no throughput.
_SLACK = 0.25
_ABOVE_ROUNDING = 1 + 1e-9


class Pace:
    """Says when the next amount may be spent, so that no minute gets more than its share."""

    # The generic cell rate algorithm ("virtual scheduling algorithm", ITU-T Recommendation I.371): every amount takes
    # its share of a minute, and the next may begin when the shares before it are over, less a slack. Amounts of 1
    # stay within the limit in every window of 60 seconds, wherever it begins; larger amounts (tokens) stay within the
    # limit and one amount more.

    def __init__(self, per_minute: int) -> None:
        if per_minute < 1:
            raise ValueError(f"a limit of {per_minute} a minute lets nothing through")
        self._seconds_each = (_WINDOW + _SLACK) / per_minute * _ABOVE_ROUNDING
        self._over_at = -math.inf

    @property
    def opens_at(self) -> float:
        """From when on something may be spent, in seconds of the event loop's clock."""
        return self._over_at - _SLACK

    def spend(self, amount: int, now: float) -> None:
        """Take a share of the minute."""
        self._over_at = max(now, self._over_at) + amount * self._seconds_each

    def correct(self, difference: int) -> None:
        """Make up for an amount that was spent under a wrong estimate."""
        self._over_at += difference * self._seconds_each


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

    def note_reply(self, wave: int, now: float) -> None:
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

    def note_limit(self, wave: int, now: float, retry_after: float | None, jitter: float) -> None:
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


# So many calls that the server fails in a row, without one sign of life, are an outage; fewer may be their own fault,
# and use up their retries.
PROBE_AFTER = 10
# Seconds of an outage that are waited for where the model has not answered yet: it may not have been started.
PATIENCE_AT_FIRST = {"connection": 5.0, "server": 30.0}
# Seconds of an outage that are waited for where the model has answered before: it may be restarting.
PATIENCE = {"connection": 30.0, "server": 120.0}
# Seconds of nothing but rate limits before they are taken for a quota.
PATIENCE_WITH_LIMITS = 3600.0
# So many calls that failed permanently, and none that was answered in between, end the delivery.
FAILED_IN_A_ROW = 50
# So many prompts in a row that were answered late with nothing else in flight end it, too. Where calls were given up
# before, the server may be busy with those still, which it does not tell.
LATE_ALONE_IN_A_ROW = 3
LATE_BEHIND_OTHERS_IN_A_ROW = 12
_LONGEST_PAUSE = 10.0


class Outage:
    """Follows failures in a row, over all calls, and says when to probe and when to stop."""

    def __init__(self, now: float) -> None:
        self._ever_replied = False
        self._limits_in_a_row = 0
        self._limited_since = now
        self._failed_in_a_row = 0
        self._late_alone: list[Prompt] = []
        self._let_down: set[int] = set()
        self._since = now
        self._away = False
        self._no_longer_probed = False
        self._probes = 0

    @property
    def probing(self) -> bool:
        """Whether the server is away, so that one call at a time finds out when it is back."""
        return self._away and len(self._let_down) >= PROBE_AFTER and not self._no_longer_probed

    def note_reply(self) -> None:
        """Note a reply."""
        self._ever_replied = True
        self._limits_in_a_row = 0
        self._failed_in_a_row = 0
        self._late_alone.clear()
        self._no_longer_probed = False
        self._alive()

    def note_refusal(self) -> None:
        """Note an answer that was no reply, but was meant for the one call."""
        self._limits_in_a_row = 0
        self._failed_in_a_row = 0
        self._alive()

    def note_limit(self, error: CallError, now: float) -> StopReason | None:
        """Note a rate limit."""
        self._alive()
        if not self._limits_in_a_row:
            self._limited_since = now
        self._limits_in_a_row += 1
        silent = now - self._limited_since
        if self._limits_in_a_row < PROBE_AFTER or silent < PATIENCE_WITH_LIMITS:
            return None
        message = f"the provider has limited every call for {silent / 60:.0f} minutes: {error.message}"
        return StopReason("daily quota", message, error.hint, error)

    def note_failure(self, position: int, error: CallError, now: float) -> StopReason | None:
        """Note a failure that may be the server's."""
        self._limits_in_a_row = 0
        if not self._let_down:
            self._since = now
        if len(self._let_down) < PROBE_AFTER:
            self._let_down.add(position)
        self._away = error.reason in PATIENCE
        silent = now - self._since
        if not self.probing or silent < (PATIENCE if self._ever_replied else PATIENCE_AT_FIRST)[error.reason]:
            return None
        if error.reason == "server":
            # It is there. These calls may be what it fails on, so from here on they use up their retries.
            self._no_longer_probed = True
            return None
        message = f"no connection to the model's server for {silent:.0f} s: {error.message}"
        return StopReason("outage", message, error.hint, error)

    def note_late_alone(self, prompt: Prompt, error: CallError, *, behind_others: bool) -> StopReason | None:
        """Note that a call was late with nothing else in flight."""
        self._late_alone.append(prompt)
        # The votes on one prompt that makes a model ramble say nothing of the others.
        count = len(set(self._late_alone) if self._ever_replied and not behind_others else self._late_alone)
        if count < (LATE_BEHIND_OTHERS_IN_A_ROW if behind_others else LATE_ALONE_IN_A_ROW):
            return None
        message = f"{len(self._late_alone)} calls in a row: {error.message}"
        return StopReason("outage", message, error.hint, error)

    def note_loss(self, error: CallError) -> StopReason | None:
        """Note that a call has failed permanently."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row < FAILED_IN_A_ROW:
            return None
        message = f"{self._failed_in_a_row} calls in a row have failed permanently, the last one: {error.message}"
        return StopReason("outage", message, error.hint, error)

    def next_pause(self) -> float:
        """Tell how long to wait before the next probe: 1, 2, 4, 8, then 10 seconds."""
        self._probes += 1
        return min(_LONGEST_PAUSE, 2.0 ** min(self._probes - 1, 8))

    def _alive(self) -> None:
        self._let_down.clear()
        self._probes = 0
        self._away = False


# How many rate limits one call may meet before they count against its retries in any case.
MOST_WAITS = 50
# How often one call's time may go by in the server's queue before that counts against its retries.
MOST_QUEUED = 10
# A call that the server could not answer in time twice, with nothing else to do, will not be answered.
MOST_LATE_ALONE = 2
# The limit to set where a call alone cannot keep it, in multiples of the present one.
_LONGER = 4


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What to do after a failed attempt."""

    # When the call may be tried again, in seconds of the event loop's clock; None for never: the call has failed.
    again_at: float | None
    stop: StopReason | None = None  # Why the delivery stops; None for going on
    error: CallError | None = None  # What is to be reported in place of the attempt's own error


class Policy:
    """Judges replies and failures, and remembers what they say of the model's server."""

    # The jitter of a call depends on the seed, the call's key and the number of the try alone, so it is the same in
    # whatever order calls come back.

    def __init__(self, limits: Limits, capacity: Capacity, seed: int, now: float) -> None:
        self._retries, self._timeout = limits.retries, limits.timeout
        self._seed = seed
        self._capacity = capacity
        self._congestion = Congestion(capacity.most)
        self._outage = Outage(now)
        self._started = self._replies = 0
        self._last_answered = 0
        # Whether calls were given up that the server may be busy with still.
        self._given_up, self._last_late = False, 0

    @property
    def room(self) -> int:
        """How many calls may be in flight."""
        return 1 if self._outage.probing else min(self._congestion.room, self._capacity.room)

    @property
    def paused_until(self) -> float:
        """Until when nothing may be started, in seconds of the event loop's clock."""
        return self._congestion.paused_until

    def note_start(self, attempt: Attempt, now: float) -> None:
        """Note that a call is sent."""
        self._started += 1
        attempt.number, attempt.room, attempt.wave = self._started, self.room, self._congestion.wave
        self._capacity.note_start(attempt, now)

    def note_reply(self, attempt: Attempt, seconds: float, in_flight: int, now: float) -> None:
        """Note a reply; `in_flight` counts its call."""
        self._replies += 1
        self._last_answered = max(self._last_answered, attempt.number)
        self._given_up = self._given_up and attempt.number <= self._last_late
        self._outage.note_reply()
        self._congestion.note_reply(attempt.wave, now)
        self._capacity.note_reply(attempt, seconds, in_flight, now)

    def note_failure(self, attempt: Attempt, error: CallError, now: float) -> RetryDecision:
        """Decide what to do after a failed attempt."""
        if error.reason == "timeout":
            return self._on_late(attempt, error, now)
        if error.reason == "daily quota":
            return RetryDecision(now, StopReason("daily quota", error.message, error.hint, error))
        if error.fatal:
            return RetryDecision(None, StopReason("fatal", error.message, error.hint, error))
        if error.reason == "rate limit" or (error.reason == "server" and error.retry_after is not None):
            return self._on_limit(attempt, error, now)
        if error.reason in ("too long", "refused"):
            self._outage.note_refusal()
            return RetryDecision(None)
        stop = self._outage.note_failure(attempt.position, error, now)
        if not error.retryable:
            return RetryDecision(None, stop or self._outage.note_loss(error))
        if self._outage.probing:
            # Those that failed together with the one that began the pause are no further probes.
            if now >= self.paused_until:
                self._congestion.pause(now + self._outage.next_pause())
            return RetryDecision(now, stop)
        return self._count_failure(attempt, error, now)

    def _on_limit(self, attempt: Attempt, error: CallError, now: float) -> RetryDecision:
        wait = error.retry_after
        if wait is not None and wait > LONGEST_WAIT:
            message = f"the provider asks to wait {wait / 3600:.1f} hours: {error.message}"
            return RetryDecision(now, StopReason("daily quota", message, error.hint, error))
        stop = self._outage.note_limit(error, now)
        self._congestion.note_limit(attempt.wave, now, wait, self._fraction("pause", self._congestion.wave))
        others_came_through = attempt.replies_before not in (None, self._replies)
        attempt.replies_before = self._replies
        if attempt.waits < MOST_WAITS and (wait is not None or others_came_through):
            attempt.waits += 1
            # Without a time of the provider's own, others go first: the call at the front finds out nothing more.
            return RetryDecision(now if wait is not None else self._later(attempt, attempt.waits, now), stop)
        return RetryDecision(now, stop) if stop else self._count_failure(attempt, error, now)

    def _on_late(self, attempt: Attempt, error: CallError, now: float) -> RetryDecision:
        # A server answers in the order of asking, but for what it does side by side: a call that was overtaken by
        # one that began a whole window later did not wait for its turn, but was lost or took too long.
        overtaken = self._last_answered >= attempt.number + attempt.room
        may_be_busy = not attempt.alone or self._given_up
        stop = None
        if attempt.alone:
            error = self._explain(error)
            stop = self._outage.note_late_alone(attempt.call.messages, error, behind_others=self._given_up)
        elif not overtaken:
            self._capacity.note_late(attempt)
            self._given_up, self._last_late = True, self._started
        if stop is not None:
            return RetryDecision(now, stop, error)
        if may_be_busy and not overtaken and attempt.queued < MOST_QUEUED:
            attempt.queued += 1
            message = f"waited behind others in the server's queue: {error.message}"
            return RetryDecision(now, error=CallError(message, reason="timeout"))
        attempt.late_alone += attempt.alone
        if attempt.late_alone >= MOST_LATE_ALONE:
            return RetryDecision(None, self._outage.note_loss(error), error)
        self._outage.note_failure(attempt.position, error, now)
        return self._count_failure(attempt, error, now)

    def _explain(self, error: CallError) -> CallError:
        slowest = self._capacity.longest_wait
        seen = f"the slowest answer so far took {slowest:.1f} s" if slowest else "none was answered so far"
        hint = f"{seen}; raise the model's time limit, say to timeout: {math.ceil(_LONGER * self._timeout)}"
        return CallError(f"{error.message}, with nothing else in flight", reason="timeout", hint=hint)

    def _count_failure(self, attempt: Attempt, error: CallError, now: float) -> RetryDecision:
        attempt.failures += 1
        if attempt.failures > self._retries:
            return RetryDecision(None, self._outage.note_loss(error), error)
        return RetryDecision(self._later(attempt, attempt.failures, now), error=error)

    def _later(self, attempt: Attempt, tries: int, now: float) -> float:
        return max(now, self.paused_until) + backoff(tries, self._fraction(attempt.call.key, tries))

    def _fraction(self, *parts: str | int) -> float:
        return derive_seed(self._seed, "delivery", *parts) / 2**32
