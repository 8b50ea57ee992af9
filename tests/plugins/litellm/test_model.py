"""What the engine learns of models and embedders before they are built, and what is wrong with their parameters."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ragtally_litellm
from model_server.fixture import RunningServer
from plugins.litellm.sample_embedders import COMPONENT, OLLAMA, OPENAI, fill_embedder, on
from ragtally.api import Choice, DataError, EmbedderTraits, ErrorList, Limits, Price, SpecError
from ragtally.plan import plan_study
from ragtally.registry import load_registry
from ragtally.spec.load import load_study
from ragtally_litellm.model import check_embedder, check_model, embedder_traits, model_traits, refusals

Fill = Callable[..., dict[str, Any]]
SECRET = "sk-0123456789abcdefghij"
CLAUDE = "anthropic/claude-sonnet-4-20250514"


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("llama", "provider/name"),
        ("grok/llama", "did you mean 'groq'?"),
        ("my-own-server/llama", "openai/my-own-server/llama"),
        ("groq/", "provider/name"),
    ],
)
def test_an_unknown_name_is_an_error(model: str, hint: str, fill: Fill) -> None:
    (fault,) = check_model(fill(model=model))
    assert fault.parameter == "model"
    assert fault.hint is not None and hint in fault.hint


@pytest.mark.parametrize(
    ("settings", "parameter"),
    [
        ({"model": "groq/m", "num_ctx": 10}, "num_ctx"),
        ({"model": "groq/m", "pull": True}, "pull"),
        ({"model": "groq/m", "price": {"input": 1, "output": 1}, "usd_per_hour": 2.0}, "usd_per_hour"),
        ({"model": "mistral/mistral-large-latest", "transport": "native"}, "transport"),
        ({"model": "openai/gpt-5-codex", "transport": "native"}, "transport"),
        ({"model": "ollama/m", "presence_penalty": 0.5}, "presence_penalty"),
        ({"model": "ollama_chat/m", "transport": "litellm", "frequency_penalty": 0.5}, "frequency_penalty"),
        ({"model": "groq/m", "extra": {"n": 3}}, "extra"),
        ({"model": "groq/m", "extra": {"seed": 3}}, "extra"),
        ({"model": "groq/m", "extra": {"stream": True}}, "extra"),
        ({"model": "groq/m", "extra": {"timeout": 3}}, "extra"),
        ({"model": "groq/m", "extra": {"temperature": 0}, "temperature": 1.0}, "extra"),
        ({"model": "groq/m", "extra": {"api_key": "anything"}}, "extra"),
        ({"model": "groq/m", "extra": {"Authorization": "anything"}}, "extra"),
    ],
)
def test_what_does_not_fit_together_is_an_error(settings: dict[str, Any], parameter: str, fill: Fill) -> None:
    faults = check_model(fill(**settings))
    assert [fault.parameter for fault in faults] == [parameter]
    assert all("secret@" not in str(fault) and "abcdefgh" not in str(fault) for fault in faults)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "ollama_chat/llama3.1:8b", "num_ctx": 10, "pull": True, "extra": {"top_k": 40}},
        {"model": "groq/openai/gpt-oss-20b", "temperature": 0.7, "reasoning_effort": "low"},
        {"model": "openai/llama", "extra": {"reasoning_effort": "low"}, "api_base": "http://127.0.0.1:8000/v1"},
        {"model": "gpt-5-mini", "max_tokens": 4000},
        {"model": "hosted_vllm/x", "price": {"input": 0, "output": 0}, "transport": "native"},
    ],
)
def test_what_is_right_has_no_faults(settings: dict[str, Any], fill: Fill) -> None:
    assert check_model(fill(**settings)) == []


def test_refused_parameters_are_errors_of_the_plan_and_findings_of_the_doctor(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-some-length")
    parameters = fill(model=CLAUDE, presence_penalty=1.0, temperature=0.7)
    assert check_model(parameters) == [], "LiteLLM is not imported for a check"
    with pytest.raises(SpecError, match=f"{CLAUDE} takes no presence_penalty") as caught:
        ragtally_litellm.fingerprint(parameters)
    assert caught.value.hint is not None and "extra: {presence_penalty: ...}" in caught.value.hint
    findings = [finding for finding in ragtally_litellm.diagnose(parameters) if "schema" not in finding.what]
    assert [finding.ok for finding in findings] == [True, False]
    assert ragtally_litellm.fingerprint(fill(model=CLAUDE, temperature=0.7)) is None


def test_a_budget_in_dollars_needs_the_price_of_whatever_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-some-length")
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "study: unpriced\ndataset: {synthetic: {questions: 20, split: test}}\n"
        "models:\n  m: {litellm: {model: openai/m, api_base: http://127.0.0.1:9}}\n"
        "  unused: {litellm: {model: openai/unused, api_base: http://127.0.0.1:9}}\n"
        "grid:\n  chunker: whole\n  retriever:\n    - {rerank: {retriever: bm25, first: 4, model: m}}\n"
        "    - {dense: {embedder: {litellm: {model: openai/e, api_base: http://127.0.0.1:9}}}}\n"
        "metrics: [recall@5]\nbudget: {usd: 3}\n"
    )
    registry = load_registry()
    with pytest.raises(ErrorList) as caught:
        plan_study(load_study(spec, registry), registry)
    assert {str(error.location).removeprefix(f"{spec}:"): error.message for error in caught.value.errors} == {
        "4:3": "a budget in dollars needs every price, and that of m is unknown",
        "8:3": "a budget in dollars needs every price, and that of the embedder openai/e is unknown",
    }
    assert all("price: " in str(error.hint) for error in caught.value.errors)


def test_a_plan_says_where_the_spec_names_the_model_that_refuses(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "study: refused\ndataset: {synthetic: {questions: 20, split: test}}\n"
        f"models:\n  one: {{litellm: {{model: {CLAUDE}, presence_penalty: 1}}}}\n"
        "readers: {r: {chat: {model: one}}}\nlabel: {voters: [r], votes: 3}\n"
    )
    registry = load_registry()
    with pytest.raises(SpecError) as caught:
        plan_study(load_study(spec, registry), registry)
    assert str(caught.value).startswith(f"{spec}:4:3: {CLAUDE} takes no presence_penalty")


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "openai/gpt-5-mini", "api_base": "http://127.0.0.1:8000/v1"},
        {"model": "hosted_vllm/x", "api_base": "http://127.0.0.1:8000/v1"},
        {"model": "ollama_chat/llama3.1:8b"},
    ],
)
def test_what_another_server_takes_is_not_litellms_to_say(settings: dict[str, Any], fill: Fill) -> None:
    assert refusals(fill(temperature=0.7, stop="x", **settings)) == []


def test_embedders_of_fixed_length_take_no_dimensions() -> None:
    assert COMPONENT.fingerprint is not None
    for model in ("mistral/mistral-embed", "openai/text-embedding-ada-002"):
        with pytest.raises(SpecError, match="takes no dimensions") as caught:
            COMPONENT.fingerprint(fill_embedder(model=model, dimensions=100))
        assert caught.value.hint == "leave it out"
    assert COMPONENT.fingerprint(fill_embedder(model="voyage/voyage-3.5", dimensions=512)) is None
    elsewhere = {"api_base": "http://127.0.0.1:8000/v1"}
    assert (
        COMPONENT.fingerprint(fill_embedder(model="openai/text-embedding-ada-002", dimensions=9, **elsewhere)) is None
    )


def test_a_check_of_common_models_imports_nothing_heavy() -> None:
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


def test_a_hosted_model_is_described_by_litellms_table(fill: Fill) -> None:
    traits = model_traits(fill(model="groq/openai/gpt-oss-20b"))
    assert (traits.provider, traits.model) == ("groq", "openai/gpt-oss-20b")
    assert traits.price == Price(input=0.075, output=0.3, cached_input=0.0375)
    assert (traits.context_tokens, traits.output_tokens) == (131072, 32768)
    assert traits.takes_seed
    assert not traits.deterministic


def test_a_bare_name_finds_its_provider(fill: Fill) -> None:
    traits = model_traits(fill(model="gpt-5-mini", max_tokens=100))
    assert (traits.provider, traits.model, traits.output_tokens) == ("openai", "gpt-5-mini", 100)
    assert traits.price == Price(input=0.25, output=2.0, cached_input=0.025)


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
def test_an_unknown_price_is_unknown_and_never_nothing(settings: dict[str, Any], fill: Fill) -> None:
    assert model_traits(fill(**settings)).price is None


def test_another_server_named_by_the_environment_has_an_unknown_price(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    assert model_traits(fill(model="openai/gpt-4.1")).price is None


def test_a_stated_price_counts(fill: Fill) -> None:
    parameters = fill(model="ollama_chat/llama3.1:8b", price={"input": 0, "output": 0})
    assert model_traits(parameters).price == Price(0, 0)
    assert model_traits(fill(model="gpt-5-mini", usd_per_hour=1.5)).price == Price(usd_per_hour=1.5)
    assert model_traits(fill(model="gpt-5-mini", price={"input": 1, "output": 2})).price == Price(1, 2)


def test_limits_are_taken_over(fill: Fill) -> None:
    parameters = {
        "concurrency": 3,
        "requests_per_minute": 30,
        "tokens_per_minute": 6000,
        "requests_per_day": 1000,
        "timeout": 9.0,
        "retries": 2,
    }
    assert model_traits(fill(model="groq/m", **parameters)).limits == Limits(**parameters)
    assert model_traits(fill(model="groq/m")).limits == Limits()


@pytest.mark.parametrize(
    ("settings", "at_first"),
    [
        ({"model": "ollama_chat/m"}, 1),
        ({"model": "ollama/m", "api_base": "http://ollama.local:11434"}, 1),
        ({"model": "hosted_vllm/m", "api_base": "http://127.0.0.1:8000/v1"}, 1),
        ({"model": "openai/m", "api_base": "http://127.0.0.1:8080/v1"}, 1),
        ({"model": "openai/m"}, None),
    ],
)
def test_ones_own_server_gets_one_call_at_first(settings: dict[str, Any], at_first: int | None, fill: Fill) -> None:
    assert model_traits(fill(**settings)).limits.in_flight_at_first == at_first


@pytest.mark.parametrize(
    ("settings", "deterministic"),
    [({"temperature": 0.0}, True), ({"temperature": 0.7}, False), ({}, False), ({"extra": {"temperature": 0}}, True)],
)
def test_temperature_nothing_is_deterministic(settings: dict[str, Any], deterministic: bool, fill: Fill) -> None:
    assert model_traits(fill(model="groq/m", **settings)).deterministic is deterministic


@pytest.mark.parametrize("model", ["ollama_chat/llama3.1:8b", "ollama/llama3.1:8b"])
def test_ollamas_context_is_what_is_sent(model: str, fill: Fill) -> None:
    stated = model_traits(fill(model=model, num_ctx=8192))
    assert (stated.context_tokens, stated.context_grows) == (8192, False)


def test_ollamas_context_grows_where_the_spec_says_none(fill: Fill, server: RunningServer) -> None:
    parameters = fill(model="ollama_chat/gemma2:2b", api_base=server.url)
    assert (model_traits(parameters).context_tokens, model_traits(parameters).context_grows) == (None, True)
    ragtally_litellm.fingerprint(parameters)
    assert model_traits(parameters).context_tokens == 8192, "what the server has said the model takes"
    # LiteLLM does not say that nothing is to be cut.
    assert model_traits(fill(model="ollama/gemma2:2b")).context_tokens == 4096


def test_whether_a_seed_is_taken_is_litellms_to_say(fill: Fill) -> None:
    assert not model_traits(fill(model=CLAUDE)).takes_seed
    assert model_traits(fill(model="together_ai/x")).takes_seed
    assert model_traits(fill(model="gpt-5-mini")).takes_seed


def test_an_embedders_traits_are_name_and_batch() -> None:
    assert callable(COMPONENT.traits)
    traits = COMPONENT.traits(fill_embedder(model=OPENAI, batch=10, concurrency=3))
    assert isinstance(traits, EmbedderTraits)
    assert (traits.requires_fit, traits.cacheable, traits.batch, traits.name) == (False, True, 30, OPENAI)


@pytest.mark.parametrize(("model", "requests"), [(OPENAI, 8), (OLLAMA, 2)])
def test_an_embedders_requests_are_few_where_the_server_is_ones_own(model: str, requests: int) -> None:
    assert embedder_traits(fill_embedder(model=model, batch=10)).batch == 10 * requests


@pytest.mark.parametrize(
    ("settings", "price"),
    [
        ({"model": OPENAI}, Price(input=0.02, output=0.0)),
        ({"model": "text-embedding-3-large"}, Price(input=0.13, output=0.0)),
        ({"model": OPENAI, "price": 0.5}, Price(input=0.5, output=0.0)),
        ({"model": OPENAI, "usd_per_hour": 2}, Price(usd_per_hour=2)),
        ({"model": OPENAI, "api_base": "http://127.0.0.1:1/v1"}, None),
        ({"model": OLLAMA}, None),
        ({"model": OLLAMA, "price": 0}, Price(input=0, output=0.0)),
        ({"model": "hosted_vllm/x"}, None),
        ({"model": "voyage/voyage-3.5"}, Price(input=0.06, output=0.0)),
    ],
)
def test_an_embedders_price_is_stated_or_known_or_unknown(settings: dict[str, Any], price: Price | None) -> None:
    assert embedder_traits(fill_embedder(**settings)).price == price


@pytest.mark.parametrize(
    "settings",
    [
        {"model": OPENAI},
        {"model": "text-embedding-3-small", "dimensions": 512},
        {"model": OLLAMA, "pull": True, "truncate": True, "dimensions": 256},
        {"model": "hosted_vllm/x", "truncate": True, "api_base": ["http://a/v1", "http://b/v1"]},
        {"model": "openrouter/qwen/qwen3-embedding-8b", "transport": "native"},
        {"model": "cohere/embed-english-v3.0", "query_extra": {"input_type": "search_query"}},
    ],
)
def test_right_parameters_of_an_embedder_have_no_fault(settings: dict[str, Any]) -> None:
    assert check_embedder(fill_embedder(**settings)) == []


@pytest.mark.parametrize(
    ("settings", "parameter", "hint"),
    [
        ({"model": "opena/x"}, "model", "openai"),
        ({"model": "nobody"}, "model", "provider/name"),
        ({"model": "ollama_chat/nomic-embed-text"}, "model", "model: ollama/nomic-embed-text"),
        ({"model": "openai/gpt-4.1-mini"}, "model", "text-embedding-3-small"),
        ({"model": OPENAI, "pull": True}, "pull", "remove"),
        ({"model": OPENAI, "truncate": True}, "truncate", "smaller"),
        ({"model": OPENAI, "price": 1, "usd_per_hour": 1}, "usd_per_hour", "remove"),
        ({"model": "voyage/voyage-3.5", "transport": "native"}, "transport", "transport: auto"),
        ({"model": OPENAI, "dimensions": 2000}, "dimensions", "1536"),
        ({"model": OPENAI, "extra": {"input": "x"}}, "extra", "remove"),
        ({"model": OPENAI, "query_extra": {"dimensions": 3}}, "query_extra", "beside"),
        ({"model": OPENAI, "extra": {"api_key": "x"}}, "extra", "environment"),
        ({"model": OPENAI, "document_extra": {"Authorization": "x"}}, "document_extra", "environment"),
    ],
)
def test_wrong_parameters_of_an_embedder_are_faults(settings: dict[str, Any], parameter: str, hint: str) -> None:
    faults = check_embedder(fill_embedder(**settings))
    assert [fault.parameter for fault in faults] == [parameter]
    assert hint in str(faults[0].hint)
    assert SECRET not in str(faults) and "secret-word" not in str(faults)


def fingerprint(parameters: dict[str, Any]) -> str | None:
    assert COMPONENT.fingerprint is not None
    return COMPONENT.fingerprint(parameters)


def test_a_tag_of_ollamas_is_known_by_its_digest(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    parameters = on(server, "ollama")
    digest = fingerprint(parameters)
    assert digest is not None and len(digest) == 64
    assert fingerprint(fill_embedder(model=OPENAI)) is None
    with pytest.raises(DataError, match="has no model") as caught:
        fingerprint(parameters | {"model": "ollama/qwen2.5:7b"})
    assert "ollama pull qwen2.5:7b" in str(caught.value.hint)
    with caplog.at_level(logging.WARNING), pytest.raises(DataError, match="does not answer"):
        fingerprint(parameters | {"api_base": "http://127.0.0.1:9"})


def diagnose(parameters: dict[str, Any]) -> list[tuple[bool, str | None]]:
    assert COMPONENT.diagnose is not None
    return [(finding.ok, finding.remedy) for finding in COMPONENT.diagnose(parameters)]


def test_the_doctor_names_what_an_embedder_lacks(server: RunningServer) -> None:
    assert diagnose(on(server, "ollama")) == [(True, None)]
    assert diagnose(on(server, "ollama") | {"model": "ollama/qwen2.5:7b"}) == [(False, "ollama pull qwen2.5:7b")]
    assert diagnose(fill_embedder(model=OLLAMA, api_base="http://127.0.0.1:9")) == [(False, "ollama serve")]
    assert diagnose(fill_embedder(model=OPENAI)) == [(False, "export OPENAI_API_KEY=...")]
    assert diagnose(fill_embedder(model="hosted_vllm/x")) == [(False, "export HOSTED_VLLM_API_BASE=http://...")]
    assert diagnose(on(server, "openai")) == [(True, None)]


def test_a_missing_embedder_is_pulled_where_the_spec_says_so(server: RunningServer) -> None:
    assert COMPONENT.provide is not None
    parameters = on(server, "ollama") | {"model": "ollama/qwen2.5:7b", "pull": True}
    COMPONENT.provide(parameters, lambda *_: None)
    assert fingerprint(parameters)


@pytest.mark.parametrize(
    ("settings", "takes"),
    [
        ({"model": "ollama_chat/llama3.1:8b"}, True),
        ({"model": "ollama/llama3.1:8b"}, True),
        ({"model": "ollama_chat/llama3.1:8b", "api_base": "http://gpu:11434"}, True),
        ({"model": "hosted_vllm/Qwen/Qwen3-8B", "api_base": "http://gpu:8000/v1"}, True),
        ({"model": "lm_studio/qwen3", "api_base": "http://gpu:1234/v1"}, True),
        ({"model": "openai/gpt-4.1-mini"}, True),
        ({"model": "gpt-5-mini"}, True),
        ({"model": "groq/openai/gpt-oss-20b"}, True),
        ({"model": CLAUDE}, True),
        ({"model": "groq/llama-3.3-70b-versatile"}, False),
        ({"model": "groq/of-tomorrow"}, None),
        ({"model": "openai/gpt-4.1-mini", "api_base": "http://gpu:8000/v1"}, None),
        ({"model": "openai/own", "api_base": "http://gpu:8000/v1"}, None),
        ({"model": "openai/own", "api_base": "http://gpu:8000/v1", "schema_as": "json_object"}, True),
        ({"model": "groq/llama-3.3-70b-versatile", "schema_as": "json_schema"}, True),
        ({"model": "ollama_chat/llama3.1:8b", "structured": True}, False),
        ({"model": "ollama_chat/llama3.1:8b", "extra": {"format": "json"}}, False),
        ({"model": "hosted_vllm/m", "api_base": "http://gpu/v1", "extra": {"guided_choice": ["yes"]}}, False),
    ],
)
def test_whether_a_schema_is_kept_to_is_known_without_a_look_at_any_server(
    settings: dict[str, Any], takes: bool | None, fill: Fill
) -> None:
    assert model_traits(fill(**settings)).takes_schema is takes


def test_how_a_server_takes_a_schema_is_no_part_of_a_call(fill: Fill) -> None:
    registry = load_registry()
    choices = [Choice("model", "litellm", fill(model="openai/own", schema_as=way)) for way in (None, "json_object")]
    one, other = (registry.identity(choice, fingerprint=False) for choice in choices)
    assert one == other
