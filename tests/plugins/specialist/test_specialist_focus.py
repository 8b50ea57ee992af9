"""What the reader specialist makes of sentences: which match a question, and what their numbers mean."""

from __future__ import annotations

import numpy as np
import pytest

from ragtally_specialist.focus import focus
from ragtally_specialist.sentences import matchable, matched_words, plain_form, rarity, without


def test_the_matching_sentence_is_in_focus_wherever_it_stands() -> None:
    others = ["Age was 40 years.", "Pain was lower with dolmab (p = 0.01).", "Costs rose by 12%."]
    told = "Sleep was longer with dolmab than with placebo (p = 0.03)."
    contexts = [[" ".join([*others[:location], told, *others[location:]])] for location in range(4)]
    contexts.append([*others, told])
    found = focus(["Does dolmab prolong sleep?"] * 5, contexts, rarity(contexts))
    for question in range(5):
        rows = np.flatnonzero((found.question == question) & (found.role == 0))
        assert found.sentence[rows[np.argmax(found.weight[rows])]] == told
        assert found.weight[rows].sum() == pytest.approx(1)


def test_a_sentence_that_goes_on_from_the_best_is_in_focus_too() -> None:
    context = ["Sleep was longer with dolmab (p = 0.03). However, this was not so after adjustment. Age was 40."]
    found = focus(["Does dolmab prolong sleep?"], [context], rarity([context]))
    assert [found.sentence[row] for row in np.flatnonzero(found.role == 1)] == [
        "However, this was not so after adjustment."
    ]


def test_passages_match_their_own_question_best() -> None:
    contexts = [["Sleep was longer with dolmab."], ["Pain was lower with zolvir."], []]
    found = focus(["Does dolmab prolong sleep?"] * 3, contexts, rarity(contexts[:2]))
    assert (found.match[0, :4] > found.match[1, :4]).all()
    assert not found.match[2].any()
    assert (found.match >= 0).all() and (found.match <= 1 + 1e-9).all()


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Mean was 3.2 (p = 0.03).", "mean was num ( pbelow )."),
        ("P<.001", "pbelow"),
        ("p = 0.05", "pborder"),
        ("p ≤ 0.05", "pbelow"),
        ("(P=.07)", "( pborder )"),
        ("p = 0.43", "pabove"),
        ("p > 0.05", "pabove"),
        ("difference -1.2; 95% CI -1.9 to -0.5", "difference num; num% ciexcludes"),
        ("difference 0.2; 95% CI -1.9 to 2.5", "difference num; num% ciholds"),
        ("odds ratio 0.71 (95% CI, 0.55-0.92)", "odds ratio num (num% ciexcludes )"),
        ("hazard ratio 1.1, 95% confidence interval, 0.8 to 1.4", "hazard ratio num, num% ciholds"),
        ("group 2 of B12", "group num of b12"),
    ],
)
def test_numbers_are_read_by_what_they_mean(sentence: str, words: str) -> None:
    assert " ".join(plain_form(sentence).split()) == words


def test_sentences_end_where_they_end() -> None:
    text = "It rose by 3.2 units. Was it 0.5 mg? Yes!\nA new section. e.g. this stays"
    assert matchable(text).sentences == (
        "It rose by 3.2 units.",
        "Was it 0.5 mg?",
        "Yes!",
        "A new section. e.g. this stays",
    )
    assert matched_words("The drugs") == matched_words("drug")
    assert matched_words("What is the 12?") == []
    assert without([["One here. Two here.", "Two here."]], [{"Two here."}]) == [["One here."]]
