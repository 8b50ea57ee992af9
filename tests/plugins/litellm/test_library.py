"""LiteLLM decides which parameters a model takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ragtally.api import ParameterFault
from ragtally_litellm.model import refusals

Fill = Callable[..., dict[str, Any]]
SCHEMA = {"type": "object"}


def parameters_of(faults: list[ParameterFault]) -> list[str | None]:
    return [fault.parameter for fault in faults]


@pytest.mark.parametrize(
    ("model", "settings", "names"),
    [
        ("openai/gpt-4.1-mini", {"temperature": 0.7, "max_tokens": 5, "stop": "x", "top_p": 0.5}, []),
        ("openai/gpt-4.1-mini", {"reasoning_effort": "low"}, ["reasoning_effort"]),
        ("openai/gpt-5-mini", {"max_tokens": 5, "reasoning_effort": "low"}, []),
        ("openai/gpt-5-mini", {"temperature": 0.7}, ["temperature"]),
        ("openai/gpt-5-mini", {"stop": "x", "presence_penalty": 0.5}, ["presence_penalty", "stop"]),
        ("openai/gpt-5.1", {"temperature": 0.7, "reasoning_effort": "none"}, []),
        ("openai/o3-mini", {"temperature": 0.7}, ["temperature"]),
        ("openai/gpt-4", {"structured": True}, ["structured"]),
        ("groq/openai/gpt-oss-20b", {"temperature": 0.7, "reasoning_effort": "low", "structured": SCHEMA}, []),
        ("groq/llama-3.3-70b-versatile", {"structured": True}, []),
        # Which LiteLLM alone would turn into a tool call, and read back.
        ("groq/llama-3.3-70b-versatile", {"structured": SCHEMA}, ["structured"]),
        ("groq/llama-3.3-70b-versatile", {"structured": SCHEMA, "transport": "litellm"}, []),
        ("openrouter/openai/gpt-4o", {"temperature": 0.7, "structured": SCHEMA}, []),
        ("openrouter/made/up", {"reasoning_effort": "low"}, ["reasoning_effort"]),
        ("anthropic/claude-sonnet-4-20250514", {"temperature": 0.7, "max_tokens": 5, "structured": SCHEMA}, []),
        ("anthropic/claude-sonnet-4-20250514", {"frequency_penalty": 1.0}, ["frequency_penalty"]),
        ("azure/gpt-5-mini", {"temperature": 0.7}, ["temperature"]),
        ("ollama/llama3.1:8b", {"presence_penalty": 0.5}, ["presence_penalty"]),
        ("openai/gpt-5-mini", {"extra": {"temperature": 0.7}}, []),
    ],
)
def test_what_a_model_does_not_take_is_refused(
    model: str, settings: dict[str, Any], names: list[str], fill: Fill
) -> None:
    faults = refusals(fill(model=model, **settings))
    assert sorted(map(str, parameters_of(faults))) == names
    for fault in faults:
        assert model in fault.message and fault.hint and "drop_params" not in fault.message


def test_a_refused_value_is_named(fill: Fill) -> None:
    (fault,) = refusals(fill(model="openai/gpt-5-mini", temperature=0.7))
    assert "0.7" in fault.message and "extra: {temperature: ...}" in str(fault.hint)
