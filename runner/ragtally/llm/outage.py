"""A model that does not answer at all: wait and probe for a while, then stop instead of trying every call in vain."""

from __future__ import annotations

from ragtally.api import CallError
from ragtally.llm.stopping import StopReason

# So many calls that the server fails in a row, without one sign of life, are an outage; fewer may be their own fault,
# and use up their retries.
PROBE_AFTER = 10
# Seconds of an outage that are waited for where the model has not answered yet: it may not have been started.
PATIENCE_AT_FIRST = {"connection": 5.0, "server": 30.0}
# Seconds of an outage that are waited for where the model has answered before: it may be restarting.
PATIENCE = {"connection": 30.0, "server": 120.0}
# Seconds of nothing but rate limits before they are taken for a quota.
PATIENCE_WITH_LIMITS = 3600.0
# So many calls that failed for good, and none that was answered in between, end the delivery.
FAILED_IN_A_ROW = 50
_LONGEST_PAUSE = 10.0


class Outage:
    """Follows failures in a row, over all calls, and says when to probe and when to stop."""

    def __init__(self, now: float) -> None:
        self._ever_replied = False
        self._limits_in_a_row = 0
        self._limited_since = now
        self._failed_in_a_row = 0
        self._let_down: set[int] = set()
        self._since = now
        self._away = False
        self._no_longer_probed = False
        self._probes = 0

    @property
    def probing(self) -> bool:
        """Whether the server is away, so that one call at a time finds out when it is back."""
        return self._away and len(self._let_down) >= PROBE_AFTER and not self._no_longer_probed

    def replied(self) -> None:
        """Note a reply."""
        self._ever_replied = True
        self._limits_in_a_row = 0
        self._failed_in_a_row = 0
        self._no_longer_probed = False
        self._alive()

    def refused(self) -> None:
        """Note an answer that was no reply, but was meant for the one call."""
        self._limits_in_a_row = 0
        self._failed_in_a_row = 0
        self._alive()

    def limited(self, error: CallError, now: float) -> StopReason | None:
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

    def failed(self, location: int, error: CallError, now: float) -> StopReason | None:
        """Note a failure that may be the server's."""
        self._limits_in_a_row = 0
        if not self._let_down:
            self._since = now
        if len(self._let_down) < PROBE_AFTER:
            self._let_down.add(location)
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

    def failed_for_good(self, error: CallError) -> StopReason | None:
        """Note that a call has failed for good."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row < FAILED_IN_A_ROW:
            return None
        message = f"{self._failed_in_a_row} calls in a row have failed for good, the last one: {error.message}"
        return StopReason("outage", message, error.hint, error)

    def next_pause(self) -> float:
        """Tell how long to wait before the next probe: 1, 2, 4, 8, then 10 seconds."""
        self._probes += 1
        return min(_LONGEST_PAUSE, 2.0 ** min(self._probes - 1, 8))

    def _alive(self) -> None:
        self._let_down.clear()
        self._probes = 0
        self._away = False
