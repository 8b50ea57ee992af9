"""What is wrong with a model's parameters is found before anything is sent; LiteLLM's own verdict is the oracle."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import ragtally_litellm
from ragtally_litellm.quiet import load_litellm
from ragtally_litellm.routes import Route, route_of
from ragtally_litellm.sampling import asked_for, refused
from ragtally_litellm.table import entry, models, providers

Given = Callable[..., dict[str, Any]]

MODELS = [
    "openai/gpt-4",
    "openai/gpt-4.1-mini",
    "openai/gpt-5",
    "openai/gpt-5-mini",
    "openai/gpt-5-chat-latest",
    "openai/gpt-5.1",
    "openai/gpt-5.2",
    "openai/o1",
    "openai/o3-mini",
    "openai/o4-mini",
    "openai/made-up",
    "groq/openai/gpt-oss-20b",
    "groq/llama-3.3-70b-versatile",
    "groq/made-up",
    "openrouter/openai/gpt-4o",
    "openrouter/openai/gpt-5-mini",
    "openrouter/deepseek/deepseek-r1",
    "openrouter/made/up",
    "hosted_vllm/Qwen/Qwen3-8B",
    "ollama_chat/llama3.1:8b",
    "ollama_chat/gpt-oss:20b",
]
SETTINGS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.7},
    {"temperature": 1.0},
    {"top_p": 0.9},
    {"max_tokens": 5},
    {"frequency_penalty": 0.5},
    {"presence_penalty": 0.5},
    {"stop": ["\n"]},
    *({"reasoning_effort": effort} for effort in ("none", "minimal", "low", "medium", "high", "xhigh")),
    {"structured": True},
    {"structured": {"type": "object"}},
    {"temperature": 0.7, "reasoning_effort": "none"},
    {"temperature": 0.7, "reasoning_effort": "high"},
    {"top_p": 0.9, "reasoning_effort": "high"},
    {"temperature": 0.7, "max_tokens": 5, "stop": "x", "top_p": 0.5},
]


def takes(route: Route, asked: dict[str, Any]) -> bool:
    """LiteLLM's verdict."""
    litellm = load_litellm()
    try:
        litellm.utils.get_optional_params(
            model=route.model, custom_llm_provider=route.provider, drop_params=False, **asked
        )
    except litellm.UnsupportedParamsError:
        return False
    return True


@pytest.mark.parametrize("model", MODELS)
def test_the_verdict_is_litellms(model: str, given: Given) -> None:
    route = route_of(model)
    for settings in SETTINGS:
        asked = asked_for(given(model=model, **settings))
        if route.provider == "groq" and isinstance(settings.get("structured"), dict):
            continue
        faults = refused(route, asked)
        assert (faults == []) is takes(route, asked), (model, settings, faults)


def test_a_schema_that_groq_would_turn_into_a_tool_is_refused(given: Given) -> None:
    schema = {"type": "object"}
    assert not refused(
        route_of("groq/openai/gpt-oss-20b"), asked_for(given(model="groq/openai/gpt-oss-20b", structured=schema))
    )
    model = "groq/llama-3.3-70b-versatile"
    faults = ragtally_litellm.check(given(model=model, structured=schema))
    assert [fault.parameter for fault in faults] == ["structured"]


def test_models_beyond_chat_completions_are_left_to_litellm() -> None:
    odd = ["openai/gpt-5-codex", "openai/o1-pro", "openai/gpt-4o-audio-preview", "anthropic/claude-sonnet-4-20250514"]
    assert [refused(route_of(model), {}) for model in odd] == [None] * 4


def test_a_refusal_names_parameter_model_and_remedy(given: Given) -> None:
    (fault,) = ragtally_litellm.check(given(model="openai/gpt-5-mini", temperature=0.7))
    assert fault.parameter == "temperature"
    assert "gpt-5-mini" in fault.message
    assert fault.hint == "leave it out"


def test_litellm_is_asked_for_other_providers(given: Given) -> None:
    claude = "anthropic/claude-sonnet-4-20250514"
    assert ragtally_litellm.check(given(model=claude, temperature=0.7, max_tokens=5)) == []
    faults = ragtally_litellm.check(given(model=claude, presence_penalty=1.0, temperature=0.7, frequency_penalty=1.0))
    assert {fault.parameter for fault in faults} == {"presence_penalty", "frequency_penalty"}


def test_litellms_refusal_of_a_value_is_passed_on(given: Given) -> None:
    (fault,) = ragtally_litellm.check(given(model="azure/gpt-5-mini", temperature=0.7))
    assert fault.parameter == "temperature"
    assert "0.7" in fault.message and "drop_params" not in fault.message


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("llama", "provider/name"),
        ("grok/llama", "did you mean 'groq'?"),
        ("my-own-server/llama", "openai/my-own-server/llama"),
        ("groq/", "provider/name"),
    ],
)
def test_an_unknown_name_is_an_error(model: str, hint: str, given: Given) -> None:
    (fault,) = ragtally_litellm.check(given(model=model))
    assert fault.parameter == "model"
    assert fault.hint is not None and hint in fault.hint


def test_litellms_own_providers_are_known() -> None:
    known = {str(getattr(name, "value", name)) for name in load_litellm().provider_list}
    assert len(known - providers()) < 40
    wanted = {"anthropic", "azure", "bedrock", "deepseek", "gemini", "mistral", "together_ai", "vertex_ai", "xai"}
    assert wanted <= providers()


@pytest.mark.parametrize(
    ("settings", "blamed"),
    [
        ({"model": "groq/m", "num_ctx": 10}, "num_ctx"),
        ({"model": "groq/m", "pull": True}, "pull"),
        ({"model": "groq/m", "price": {"input": 1, "output": 1}, "usd_per_hour": 2.0}, "usd_per_hour"),
        ({"model": "mistral/mistral-large-latest", "lane": "fast"}, "lane"),
        ({"model": "openai/gpt-5-codex", "lane": "fast"}, "lane"),
        ({"model": "groq/m", "extra": {"n": 3}}, "extra"),
        ({"model": "groq/m", "extra": {"seed": 3}}, "extra"),
        ({"model": "groq/m", "extra": {"stream": True}}, "extra"),
        ({"model": "groq/m", "extra": {"timeout": 3}}, "extra"),
        ({"model": "groq/m", "extra": {"temperature": 0}, "temperature": 1.0}, "extra"),
        ({"model": "groq/m", "extra": {"api_key": "anything"}}, "extra"),
        ({"model": "groq/m", "extra": {"Authorization": "anything"}}, "extra"),
        ({"model": "groq/m", "extra": {"user": {"deep": ["gsk_abcdefghijklmnop1234"]}}}, "extra"),
        ({"model": "groq/m", "api_base": "https://me:secret@host/v1"}, "api_base"),
        ({"model": "groq/m", "api_base": ["https://host/v1", "https://me:secret@host/v1"]}, "api_base"),
        ({"model": "groq/sk-abcdefghijklmnop1234"}, "model"),
        ({"model": "groq/m", "stop": "gsk_abcdefghijklmnop1234"}, "stop"),
    ],
)
def test_what_does_not_fit_together_is_an_error(settings: dict[str, Any], blamed: str, given: Given) -> None:
    faults = ragtally_litellm.check(given(**settings))
    assert [fault.parameter for fault in faults] == [blamed]
    assert all("secret@" not in str(fault) and "abcdefgh" not in str(fault) for fault in faults)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "ollama_chat/llama3.1:8b", "num_ctx": 10, "pull": True, "extra": {"top_k": 40}},
        {"model": "groq/openai/gpt-oss-20b", "temperature": 0.7, "reasoning_effort": "low"},
        {"model": "openai/llama", "extra": {"reasoning_effort": "low"}, "api_base": "http://127.0.0.1:8000/v1"},
        {"model": "gpt-5-mini", "max_tokens": 4000},
        {"model": "hosted_vllm/x", "price": {"input": 0, "output": 0}, "lane": "fast"},
    ],
)
def test_what_is_right_has_no_faults(settings: dict[str, Any], given: Given) -> None:
    assert ragtally_litellm.check(given(**settings)) == []


def test_common_models_are_checked_without_importing_litellm() -> None:
    script = """
import sys
import ragtally_litellm
component = ragtally_litellm.register_models()[0]
defaults = {name: schema.get("default") for name, schema in component.params.items()}
for model in ("openai/gpt-5-mini", "groq/openai/gpt-oss-20b", "ollama_chat/llama3.1:8b", "openrouter/a/b"):
    parameters = {**defaults, "model": model, "temperature": 0.7, "max_tokens": 3}
    component.check(parameters), component.traits(parameters)
print(sorted({"litellm", "haystack", "numpy", "aiohttp", "httpx"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_is_litellms_own() -> None:
    litellm = load_litellm()
    for name, known in itertools.islice(models().items(), 1, None, 97):
        assert litellm.model_cost[name].get("input_cost_per_token") == known.get("input_cost_per_token")


def test_a_bare_name_is_found_only_with_its_own_provider() -> None:
    assert entry("openai", "gpt-5-mini")["litellm_provider"] == "openai"
    assert entry("hosted_vllm", "gpt-5-mini") == {}
    assert entry("groq", "openai/gpt-oss-20b")["max_input_tokens"] == 131072
