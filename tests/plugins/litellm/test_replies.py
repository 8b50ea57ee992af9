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
    assert answer[:4] == ("a", "length", "m", {"prompt_tokens": 5, "completion_tokens": 2})


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
        ({"message": "x"}, "ollama", "bad reply"),
        ({"message": {"content": "half"}, "done": False}, "ollama", "bad reply"),
    ],
)
def test_what_is_no_answer_is_a_failure(body: Any, dialect: Any, reason: str) -> None:
    with pytest.raises(CallError) as caught:
        read_answer(body, dialect)
    assert caught.value.reason == reason


def test_a_filtered_or_refused_answer_says_so() -> None:
    filtered = read_answer(openai({"content": "ye"}, finish_reason="content_filter"), "openai")
    assert (filtered.text, filtered.finish_reason) == ("ye", "content_filter")
    refused = read_answer(openai({"content": None, "refusal": "I cannot"}), "openai")
    assert (refused.text, refused.finish_reason) == ("I cannot", "refusal")


@pytest.mark.parametrize(
    ("message", "reasoning", "tool"),
    [
        ({"content": None, "reasoning_content": "so yes"}, "so yes", ""),
        ({"content": "", "thinking": "so yes"}, "so yes", ""),
        ({"content": " ", "reasoning": "so yes"}, "so yes", ""),
        ({"content": None, "tool_calls": [{"function": {"name": "answer", "arguments": "{}"}}]}, "", "answer"),
        ({"content": None, "function_call": {"name": "answer"}}, "", "answer"),
        ({"content": None, "tool_calls": [{}]}, "", "unnamed"),
        ({"content": None, "tool_calls": "no"}, "", ""),
        ({"content": "yes", "reasoning": "so yes", "tool_calls": [{}]}, "", ""),
    ],
)
def test_what_came_instead_of_a_text_is_found(message: dict[str, Any], reasoning: str, tool: str) -> None:
    for body, dialect in ((openai(message), "openai"), ({"message": message}, "ollama")):
        answer = read_answer(body, dialect)  # type: ignore[arg-type]
        assert (answer.reasoning, answer.tool) == (reasoning, tool)
