"""Requests or tokens per minute, spread evenly."""

from __future__ import annotations

import math

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
