from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ragtally_vote_rules

BALLOTS = st.lists(st.sampled_from(["yes", "no", "maybe", None]), max_size=9)
RULES = {component.name: component.build for component in ragtally_vote_rules.register_vote_rules()}
MAJORITY, PLURALITY, UNANIMOUS = RULES["majority"](), RULES["plurality"](), RULES["unanimous"]()


def quorum(k):
    return RULES["quorum"](k=k)


@pytest.mark.parametrize(
    ("ballots", "majority", "plurality", "unanimous", "quorum_of_2"),
    [
        (["yes", "yes", "yes"], "yes", "yes", "yes", "yes"),
        (["yes", "yes", "no"], "yes", "yes", None, "yes"),
        (["yes", "yes", None], "yes", "yes", None, "yes"),
        (["yes", None, None], None, "yes", None, None),
        (["yes", "no", None], None, None, None, None),
        (["yes", "yes", "no", "no"], None, None, None, None),
        (["yes", "yes", "no", "maybe"], None, "yes", None, "yes"),
        (["yes", "yes", None, None], None, "yes", None, "yes"),
        ([None, None, None], None, None, None, None),
        (["yes"], "yes", "yes", "yes", None),
        ([None], None, None, None, None),
        ([], None, None, None, None),
    ],
)
def test_verdicts(ballots, majority, plurality, unanimous, quorum_of_2):
    assert MAJORITY.verdict(ballots) == majority
    assert PLURALITY.verdict(ballots) == plurality
    assert UNANIMOUS.verdict(ballots) == unanimous
    assert quorum(2).verdict(ballots) == quorum_of_2


@given(BALLOTS)
def test_unanimous_implies_majority_implies_plurality(ballots):
    verdicts = [rule.verdict(ballots) for rule in (UNANIMOUS, MAJORITY, PLURALITY)]
    for stricter, looser in pairwise(verdicts):
        assert stricter is None or stricter == looser


@given(BALLOTS, st.integers(1, 9), st.integers(1, 9))
def test_a_higher_quorum_never_changes_the_answer(ballots, low, high):
    loose, strict = quorum(min(low, high)).verdict(ballots), quorum(max(low, high)).verdict(ballots)
    assert loose is None or strict in (None, loose)
    if 2 * min(low, high) > len(ballots):
        assert strict is None or strict == loose


@given(BALLOTS)
def test_a_quorum_of_more_than_half_is_the_majority_and_of_all_is_unanimity(ballots):
    assert quorum(len(ballots) // 2 + 1).verdict(ballots) == MAJORITY.verdict(ballots)
    assert quorum(max(1, len(ballots))).verdict(ballots) == UNANIMOUS.verdict(ballots)


@given(BALLOTS, st.integers(0, 4))
def test_unread_ballots_never_help(ballots, unread):
    longer = ballots + [None] * unread
    assert PLURALITY.verdict(longer) == PLURALITY.verdict(ballots)
    assert quorum(2).verdict(longer) == quorum(2).verdict(ballots)
    assert MAJORITY.verdict(longer) in (None, MAJORITY.verdict(ballots))
    assert UNANIMOUS.verdict(longer) in (None, UNANIMOUS.verdict(ballots))


@given(BALLOTS, st.integers(1, 9))
def test_against_a_count(ballots, k):
    counts = Counter(filter(None, ballots)).most_common()
    first, most = counts[0] if counts else (None, 0)
    second = counts[1][1] if len(counts) > 1 else 0
    assert MAJORITY.verdict(ballots) == (first if most > len(ballots) / 2 else None)
    assert PLURALITY.verdict(ballots) == (first if most > second else None)
    assert UNANIMOUS.verdict(ballots) == (first if ballots and most == len(ballots) else None)
    assert quorum(k).verdict(ballots) == (first if most >= k > second else None)
