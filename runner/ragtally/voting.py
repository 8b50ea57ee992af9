"""What votes come to, and how that compares with the gold labels or reference texts."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragtally.api import ABSTENTION, GradedAnswers, PluginError, Status, VoteRule
from ragtally.support.answer_text import normalise


@dataclass(frozen=True, slots=True)
class Ballots:
    """The ballots of several votes over the same questions, in columns."""

    # Per vote, one ballot per question: one of the declared answers, None where there is none.
    choice: Sequence[Sequence[str | None]]
    # Per vote, whether the reader gave no answer at all; a ballot that is None without having failed is unparsed.
    failed: Sequence[Sequence[bool]]

    def __post_init__(self) -> None:
        if not self.choice or len(self.choice) != len(self.failed):
            raise ValueError("ballots need at least one vote, and as many columns of failures as of choices")
        if len({len(column) for column in (*self.choice, *self.failed)}) > 1:
            raise ValueError("every vote must have one ballot per question")
        for choices, failures in zip(self.choice, self.failed, strict=True):
            if any(flag and choice is not None for choice, flag in zip(choices, failures, strict=True)):
                raise ValueError("a failed call has no ballot")

    def __len__(self) -> int:
        return len(self.choice[0])


def select_ballots(ballots: Ballots, rows: Sequence[int]) -> Ballots:
    """Restrict ballots to some of the questions."""
    return Ballots(
        choice=[[column[row] for row in rows] for column in ballots.choice],
        failed=[[column[row] for row in rows] for column in ballots.failed],
    )


def decide(ballots: Ballots, rule: VoteRule) -> list[str | None]:
    """Ask the vote rule about every question; about equal ballots once, since rules are pure."""
    cache: dict[tuple[str | None, ...], str | None] = {}
    verdicts = []
    for cast in zip(*ballots.choice, strict=True):
        if cast not in cache:
            verdict = rule.verdict(cast)
            if verdict is not None and verdict not in cast:
                raise PluginError(
                    f"the vote rule {type(rule).__name__} decides for {verdict!r}, but the ballots are {cast}",
                    hint="a rule must return one of the ballots' answers, or None for no verdict",
                )
            cache[cast] = verdict
        verdicts.append(cache[cast])
    return verdicts


def decide_open(
    ballots: Ballots, rule: VoteRule, language: str, same: Mapping[int, Collection[tuple[str, str]]] | None = None
) -> list[str | None]:
    """Ask the vote rule about open answers; those that are equal once normalised are ballots for one answer.

    So are those that say the `same`, by row the pairs of `answer_pairs` that do.
    """
    # The rule sees the normalised texts; the verdict is the first ballot that is one of them, in its own words.
    keys = [[None if ballot is None else pool_of(ballot, language) for ballot in column] for column in ballots.choice]
    if same:
        rows = [
            _unite(cast, {(pool_of(one, language), pool_of(other, language)) for one, other in same.get(row, ())})
            for row, cast in enumerate(zip(*keys, strict=True))
        ]
        keys = [list(column) for column in zip(*rows, strict=True)]
    verdicts = decide(Ballots(keys, ballots.failed), rule)
    casts = zip(zip(*ballots.choice, strict=True), zip(*keys, strict=True), verdicts, strict=True)
    return [None if verdict is None else cast[own.index(verdict)] for cast, own, verdict in casts]


def answer_pairs(ballots: Ballots, language: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """List every two answers to a question that differ once normalised, in the words of their first ballots."""
    # Who abstains says nothing that an answer could say too.
    for row, cast in enumerate(zip(*ballots.choice, strict=True)):
        answers: dict[str, str] = {}
        for ballot in cast:
            if ballot is not None and ballot != ABSTENTION:
                answers.setdefault(pool_of(ballot, language), ballot)
        yield from ((row, pair) for pair in itertools.combinations(answers.values(), 2))


def _unite(keys: Sequence[str | None], same: Collection[tuple[str, str]]) -> list[str | None]:
    """Give each answer the key of the first one before it that begins a pool and says the same."""
    # By the first alone: what says the same as the last of a pool may say something else than its first.
    firsts: list[str] = []
    pools: dict[str | None, str | None] = {None: None}
    for key in keys:
        if key is not None and key not in pools:
            pools[key] = next((first for first in firsts if (first, key) in same), key)
            if pools[key] == key:
                firsts.append(key)
    return [pools[key] for key in keys]


def pool_of(ballot: str, language: str) -> str:
    """The form in which an open answer is compared with others."""
    # What normalisation leaves nothing of ("The", "+") is itself.
    return ballot if ballot == ABSTENTION else normalise(ballot, language) or ballot.strip()


def grade_open(
    ballots: Ballots,
    verdicts: Sequence[str | None],
    grades: Sequence[bool | None],
    references: Sequence[Sequence[str]],
    language: str,
) -> GradedAnswers:
    """Put open answers beside their references, graded already; None is not graded."""
    statuses = {True: Status.RIGHT, False: Status.WRONG, None: Status.NOT_GRADED}
    status = [
        _without_verdict(cast, no_replies) if verdict is None else statuses[grade]
        for verdict, grade, cast, no_replies in zip(
            verdicts, grades, zip(*ballots.choice, strict=True), zip(*ballots.failed, strict=True), strict=True
        )
    ]
    votes = len(ballots.choice)
    return GradedAnswers((), verdicts, status, (), votes, *_missing(ballots), references, language)


def grade_verdicts(
    ballots: Ballots, verdicts: Sequence[str | None], gold: Sequence[str], answers: tuple[str, ...]
) -> GradedAnswers:
    """Compare verdicts with the gold labels."""
    # A question without a verdict is `CALL_FAILED` where every call failed, `UNPARSED` where no ballot could be read,
    # and `NO_VERDICT` where ballots were read but the rule could not decide.
    if not len(gold) == len(verdicts) == len(ballots):
        raise ValueError(f"there are {len(gold)} gold labels for {len(ballots)} questions")
    strange = set(gold).union(*ballots.choice) - {*answers, None}
    if strange:
        raise ValueError(f"{sorted(map(str, strange))} are not among the declared answers {answers}")
    calls_failed = zip(*ballots.failed, strict=True)
    casts = zip(*ballots.choice, strict=True)
    status = [
        _status(label, verdict, cast, no_replies)
        for label, verdict, cast, no_replies in zip(gold, verdicts, casts, calls_failed, strict=True)
    ]
    return GradedAnswers(gold, verdicts, status, answers, len(ballots.choice), *_missing(ballots))


def _missing(ballots: Ballots) -> tuple[list[int], list[int]]:
    """How many votes on each question could not be read, and how many failed."""
    failures = [sum(no_replies) for no_replies in zip(*ballots.failed, strict=True)]
    absent = [cast.count(None) for cast in zip(*ballots.choice, strict=True)]
    return [none - failure for none, failure in zip(absent, failures, strict=True)], failures


def _status(gold: str, verdict: str | None, cast: tuple[str | None, ...], no_replies: tuple[bool, ...]) -> Status:
    if verdict is not None:
        return Status.RIGHT if verdict == gold else Status.WRONG
    return _without_verdict(cast, no_replies)


def _without_verdict(cast: tuple[str | None, ...], no_replies: tuple[bool, ...]) -> Status:
    if all(no_replies):
        return Status.CALL_FAILED
    if all(choice is None for choice in cast):
        return Status.UNPARSED
    return Status.NO_VERDICT
