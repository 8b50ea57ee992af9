"""The usual vote rules: majority, plurality, unanimous and quorum.

N is always the number of ballots requested: a ballot that could not be read (None) agrees with nobody and
shrinks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ragtally import Component, hookimpl


class Majority:
    """More than half of the ballots asked for."""

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        """Decide one question."""
        return next((answer for answer, count in _tally(ballots).items() if 2 * count > len(ballots)), None)


class Plurality:
    """More ballots than any other answer."""

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        """Decide one question."""
        tally = _tally(ballots)
        most = max(tally.values(), default=0)
        return _only([answer for answer, count in tally.items() if count == most])


class Unanimous:
    """All ballots asked for."""

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        """Decide one question."""
        return ballots[0] if len(set(ballots)) == 1 else None


@dataclass(frozen=True, slots=True)
class Quorum:
    """At least k of the ballots asked for, and no other answer with as many."""

    k: int  # How many ballots an answer needs

    def verdict(self, ballots: Sequence[str | None]) -> str | None:
        """Decide one question."""
        return _only([answer for answer, count in _tally(ballots).items() if count >= self.k])


def _tally(ballots: Sequence[str | None]) -> Counter[str]:
    return Counter(ballot for ballot in ballots if ballot is not None)


def _only(answers: list[str]) -> str | None:
    return answers[0] if len(answers) == 1 else None


@hookimpl
def register_vote_rules() -> list[Component]:
    """Offer the four rules."""
    return [
        Component("majority", Majority, "The answer on more than half of the ballots asked for."),
        Component("plurality", Plurality, "The answer with the most ballots; a tie is no verdict."),
        Component("unanimous", Unanimous, "The answer on all of the ballots asked for."),
        Component(
            "quorum",
            Quorum,
            "The answer on at least k of the ballots asked for; no verdict where two answers have so many.",
            params={"k": {"type": "integer", "minimum": 1, "description": "How many ballots an answer needs."}},
        ),
    ]
