"""Normalisation and likeness of open answers, beside the evaluation scripts of SQuAD and MLQA, written again here."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.support.answer_text import all_words, is_exact, normalise, rouge_l, token_f1

PIECES = [
    *(
        "a",
        "an",
        "the",
        "The",
        "THE",
        "theory",
        "Paris",
        "paris",
        "42",
        "3.5",
        "U.S.",
        "don't",
        "x-ray",
        "é",
        "$",
        "+",
    ),
    *(" ", "  ", "\n", "\t", ",", ".", "'", '"', "-", "(", ")"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def squad_normalise(text: str) -> str:
    """As in `evaluate-v1.1.py`, step by step in its order."""
    text = "".join(sign for sign in text.lower() if sign not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def squad_f1(prediction: str, truth: str) -> float:
    """As in `evaluate-v2.0.py`, which scores texts without words as equal or not."""
    one, other = squad_normalise(prediction).split(), squad_normalise(truth).split()
    if not one or not other:
        return float(one == other)
    same = sum((Counter(one) & Counter(other)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(one), same / len(other)
    return 2 * precision * recall / (precision + recall)


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """By the definition, without a table."""
    if not one or not other:
        return 0
    if one[0] == other[0]:
        return 1 + longest_common(one[1:], other[1:])
    return max(longest_common(one[1:], other), longest_common(one, other[1:]))


@given(TEXTS)
def test_english_is_normalised_as_squad_does(text: str) -> None:
    assert normalise(text) == squad_normalise(text)


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_exact_match_and_f1_are_those_of_squad(verdict: str, references: list[str]) -> None:
    assert is_exact(verdict, references) == any(
        squad_normalise(verdict) == squad_normalise(one) for one in references
    )
    assert token_f1(verdict, references) == pytest.approx(max(squad_f1(verdict, one) for one in references))


@given(st.lists(st.sampled_from("abc"), max_size=7), st.lists(st.sampled_from("abc"), max_size=7))
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    common = longest_common(one, other)
    expected = 2 * common / (len(one) + len(other)) if common else 0.0
    assert rouge_l(" ".join(one), [" ".join(other)]) == pytest.approx(expected)


def test_rouge_l_of_the_published_example() -> None:
    # Lin (2004), section 3.1: both candidates have ROUGE-L of 3/4 and 2/4 with "police killed the gunman".
    assert rouge_l("police kill the gunman", ["police killed the gunman"]) == 0.75
    assert rouge_l("the gunman kill police", ["police killed the gunman"]) == 0.5


@pytest.mark.parametrize(
    ("language", "text", "normal"),
    [
        ("en", "The U.S. dollar", "us dollar"),
        ("en", "cafe\u0301", "café"),
        ("es", "¡El Niño!", "niño"),
        ("pt", "As Índias e o Brasil", "índias e brasil"),
        ("de", "Der Rhein, die Elbe", "rhein elbe"),
        ("fr", "L'eau de la mer", "eau de mer"),
        ("it", "L’acqua e un'ora", "acqua e ora"),
        ("nl", "De Maas en het IJ", "maas en ij"),
        ("zh", "北京，中国 2008年", "北 京 中 国 2008 年"),
        ("ja", "東京タワー", "東 京 タ ワ ー"),
        ("pt", "the A", "the"),
    ],
)
def test_articles_and_words_go_by_language(language: str, text: str, normal: str) -> None:
    assert normalise(text, language) == normal


def test_words_keep_articles() -> None:
    assert all_words("The 2nd U.S. x-ray") == ["the", "2nd", "u", "s", "x", "ray"]
    assert all_words("北京 OK", "zh") == ["北", "京", "ok"]
