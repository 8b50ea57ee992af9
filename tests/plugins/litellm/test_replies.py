"""Bodies of good answers are read without trust."""

from __future__ import annotations

from typing import Any

import pytest

from ragtally.api import CallError
from ragtally_litellm.replies import read_answer


def openai(message: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"message": message, "finish_reason": "stop", **more}]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("yes", "yes"),
        ("", ""),
        (None, ""),
        ([{"type": "text", "text": "ye"}, {"type": "text", "text": "s"}], "yes"),
        ([{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "no"}], "no"),
    ],
)
def test_the_text_is_found(content: Any, text: str) -> None:
    assert read_answer(openai({"content": content}), "openai").text == text
    if not isinstance(content, list):
        assert read_answer({"message": {"content": content}, "done": True}, "ollama").text == text


def test_reasoning_is_no_part_of_the_answer() -> None:
    assert (
        read_answer(openai({"content": "no", "reasoning_content": "yes", "reasoning": "yes"}), "openai").text == "no"
    )
    assert read_answer({"message": {"content": "no", "thinking": "yes"}}, "ollama").text == "no"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3},
            {"prompt_tokens": 3, "completion_tokens": 0},
        ),
        ({"prompt_tokens": -3, "completion_tokens": "4"}, {}),
        ({"prompt_tokens": True, "completion_tokens": 4.0}, {}),
        (None, {}),
        ([], {}),
    ],
)
def test_counts_are_whole_numbers_or_left_out(usage: Any, counts: dict[str, int]) -> None:
    assert read_answer({**openai({"content": "yes"}), "usage": usage}, "openai").usage == counts


def test_ollamas_counts_and_reason_are_found() -> None:
    body = {
        "message": {"content": "a"},
        "done_reason": "length",
        "prompt_eval_count": 5,
        "eval_count": 2,
        "model": "m",
    }
    answer = read_answer(body, "ollama")
    assert answer == ("a", "length", "m", {"prompt_tokens": 5, "completion_tokens": 2})


@pytest.mark.parametrize(
    ("body", "dialect", "reason"),
    [
        ([], "openai", "bad reply"),
        (None, "ollama", "bad reply"),
        ({}, "openai", "bad reply"),
        ({"choices": []}, "openai", "bad reply"),
        ({"choices": ["x"]}, "openai", "bad reply"),
        ({"choices": [{"message": None}]}, "openai", "bad reply"),
        (openai({"content": 3}), "openai", "bad reply"),
        (openai({"content": None, "refusal": "I cannot"}), "openai", "refused"),
        (openai({"content": None}, finish_reason="content_filter"), "openai", "refused"),
        ({"message": "x"}, "ollama", "bad reply"),
        ({"message": {"content": "half"}, "done": False}, "ollama", "bad reply"),
    ],
)
def test_what_is_no_answer_is_a_failure(body: Any, dialect: Any, reason: str) -> None:
    with pytest.raises(CallError) as caught:
        read_answer(body, dialect)
    assert caught.value.reason == reason


def test_a_filtered_answer_with_text_is_an_answer() -> None:
    assert read_answer(openai({"content": "ye"}, finish_reason="content_filter"), "openai").text == "ye"
