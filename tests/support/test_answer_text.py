"""Normalisation and likeness of open answers, beside the evaluation scripts of SQuAD and MLQA, written again here."""

from __future__ import annotations

import importlib.util
import itertools
import re
import string
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ragtally.support.answer_text import all_words, answer_words, common_words, is_exact, normalise, rouge_l, token_f1

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


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_common_words_are_those_that_f1_counts(verdict: str, references: list[str]) -> None:
    common = common_words(verdict, references)
    assert common is not None
    nearest = references[common.reference]
    assert token_f1(verdict, [nearest]) == token_f1(verdict, references)
    own, other = Counter(answer_words(verdict)), Counter(answer_words(nearest))
    for text, runs in ((verdict, common.in_answer), (nearest, common.in_reference)):
        assert all(0 <= start < end <= len(text) for start, end in runs)
        assert all(one[1] <= next_one[0] for one, next_one in itertools.pairwise(runs))
        marked = Counter(word for start, end in runs for word in answer_words(text[start:end]))
        assert marked == own & other


@pytest.mark.parametrize(
    ("verdict", "references", "language", "own", "other"),
    [
        ("It was the River Tarn, they say.", ["Ouse", "the river Tarn"], "en", ["River Tarn"], ["river Tarn"]),
        ("L'eau de mer est salée.", ["eau salée"], "fr", ["L'eau", "salée"], ["eau salée"]),
        ("東京タワー", ["大阪", "東京"], "ja", ["東京"], ["東京"]),
        ("Tarn, Tarn", ["Tarn"], "en", ["Tarn"], ["Tarn"]),
        ("nothing", ["Tarn"], "en", [], []),
    ],
)
def test_common_words_are_marked_as_they_are_written(
    verdict: str, references: list[str], language: str, own: list[str], other: list[str]
) -> None:
    common = common_words(verdict, references, language)
    assert common is not None
    assert [verdict[start:end] for start, end in common.in_answer] == own
    assert [references[common.reference][start:end] for start, end in common.in_reference] == other


@pytest.mark.skipif(
    importlib.util.find_spec("torchmetrics") is None, reason="needs torchmetrics: pip install torchmetrics"
)
@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_exact_match_and_f1_are_those_of_torchmetrics(verdict: str, references: list[str]) -> None:
    from torchmetrics.functional.text import squad

    # SQuAD 1.1's script, which torchmetrics follows, has no F1 of texts without words; 2.0's has.
    assume(answer_words(verdict) or not any(not answer_words(one) for one in references))
    truth = {"answer_start": [0] * len(references), "text": references}
    scores = squad({"prediction_text": verdict, "id": "q"}, {"answers": truth, "id": "q"})
    assert is_exact(verdict, references) == bool(scores["exact_match"])
    assert token_f1(verdict, references) == pytest.approx(float(scores["f1"]) / 100, abs=1e-6)
