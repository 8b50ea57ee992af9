"""How many calls a model's server does at once, found by trying."""

from __future__ import annotations

import math

from ragtally.api import Limits
from ragtally.llm.queue import Attempt

# The most calls in flight where the spec states no number.
MOST_IN_FLIGHT = 128
# Calls in flight at first, where neither the spec nor the model says how many.
IN_FLIGHT_AT_FIRST = 8
# A larger window is kept where it is faster by this part of what was hoped for, and by no more than this part of the
# whole; a smaller one where it is as fast but for this factor.
_FASTER, _AS_FAST = 0.1, 0.95
# A trial that is slower than that ends early, and the next one comes later.
_HOPELESS = 0.7
# Fewer replies tell too little of a window's speed; at first haste matters more.
_FEWEST_REPLIES, _MORE_REPLIES = 4, 10
# How much less a round counts than the one after it, since servers change.
_DECAY = 0.75
# The part of the time limit that waiting may take for the sake of a trial.
_SAFE_PART = 0.6
# Seconds of waiting that are no matter: the first step may be as large as they allow.
_SHORT_WAIT = 5.0
# Where calls take longer than the shortest time by this factor, they wait for others.
_QUEUES = 1.3
# A server holds prompts where later votes take less than this part of the time of all calls.
_HELD = 0.8
_FIRST_REST, _LONGEST_REST = 4, 32  # rounds between two trials


class Capacity:
    """A window of calls in flight that grows while the server answers faster, and shrinks where calls only wait."""

    # Hill climbing on the rate of replies. What a window is worth is measured over a round: from the first call that
    # begins under it until as many as it holds are answered, and only where it was full all the while, for else
    # something else was the limit. A larger window is tried, and kept where it is faster, a smaller one where calls
    # wait for others. Local servers queue without an end or a word, so a trial that could make calls wait for a large
    # part of their time limit adds one call at most.

    def __init__(self, limits: Limits) -> None:
        if limits.concurrency is not None and limits.concurrency < 1:
            raise ValueError(f"a concurrency of {limits.concurrency} lets nothing through")
        self.most = limits.concurrency or MOST_IN_FLIGHT
        self.longest_wait = 0.0  # Seconds of the slowest reply so far
        self._timeout = limits.timeout
        self._window = min(limits.in_flight_at_first or limits.concurrency or IN_FLIGHT_AT_FIRST, self.most)
        self._window_replies = self._window_seconds = 0.0  # What its speed is known from
        self._wait = 0.0  # Seconds that a call takes in it
        self._shortest_wait = math.inf  # The same in the quickest round of all
        self._trial: int | None = None  # The window that is tried in its place
        self._first_trial = True
        self._rest, self._rounds_left = _FIRST_REST, 0
        self._wave = 0
        self._turns = 1  # How many calls on one prompt follow each other, where that makes them faster
        # The round: its number, when it began (nan until its first call does), its replies, and of the calls that
        # began in it the replies and their seconds, those of later votes on a prompt once more.
        self._round = 0
        self._began = math.nan
        self._replies = self._own_replies = 0
        self._own_seconds = 0.0
        self._later_replies, self._later_seconds = 0, 0.0

    @property
    def room(self) -> int:
        """How many calls may be in flight; at least 1."""
        return self._trial or self._window

    @property
    def is_known(self) -> bool:
        """Whether anything was learnt of the server."""
        return not self._first_trial

    def start_at(self, slots: int) -> None:
        """Begin with as many calls as the server says that it does at once."""
        self._window = min(slots, self.most)

    def begin(self, calls_per_prompt: int) -> None:
        """Begin a delivery, in which each prompt is asked so often in turn."""
        if self._turns > 1 or self._first_trial:
            self._turns = calls_per_prompt
        self._begin_round()

    def note_start(self, attempt: Attempt, now: float) -> None:
        """Count a call in."""
        attempt.round, attempt.window_wave = self._round, self._wave
        if math.isnan(self._began):
            self._began = now

    def note_reply(self, attempt: Attempt, seconds: float, in_flight: int, now: float) -> None:
        """Count a reply, and judge the window when its round is over."""
        self.longest_wait = max(self.longest_wait, seconds)
        if math.isnan(self._began):
            return
        if in_flight < self.room:
            self._begin_round()
            return
        self._replies += 1
        if attempt.round == self._round:
            self._own_replies += 1
            self._own_seconds += seconds
            if attempt.is_later_vote:
                self._later_replies += 1
                self._later_seconds += seconds
        if self._own_replies >= self._replies_needed or self._is_hopeless(now):
            self._judge(max(now - self._began, 1e-9), max(self._own_seconds / self._own_replies, 1e-9))
            self._begin_round()

    def note_late(self, attempt: Attempt) -> None:
        """Narrow the window, since a call waited in the server's queue until its time was over."""
        if attempt.window_wave != self._wave:
            return
        self._wave += 1
        if self.room <= self._window:
            self._window, self._window_replies, self._window_seconds = max(1, self.room // 2), 0.0, 0.0
        self._pause()
        self._begin_round()

    @property
    def _replies_needed(self) -> int:
        # Of equal prompts the first takes longest, so a round has all of them. Where calls differ much in length, a
        # smaller window would soon look as fast by chance: it has to show it for longer.
        rounds = 2 if self.room < self._window else 1
        if self._first_trial and self._window == 1:
            fewest = 1
        else:
            fewest = _FEWEST_REPLIES if self._trial is None or self._rest == _FIRST_REST else _MORE_REPLIES
        return rounds * max(fewest, self.room * self._turns)

    def _is_hopeless(self, now: float) -> bool:
        """Whether a trial is so slow that it need not be taken to its end."""
        seconds = now - self._began
        if (
            self._trial is None
            or self._own_replies < _FEWEST_REPLIES
            or self._replies < _MORE_REPLIES
            or seconds < 2 * self._wait
        ):
            return False
        return self._gain(seconds) < _HOPELESS

    def _gain(self, seconds: float) -> float:
        """How many times faster the round is than the window has been."""
        return self._replies * self._window_seconds / (self._window_replies * seconds)

    def _judge(self, seconds: float, wait: float) -> None:
        self._shortest_wait = min(self._shortest_wait, wait)
        if self._first_trial and self._later_seconds > _HELD * self._later_replies * wait:
            self._turns = 1
        if self._trial is None:
            self._window_replies = _DECAY * self._window_replies + self._replies
            self._window_seconds = _DECAY * self._window_seconds + seconds
            self._wait = wait
            self._rounds_left -= 1
            if self._rounds_left <= 0:
                self._widen()
        elif self._trial > self._window:
            if self._gain(seconds) >= 1 + _FASTER * min(1.0, self._trial / self._window - 1):
                self._window, self._wait = self._trial, wait
                self._window_replies, self._window_seconds = self._replies, seconds
                self._widen()
            else:
                if self._gain(seconds) < _HOPELESS:
                    self._rest = min(2 * self._rest, _LONGEST_REST)
                self._narrow()
        elif self._gain(seconds) >= _AS_FAST:
            # Still held against the speed of the larger one, so that many small losses do not add up.
            self._window, self._wait = self._trial, wait
            self._narrow()
        else:
            self._pause()

    def _widen(self) -> None:
        """Try a larger window."""
        safe = _SAFE_PART * self._timeout
        most = int(self._window * safe / self._wait)
        carefully = self._rest > _FIRST_REST or self._queues or self._turns > 1
        step = (2 if carefully else 4) * self._window
        if self._first_trial and self._turns == 1:
            step = max(step, int(self._window * min(safe, _SHORT_WAIT) / self._wait))
        self._first_trial = False
        trial = min(self.most, max(self._window + 1, min(step, most)))
        if trial > self._window:
            self._trial = trial
        else:
            self._narrow()

    def _narrow(self) -> None:
        """Try a smaller window, where calls wait."""
        if self._queues and self._window > 1:
            self._trial = self._window // 2
        else:
            self._pause()

    def _pause(self) -> None:
        """Try nothing for a while, each time for longer."""
        self._trial = None
        self._rounds_left = self._rest
        self._rest = min(2 * self._rest, _LONGEST_REST)

    @property
    def _queues(self) -> bool:
        return self._wait > _QUEUES * self._shortest_wait

    def _begin_round(self) -> None:
        self._round += 1
        self._began = math.nan
        self._replies = self._own_replies = 0
        self._own_seconds = 0.0
        self._later_replies, self._later_seconds = 0, 0.0
