"""The contract of a vote rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class VoteRule(Protocol):
    """Turns the ballots on one question into a verdict; pure."""

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        """Decide one question.

        Args:
            ballots: One ballot per vote asked for; None for a vote that was unparsed or failed. Their number
                is the N of the rule: an unparsed ballot shrinks nothing.

        Returns:
            The verdict, one of the ballots' answers; None for no verdict.
        """
        ...
