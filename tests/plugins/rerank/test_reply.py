"""What language models say, and the order that is read out of it."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally_rerank.reply import ranking_in


@pytest.mark.parametrize(
    ("reply", "order"),
    [
        ("[2] > [1] > [3]", [2, 1, 3]),
        ("[2]>[1]>[3]", [2, 1, 3]),
        ("**[2] > [1] > [3]**", [2, 1, 3]),
        ("[2] >\n[1] >\n[3]", [2, 1, 3]),
        ("2 > 1 > 3", [2, 1, 3]),
        ("Passage 2 > Passage 1 > Passage 3", [2, 1, 3]),
        ("Passage [2] > Passage [1]", [2, 1]),
        ("[ 2 ] > [ 1 ]", [2, 1]),
        ("[2, 1, 3]", [2, 1, 3]),
        ('{"ranking": [2, 1, 3]}', [2, 1, 3]),
        ('["2", "1", "3"]', [2, 1, 3]),
        ("[2], [1], [3]", [2, 1, 3]),
        ("1. [2]\n2. [3]\n3. [1]", [2, 3, 1]),
        ("2, 1, 3.", [2, 1, 3]),
        ("2\n1\n3", [2, 1, 3]),
        ("3", [3]),
        ("[3]", [3]),
        ("The best one is [3].", [3]),
        ("[2] > [2] > [1] > [2]", [2, 1]),
        ("[9] > [2] > [0] > [1] > [-3]", [2, 1]),
        ("[2] > [1] > [", [2, 1]),
        ("Passage [3] is about fever, [1] is not. So: [1] > [3] > [2]", [1, 3, 2]),
        ("First I had [1] > [2] > [3]. On reflection: [3] > [2] > [1].", [3, 2, 1]),
        ("[3] > [1] > [2], because 2 > 1 in relevance", [3, 1, 2]),
        ("<think>Maybe [1] > [2] > [3]?</think>\n[3] > [1]", [3, 1]),
        ("so [1] > [2] > [3]</think>[2] > [3]", [2, 3]),
        ("[2] > [1]\n<thinking>was that right? [1] > [2] > [3]", [2, 1]),
    ],
)
def test_an_order_is_read(reply: str, order: list[int]) -> None:
    assert ranking_in(reply, 3) == tuple(number - 1 for number in order)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " \n",
        "I cannot rank passages.",
        "<think>[1] > [2] > [3]",
        "[7] > [8]",
        "[-1] > [1000000] > []",
        "In 2 of 3 trials p < 0.05.",
        "The difference was 3.2 > 1.1 days.",
        "99999999999999999999",
        "[²] > [³]",
    ],
)
def test_nothing_is_read_where_no_order_is_said(reply: str) -> None:
    assert ranking_in(reply, 3) == ()


@pytest.mark.parametrize("form", ["[{}]", "{}"])
@pytest.mark.parametrize("joint", [" > ", ">", " >\n"])
def test_every_permutation_is_read_back(form: str, joint: str) -> None:
    for order in itertools.permutations(range(4)):
        assert ranking_in(joint.join(form.format(location + 1) for location in order), 4) == order


@given(st.text(alphabet='[]123 4>,.\n<think/>[]ab"*', max_size=60), st.integers(0, 4))
def test_whatever_is_said_gives_different_places_of_passages(reply: str, count: int) -> None:
    places = ranking_in(reply, count)
    assert len(set(places)) == len(places)
    assert all(0 <= location < count for location in places)


@pytest.mark.parametrize(
    "piece", ["[1] > ", "1 ", "[", "1" * 7, " > ", "[1, ", "1 " + " " * 50, "<think>", "passage "]
)
def test_a_long_reply_is_read_in_time(piece: str) -> None:
    started = time.process_time()
    ranking_in(piece * (60_000 // len(piece)), 20)
    assert time.process_time() - started < 1
