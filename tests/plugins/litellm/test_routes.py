"""LiteLLM's names and tables, read without importing it."""

from __future__ import annotations

import itertools

from ragtally_litellm.library import load_litellm
from ragtally_litellm.routes import Route, models, providers


def test_litellms_own_providers_are_known() -> None:
    names = {str(getattr(name, "value", name)) for name in load_litellm().provider_list}
    assert len(names - providers()) < 40
    expected = {"anthropic", "azure", "bedrock", "deepseek", "gemini", "mistral", "together_ai", "vertex_ai", "xai"}
    assert expected <= providers()


def test_the_table_is_litellms_own() -> None:
    litellm = load_litellm()
    for name, entry in itertools.islice(models().items(), 1, None, 97):
        assert litellm.model_cost[name].get("input_cost_per_token") == entry.get("input_cost_per_token")


def test_a_bare_name_is_found_only_with_its_own_provider() -> None:
    assert Route("openai", "gpt-5-mini").entry["litellm_provider"] == "openai"
    assert Route("hosted_vllm", "gpt-5-mini").entry == {}
    assert Route("groq", "openai/gpt-oss-20b").entry["max_input_tokens"] == 131072
