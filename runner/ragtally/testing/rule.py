"""The suite for vote rules."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, ClassVar

from ragtally.api import VoteRule
from ragtally.testing.component import ComponentSuite

_BALLOTS = [list(ballots) for size in range(5) for ballots in itertools.product(["a", "b", "c", None], repeat=size)]


class VoteRuleSuite(ComponentSuite):
    """Checks a vote rule on every set of up to four ballots over three answers.

    Attributes:
        symmetric: Whether the order of the ballots must not matter.
    """

    kind = "rule"
    protocol = VoteRule
    symmetric: ClassVar[bool] = True

    def test_a_verdict_is_one_of_the_ballots_or_none(self, build: Callable[[], Any]) -> None:
        """A rule invents nothing, also from nothing."""
        rule = build()
        for ballots in _BALLOTS:
            verdict = rule.verdict(list(ballots))
            assert verdict is None or verdict in ballots, f"{ballots} gives {verdict!r}, which nobody voted for"

    def test_a_rule_is_pure(self, build: Callable[[], Any]) -> None:
        """The ballots stay as they are, and the same ballots give the same verdict."""
        rule, again = build(), build()
        for ballots in _BALLOTS:
            cast = list(ballots)
            verdict = rule.verdict(cast)
            assert cast == ballots, f"the rule changed the ballots {ballots}"
            assert rule.verdict(cast) == again.verdict(tuple(ballots)) == verdict, f"{ballots} has two verdicts"

    def test_answers_are_only_names(self, build: Callable[[], Any]) -> None:
        """Other labels give the other label: no answer is special to a rule."""
        rule = build()
        new_name: dict[str | None, str | None] = {"a": "yes", "b": "no", "c": "maybe", None: None}
        for ballots in _BALLOTS:
            verdict = rule.verdict([new_name[ballot] for ballot in ballots])
            assert verdict == new_name[rule.verdict(list(ballots))], (
                f"{ballots} has another verdict under other names"
            )

    def test_the_order_of_the_ballots_does_not_matter(self, build: Callable[[], Any]) -> None:
        """Checked unless the suite says that the rule is not symmetric."""
        if self.symmetric:
            rule = build()
            for ballots in _BALLOTS:
                verdict = rule.verdict(sorted(ballots, key=str))
                assert rule.verdict(list(ballots)) == verdict, f"the verdict on {ballots} depends on their order"
