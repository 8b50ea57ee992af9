"""Near-duplicates, compared with the Jaccard similarity of every pair of sets."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ragtally.duplicates import NearDuplicates, join, near_duplicates, shingles, word_sequences

LIMITS = {
    "as it is": {},
    "all at once": {(join, "_MANY"): 1, (join, "_CLOSE"): 1000},
    "one by one": {
        (join, "_MANY"): 2,
        (join, "_PAIRS"): 1,
        (join, "_SHINGLES"): 3,
        (join, "_PRODUCTS"): 1,
        (join, "_CLOSE"): 0,
        (shingles, "_BLOCK"): 5,
    },
}
"""Sizes of pieces, so that few texts reach every way to work."""


@dataclass(frozen=True)
class Oracle:
    """All pairs, compared one by one."""

    texts: Sequence[str]
    width: int
    similarity: str

    def words(self, row: int) -> tuple[str, ...]:
        return tuple(re.findall("[a-z0-9]+", self.texts[row].lower()))

    def shingles(self, row: int) -> set[tuple[str, ...]]:
        words = self.words(row)
        return {words[at : at + self.width] for at in range(max(len(words) - self.width + 1, 1))} if words else set()

    @cached_property
    def pairs(self) -> dict[tuple[int, int], Fraction]:
        sets = [self.shingles(row) for row in range(len(self.texts))]
        found = {}
        for one, other in itertools.combinations(range(len(sets)), 2):
            if sets[one] and sets[other]:
                found[one, other] = Fraction(len(sets[one] & sets[other]), len(sets[one] | sets[other]))
        return {pair: share for pair, share in found.items() if share >= Fraction(self.similarity)}

    def near(self, row: int, among: Sequence[bool]) -> set[int]:
        return {sum(pair) - row for pair in self.pairs if row in pair and among[sum(pair) - row]}

    def group(self, row: int) -> int:
        if not self.words(row):
            return -1
        reached, waiting = {row}, [row]
        while waiting:
            new = self.near(waiting.pop(), [True] * len(self.texts)) - reached
            reached |= new
            waiting.extend(new)
        return min(reached)


def find(
    texts: Sequence[str], width: int = 1, similarity: float = 0.8, classes: NDArray[np.bool_] | None = None
) -> NearDuplicates:
    given_classes = np.zeros((len(texts), 0), dtype=bool) if classes is None else classes
    return near_duplicates(word_sequences(texts), width, similarity, given_classes)


def everyone(found: NearDuplicates) -> NDArray[np.bool_]:
    return np.ones(len(found.copy_of), dtype=bool)


@st.composite
def variants(draw: st.DrawFn) -> list[str]:
    """Texts made from a few by changing words, so that many are alike."""
    word = st.sampled_from(["a", "B", "b.", "c", "d", "e1", "f", "g", "h", "?"])
    bases = draw(st.lists(st.lists(word, max_size=9), min_size=1, max_size=3))
    texts = []
    for _ in range(draw(st.integers(0, 14))):
        text = list(draw(st.sampled_from(bases)))
        for location, other in draw(st.lists(st.tuples(st.integers(0, 8), word), max_size=2)):
            text[location : location + 1] = [other]
        texts.append(" ".join(text))
    return texts


@pytest.mark.parametrize("limits", LIMITS)
@given(
    texts=variants(), width=st.integers(1, 3), similarity=st.sampled_from(["0.5", "0.6", "0.75", "0.8", "1"]),
    data=st.data(),
)  # fmt: skip
def test_all_that_is_told_agrees_with_comparing_every_pair(
    limits: str, texts: list[str], width: int, similarity: str, data: st.DataObject
) -> None:
    flags = st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))
    classes = [data.draw(flags) for _ in range(data.draw(st.integers(0, 3)))]
    matrix = np.array(classes, dtype=bool).reshape(len(classes), len(texts)).T
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in LIMITS[limits].items():
            patch.setattr(module, name, value)
        found = find(texts, width, float(similarity), matrix)
    oracle = Oracle(texts, width, similarity)
    rows = range(len(texts))
    for left, right, share in zip(found.left, found.right, found.similarity, strict=True):
        assert float(oracle.pairs[left, right]) == share
    assert found.group.tolist() == [oracle.group(row) for row in rows]
    for among in (*classes, [True] * len(texts)):
        examples = found.examples(np.array(among, dtype=bool))
        exact = [
            {other for other in oracle.near(row, among) if oracle.words(other) == oracle.words(row)} for row in rows
        ]
        assert found.copies(np.array(among, dtype=bool)).tolist() == [bool(same) for same in exact]
        for row in rows:
            near, example = oracle.near(row, among), int(examples.text[row])
            assert (example in (exact[row] or near)) if near else example == -1
            expected = oracle.pairs[min(row, example), max(row, example)] if near else 0
            assert examples.similarity[row] == float(expected)


@given(texts=variants(), data=st.data())
def test_the_order_of_the_texts_changes_nothing(texts: list[str], data: st.DataObject) -> None:
    order = np.array(data.draw(st.permutations(range(len(texts)))), dtype=int)
    found, turned = find(texts, 2), find([texts[row] for row in order], 2)
    assert turned.near(everyone(turned)).tolist() == found.near(everyone(found))[order].tolist()
    assert len(set(turned.group)) == len(set(found.group))


@pytest.mark.parametrize(
    ("one", "other", "exact"),
    [
        ("Does it work?", "does IT work", True),
        ("ｗｉｄｅ ｗｏｒｄｓ", "wide words", True),
        ("Cafe\u0301 au lait", "CAFÉ AU LAIT", True),
        ("Is A better than B?", "Is B better than A?", False),
        ("说什么", "什么说", False),
    ],
)
def test_case_width_and_punctuation_do_not_count_but_order_does(one: str, other: str, exact: bool) -> None:
    found = find([one, other])
    assert found.copies(everyone(found)).tolist() == [exact, exact]
    assert found.near(everyone(found)).all()


@pytest.mark.parametrize("texts", [[], [""], ["", "", "..."], ["", "one"], ["one", "two"]])
def test_a_text_without_a_word_is_like_no_other(texts: list[str]) -> None:
    found = find(texts)
    assert not found.near(everyone(found)).any()
    assert found.group.tolist() == [row if text.isalpha() else -1 for row, text in enumerate(texts)]


@pytest.mark.parametrize(("similarity", "near"), [(0.7, True), (0.8, True), (0.8001, False)])
def test_the_threshold_itself_is_similar_enough(similarity: float, near: bool) -> None:
    found = find(["a b c d", "a b c d e"], similarity=similarity)
    assert found.near(everyone(found)).all() == near
    assert found.similarity.tolist() == ([0.8] if near else [])


def made_corpus(texts: int, seed: int) -> list[list[str]]:
    """Texts of 60 words that come about as often as words do."""
    drawn = np.minimum(np.random.default_rng(seed).zipf(1.3, (texts, 60)), 50_000)
    return [[f"w{word}" for word in row] for row in drawn.tolist()]


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_duplicates_are_found_and_nothing_else(seed: int) -> None:
    corpus = made_corpus(3000, seed)
    draws = np.random.default_rng(seed)
    planted = draws.choice(3000, (100, 2), replace=False)
    for number, (source, copy) in enumerate(planted.tolist()):
        corpus[copy] = list(corpus[source])
        if number % 2:
            # One word is in at most three shingles.
            corpus[copy][draws.integers(60)] = "changed"
    found = find([" ".join(words) for words in corpus], width=3)
    assert set(np.flatnonzero(found.near(everyone(found)))) == set(planted.ravel().tolist())
    assert set(np.flatnonzero(found.copies(everyone(found)))) == set(planted[::2].ravel().tolist())


def test_work_grows_no_faster_than_the_corpus() -> None:
    compared = []
    for texts in (1000, 2000, 4000):
        corpus = made_corpus(texts, seed=3)
        for row in range(0, texts, 20):
            corpus[row] = [*corpus[row + 1][:-1], "changed"]
        found = find([" ".join(words) for words in corpus], width=3)
        assert len(found.left) == texts // 20
        compared.append(found.comparisons)
    assert compared[0] >= 50
    assert compared[1] <= 2.2 * compared[0]
    assert compared[2] <= 2.2 * compared[1]


def test_copies_of_one_text_are_not_compared() -> None:
    found = find(["Is it so, or is it not so?"] * 5000 + ["Something else entirely."])
    assert found.comparisons == 0
    assert found.near(everyone(found)).sum() == 5000
    assert len(set(found.group)) == 2


def test_variants_of_one_text_are_not_all_compared() -> None:
    """One of each class is in the crowd, so that everyone must be told of it, wherever it is."""
    base = [f"w{number}" for number in range(100)]
    texts = [" ".join([*base[: row % 100], f"x{row}", *base[row % 100 + 1 :]]) for row in range(2000)]
    classes = np.zeros((2000, 2), dtype=bool)
    classes[:, 0] = True
    classes[1234] = [False, True]
    found = find(texts, 3, 0.8, classes)
    assert found.comparisons < 20 * len(texts)
    assert set(found.group) == {0}
    assert found.near(classes[:, 0]).all()
    assert np.flatnonzero(~found.near(classes[:, 1])).tolist() == [1234]


def test_a_crowd_in_one_group_is_looked_at_until_everyone_has_met_every_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(join, "_MANY", 1)
    member = np.array([[True], [False], [False], [True]])
    found = find(["b c", "c d", "a b c d", "c"], similarity=0.5, classes=member)
    assert found.near(member[:, 0]).all()


def test_the_most_similar_one_is_the_example_and_an_exact_one_comes_first() -> None:
    texts = ["a b c d e f g h", "a b c d e f g h i j", "a b c d e f g h i", "A, b, c, d, e, f, g, h!"]
    found = find(texts, classes=np.eye(4, dtype=bool))
    assert found.examples(everyone(found)).text.tolist() == [3, 2, 1, 0]
    without_copy = found.examples(np.array([False, True, True, False]))
    assert without_copy.text.tolist() == [2, 2, 1, 2]
    assert without_copy.similarity.tolist() == [8 / 9, 9 / 10, 9 / 10, 8 / 9]
