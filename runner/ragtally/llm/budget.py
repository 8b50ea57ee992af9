"""What a study's calls have cost, and whether one more may be paid."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ragtally.api import Call, CallError, ModelTraits, Reply
from ragtally.llm.stop import StopReason
from ragtally.llm.tokens import most_input_tokens
from ragtally.spec.study import Budget

_OUTPUT_TOKENS = 256
_SECONDS_PER_HOUR = 3600


class Spending:
    """Counts dollars and hours against a budget."""

    def __init__(self, budget: Budget) -> None:
        self.dollars = 0.0
        self.unpriced = 0
        self._budget = budget
        self._started = time.monotonic()
        self._held: dict[str, float] = {}

    @property
    def counts_dollars(self) -> bool:
        """Whether there is a budget in dollars, so that what was paid before counts."""
        return self._budget.usd is not None

    def add(self, traits: ModelTraits, replies: Iterable[Reply]) -> None:
        """Count calls that were answered before."""
        for reply in replies:
            self._count(price(traits, reply))

    def add_dollars(self, dollars: float) -> None:
        """Count what was paid before for something else than calls."""
        self.dollars += dollars

    def settle(self, key: str, dollars: float | None) -> None:
        """Count what was held for and is paid now; None for a price that is unknown."""
        self._held.pop(key, None)
        self._count(dollars)

    def release(self, key: str) -> None:
        """Give back what was held for a call that failed."""
        self._held.pop(key, None)

    def hold(self, key: str, most: float, what: str = "the next call") -> StopReason | None:
        """Hold back the most that a call may cost, or say why it must not be made."""
        late, usd = self.time_is_up(), self._budget.usd
        if late is not None or usd is None:
            return late
        if self.dollars + sum(self._held.values()) + most > usd:
            return StopReason(
                "budget",
                f"${self.dollars:.4f} of the budget of ${usd:g} are spent, and {what} could exceed it",
                "raise budget.usd and run the same command to go on",
            )
        self._held[key] = most
        return None

    def owe(self, key: str, most: float) -> None:
        """Hold back what a call may cost that was submitted by an earlier run, whatever the budget says."""
        self._held[key] = most

    def time_is_up(self) -> StopReason | None:
        """Whether the budget of hours is used up."""
        hours = self._budget.hours
        if hours is None or time.monotonic() - self._started < hours * _SECONDS_PER_HOUR:
            return None
        return StopReason("budget", f"the budget of {hours:g} hours is used up", "run the same command to go on")

    def words(self) -> str:
        """Describe what was spent so far."""
        unknown = f" and {self.unpriced:,} calls of unknown price" if self.unpriced else ""
        return f"${self.dollars:.4f}{unknown}"

    def _count(self, dollars: float | None) -> None:
        if dollars is None:
            self.unpriced += 1
        else:
            self.dollars += dollars


def price(traits: ModelTraits, reply: Reply, *, live: bool = False) -> float | None:
    """Price a reply."""
    rates = traits.price if live else traits.effective_price
    if rates is None:
        return None
    return rates.dollars(reply.input_tokens, reply.output_tokens, reply.seconds, reply.cached_tokens)


def failure_price(traits: ModelTraits, error: CallError, seconds: float, *, live: bool = False) -> float | None:
    """Price a reply that was no answer; None where none came, or the price is unknown."""
    rates = traits.price if live else traits.effective_price
    if rates is None or error.tokens is None:
        return None
    return rates.dollars(*error.tokens, seconds)


def worst_price(traits: ModelTraits, call: Call, *, live: bool = False) -> float:
    """Bound what a call may cost: its prompt, and an answer as long as the model may give."""
    rates = traits.price if live else traits.effective_price
    if rates is None:
        return 0.0
    most = rates.dollars(most_input_tokens(call), traits.output_tokens or _OUTPUT_TOKENS, traits.limits.timeout)
    return most or 0.0
