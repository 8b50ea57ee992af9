"""Open answers are read as the text that is stated, without what stands around it; abstentions are told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import ABSTENTION
from ragtally.parsing import Reason, parse_open


@pytest.mark.parametrize(
    ("text", "answer", "reason"),
    [
        ("Paris.", "Paris.", Reason.WHOLE),
        ("  **Paris** \n", "Paris", Reason.WHOLE),
        ('"Paris"', "Paris", Reason.WHOLE),
        ("“Paris”", "Paris", Reason.WHOLE),
        ("'tis", "'tis", Reason.WHOLE),
        ("No 10 Downing Street", "No 10 Downing Street", Reason.WHOLE),
        ("Answer: Paris", "Paris", Reason.ANNOUNCED),
        ("The passages say so.\n\nThe answer is: 42 km", "42 km", Reason.ANNOUNCED),
        ("**Final answer:** the Moon\nExplanation: it shines.", "the Moon\n", Reason.ANNOUNCED),
        ("Answer: the cat\nFinal answer: the dog", "the dog", Reason.ANNOUNCED),
        ("Resposta: Lisboa", "Lisboa", Reason.ANNOUNCED),
        ("La respuesta es Madrid", "Madrid", Reason.ANNOUNCED),
        ("答案：北京", "北京", Reason.ANNOUNCED),
        ("Answer:\nParis", "Paris", Reason.ANNOUNCED),
        ('{"answer": "308"}', "308", Reason.JSON),
        ('```json\n{"explanation": "so", "answer": 308}\n```', "308", Reason.JSON),
        ('{"answer": ["red", "blue"]}', "red, blue", Reason.JSON),
        ("So \\boxed{7}.", "7", Reason.MARKED),
        ("<answer>Rome</answer>", "Rome", Reason.MARKED),
        ("<think>Answer: no</think>\n\nRome", "Rome", Reason.WHOLE),
        ("&lt;think&gt;hm&lt;/think&gt;Rome", "Rome", Reason.WHOLE),
        ("I don't know the exact date, but it was 1997.", None, Reason.WHOLE),
    ],
)
def test_the_answer_is_the_text_that_is_stated(text: str, answer: str | None, reason: Reason) -> None:
    result = parse_open(text)
    assert (result.choice, result.reason) == ((text if answer is None else answer).strip(), reason)


@pytest.mark.parametrize(
    "text",
    [
        "I cannot answer",
        "I can't answer this from the passages.",
        "I can’t answer.",
        "Sorry, I do not know.",
        "The passages do not mention it.",
        "Answer: I cannot answer",
        '{"answer": "cannot answer"}',
        "Unanswerable",
        "N/A",
        "Não posso responder.",
        "Os trechos não mencionam isso.",
        "Não sei",
        "No puedo responder",
        "Los pasajes no mencionan la fecha.",
        "<think>Rome?</think>I cannot answer",
    ],
)
def test_who_says_that_it_cannot_be_answered_abstains(text: str) -> None:
    assert parse_open(text) == (ABSTENTION, Reason.ABSTENTION)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        (" \n", Reason.EMPTY),
        ("?!", Reason.EMPTY),
        ("<think>Rome", Reason.UNFINISHED),
        ('{"answer": null}', Reason.EMPTY),
    ],
)
def test_what_says_nothing_is_unparsed(text: str, reason: Reason) -> None:
    assert parse_open(text) == (None, reason)


def test_a_reply_that_was_cut_off_while_thinking_says_nothing() -> None:
    assert parse_open("Okay, the user asks", cut_off=True) == (None, Reason.UNFINISHED)


@given(st.text(max_size=60))
def test_any_text_is_read_and_an_answer_has_a_word(text: str) -> None:
    choice = parse_open(text).choice
    assert choice is None or any(map(str.isalnum, choice))


@given(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12))
def test_an_object_gives_the_text_of_its_key(word: str) -> None:
    result = parse_open(json.dumps({"answer": word}))
    assert result.choice in (word, ABSTENTION)


def test_the_key_may_have_another_name() -> None:
    assert parse_open('{"short": "Rome", "long": "It is Rome."}', ["short"]).choice == "Rome"
