"""What `structured` comes to: by the reader, by what is known of the model, and by the room that there is."""

from __future__ import annotations

from typing import Any

import pytest

from ragtally.api import Choice, ModelTraits, ReaderTraits
from ragtally.plan.answer_form import answer_form

ANSWERS = ("yes", "no", "maybe")


@pytest.mark.parametrize(
    ("structured", "takes_schema", "as_json", "constrained"),
    [
        ("auto", True, True, True),
        ("auto", None, False, False),
        ("auto", False, False, False),
        ("prompt", True, True, False),
        ("prompt", False, True, False),
        (True, True, True, True),
        (True, None, True, True),
        (False, True, False, False),
    ],
)
def test_auto_is_what_is_known_and_the_rest_is_as_written(
    structured: Any, takes_schema: bool | None, as_json: bool, constrained: bool
) -> None:
    reader = ReaderTraits(prompts=True, structured=structured)
    form = answer_form(reader, ModelTraits("groq", "big", takes_schema=takes_schema), ANSWERS)
    assert (form.as_json, form.constrained) == (as_json, constrained) and form.why


@pytest.mark.parametrize(("limit", "constrained"), [(None, True), (16, True), (15, True), (14, False), (5, False)])
def test_auto_cuts_no_answer_short(limit: int | None, constrained: bool) -> None:
    reader = ReaderTraits(prompts=True, structured="auto")
    form = answer_form(reader, ModelTraits("groq", "big", takes_schema=True, output_tokens=limit), ANSWERS)
    assert form.constrained is constrained
    assert constrained or f"max_tokens: {limit}" in form.why


def test_the_words_count_that_the_model_is_asked_for() -> None:
    words = (("yes", "ja"), ("no", "nein"), ("maybe", "möglicherweise"))
    reader = ReaderTraits(prompts=True, structured="auto", words=words)
    model = ModelTraits("groq", "big", takes_schema=True, output_tokens=16)
    assert not answer_form(reader, model, ANSWERS).constrained


def test_a_reader_is_told_what_it_comes_to_and_one_without_the_parameter_nothing() -> None:
    form = answer_form(ReaderTraits(structured="auto"), ModelTraits("a", "b", takes_schema=True), ANSWERS)
    chat, other = Choice("reader", "chat", {"structured": "auto", "x": 1}), Choice("reader", "own", {"x": 1})
    assert form.of(chat).parameters == {"structured": True, "x": 1}
    assert form.of(other) is other
