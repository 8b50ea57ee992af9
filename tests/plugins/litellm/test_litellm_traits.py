"""What the engine is told of a model before it is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ragtally.api import Limits, Price
from ragtally_litellm import traits_of

Given = Callable[..., dict[str, Any]]


def test_a_hosted_model_is_described_by_litellms_table(given: Given) -> None:
    told = traits_of(given(model="groq/openai/gpt-oss-20b"))
    assert (told.provider, told.model) == ("groq", "openai/gpt-oss-20b")
    assert told.price == Price(input=0.075, output=0.3)
    assert (told.context_tokens, told.output_tokens) == (131072, 32768)
    assert told.takes_seed
    assert not told.deterministic


def test_a_bare_name_finds_its_provider(given: Given) -> None:
    told = traits_of(given(model="gpt-5-mini", max_tokens=100))
    assert (told.provider, told.model, told.output_tokens) == ("openai", "gpt-5-mini", 100)
    assert told.price == Price(input=0.25, output=2.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "ollama_chat/llama3.1"},
        {"model": "ollama/llama3.1"},
        {"model": "hosted_vllm/x"},
        {"model": "groq/made-up"},
        {"model": "openai/gpt-4.1", "api_base": "http://127.0.0.1:8000/v1"},
    ],
)
def test_an_unknown_price_is_unknown_and_never_nothing(settings: dict[str, Any], given: Given) -> None:
    assert traits_of(given(**settings)).price is None


def test_another_server_named_by_the_environment_has_an_unknown_price(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    assert traits_of(given(model="openai/gpt-4.1")).price is None


def test_a_stated_price_counts(given: Given) -> None:
    stated = given(model="ollama_chat/llama3.1:8b", price={"input": 0, "output": 0})
    assert traits_of(stated).price == Price(0, 0)
    assert traits_of(given(model="gpt-5-mini", usd_per_hour=1.5)).price == Price(usd_per_hour=1.5)
    assert traits_of(given(model="gpt-5-mini", price={"input": 1, "output": 2})).price == Price(1, 2)


def test_limits_are_taken_over(given: Given) -> None:
    stated = {
        "concurrency": 3,
        "requests_per_minute": 30,
        "tokens_per_minute": 6000,
        "requests_per_day": 1000,
        "timeout": 9.0,
        "retries": 2,
    }
    assert traits_of(given(model="groq/m", **stated)).limits == Limits(**stated)
    assert traits_of(given(model="groq/m")).limits == Limits()


@pytest.mark.parametrize(
    ("settings", "deterministic"),
    [({"temperature": 0.0}, True), ({"temperature": 0.7}, False), ({}, False), ({"extra": {"temperature": 0}}, True)],
)
def test_temperature_nothing_is_deterministic(settings: dict[str, Any], deterministic: bool, given: Given) -> None:
    assert traits_of(given(model="groq/m", **settings)).deterministic is deterministic


@pytest.mark.parametrize("model", ["ollama_chat/llama3.1:8b", "ollama/llama3.1:8b"])
def test_ollamas_context_is_what_is_sent(model: str, given: Given) -> None:
    assert traits_of(given(model=model)).context_tokens == 4096
    assert traits_of(given(model=model, num_ctx=8192)).context_tokens == 8192


def test_whether_a_seed_is_taken_is_litellms_to_say(given: Given) -> None:
    assert not traits_of(given(model="anthropic/claude-sonnet-4-20250514")).takes_seed
    assert traits_of(given(model="together_ai/x")).takes_seed
    assert traits_of(given(model="gpt-5-mini")).takes_seed
