from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragtally.api import Call, Message
from ragtally.llm.tokens import (
    count_tokens,
    input_tokens,
    most_input_tokens,
    quick_input_tokens,
    total_input_tokens,
)

ABSTRACT = "In 331 patients with faroturosis, mumotusartan lowered mortality (hazard ratio 0.39, 95% CI 0.23-0.66). "


def _call(*contents: str) -> Call:
    return Call("key", tuple(Message("user", content) for content in contents), "label", 0, None)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("hello world", 2), ("yes", 1)])
def test_tokens_are_those_of_cl100k(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_the_bound_holds_and_the_estimate_is_near_for_abstracts() -> None:
    call = _call("You answer questions.", ABSTRACT * 20)
    assert input_tokens(call) <= most_input_tokens(call) < 2 * input_tokens(call)
    assert quick_input_tokens(call) == pytest.approx(input_tokens(call), rel=0.5)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=50))
def test_many_prompts_are_about_the_sum_of_each(lengths: list[int]) -> None:
    calls = [_call(ABSTRACT * length) for length in lengths]
    assert total_input_tokens(calls) == pytest.approx(sum(map(input_tokens, calls)), rel=0.02)


def test_no_prompt_has_no_tokens() -> None:
    assert total_input_tokens([]) == 0


def test_a_schema_is_a_part_of_what_is_read() -> None:
    plain = Call("key", (Message("user", "Is it? " * 50),), "label", 0, None)
    held = replace(plain, schema={"properties": {"answer": {"enum": ["yes", "no", "maybe"]}}})
    for count in (input_tokens, quick_input_tokens, most_input_tokens):
        assert count(plain) + 10 < count(held) < count(plain) + 60
