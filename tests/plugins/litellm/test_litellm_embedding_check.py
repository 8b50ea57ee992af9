"""What the embedder litellm tells the engine beforehand, what it refuses, and what its doctor finds."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from model_server.fixture import RunningServer
from plugins.litellm.embedding import COMPONENT, OLLAMA, OPENAI, filled, on
from ragtally.api import DataError, EmbedderTraits, Price
from ragtally_litellm.embedding_traits import check_embedding, embedder_traits

SECRET = "sk-0123456789abcdefghij"


def test_traits_tell_name_and_batch() -> None:
    assert callable(COMPONENT.traits)
    traits = COMPONENT.traits(filled(model=OPENAI, batch=10, concurrency=3))
    assert isinstance(traits, EmbedderTraits)
    assert (traits.requires_fit, traits.cacheable, traits.batch, traits.name) == (False, True, 30, OPENAI)


@pytest.mark.parametrize(
    ("said", "price"),
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
def test_the_price_is_stated_or_known_or_unknown(said: dict[str, Any], price: Price | None) -> None:
    assert embedder_traits(filled(**said)).price == price


@pytest.mark.parametrize(
    "said",
    [
        {"model": OPENAI},
        {"model": "text-embedding-3-small", "dimensions": 512},
        {"model": OLLAMA, "pull": True, "truncate": True, "dimensions": 256},
        {"model": "hosted_vllm/x", "truncate": True, "api_base": ["http://a/v1", "http://b/v1"]},
        {"model": "openrouter/qwen/qwen3-embedding-8b", "lane": "fast"},
        {"model": "cohere/embed-english-v3.0", "query_extra": {"input_type": "search_query"}},
    ],
)
def test_right_parameters_have_no_fault(said: dict[str, Any]) -> None:
    assert check_embedding(filled(**said)) == []


@pytest.mark.parametrize(
    ("said", "parameter", "hint"),
    [
        ({"model": "opena/x"}, "model", "openai"),
        ({"model": "nobody"}, "model", "provider/name"),
        ({"model": "ollama_chat/nomic-embed-text"}, "model", "model: ollama/nomic-embed-text"),
        ({"model": "openai/gpt-4.1-mini"}, "model", "text-embedding-3-small"),
        ({"model": OPENAI, "pull": True}, "pull", "remove"),
        ({"model": OPENAI, "truncate": True}, "truncate", "smaller"),
        ({"model": OPENAI, "price": 1, "usd_per_hour": 1}, "usd_per_hour", "remove"),
        ({"model": "voyage/voyage-3.5", "lane": "fast"}, "lane", "lane: auto"),
        ({"model": OPENAI, "dimensions": 2000}, "dimensions", "1536"),
        ({"model": "openai/text-embedding-ada-002", "dimensions": 100}, "dimensions", "leave it out"),
        ({"model": OPENAI, "extra": {"input": "x"}}, "extra", "remove"),
        ({"model": OPENAI, "query_extra": {"dimensions": 3}}, "query_extra", "beside"),
        ({"model": OPENAI, "extra": {"api_key": "x"}}, "extra", "environment"),
        ({"model": OPENAI, "document_extra": {"Authorization": "x"}}, "document_extra", "environment"),
        ({"model": OPENAI, "api_base": "http://me:secret-word@host/v1"}, "api_base", "environment"),
        ({"model": OPENAI, "query_prefix": SECRET}, "query_prefix", "environment"),
    ],
)
def test_wrong_parameters_are_faults(said: dict[str, Any], parameter: str, hint: str) -> None:
    faults = check_embedding(filled(**said))
    assert [fault.parameter for fault in faults] == [parameter]
    assert hint in str(faults[0].hint)
    assert SECRET not in str(faults) and "secret-word" not in str(faults)


def test_litellm_is_asked_about_models_that_only_it_knows() -> None:
    (fault,) = check_embedding(filled(model="mistral/mistral-embed", dimensions=100))
    assert (fault.parameter, fault.hint) == ("dimensions", "leave it out")
    assert not check_embedding(filled(model="voyage/voyage-3.5", dimensions=512))


def fingerprint(parameters: dict[str, Any]) -> str | None:
    assert COMPONENT.fingerprint is not None
    return COMPONENT.fingerprint(parameters)


def test_a_tag_of_ollamas_is_known_by_its_digest(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    parameters = on(server, "ollama")
    digest = fingerprint(parameters)
    assert digest is not None and len(digest) == 64
    assert fingerprint(filled(model=OPENAI)) is None
    with pytest.raises(DataError, match="has no model") as caught:
        fingerprint(parameters | {"model": "ollama/qwen2.5:7b"})
    assert "ollama pull qwen2.5:7b" in str(caught.value.hint)
    with caplog.at_level(logging.WARNING), pytest.raises(DataError, match="does not answer"):
        fingerprint(parameters | {"api_base": "http://127.0.0.1:9"})


def diagnose(parameters: dict[str, Any]) -> list[tuple[bool, str | None]]:
    assert COMPONENT.diagnose is not None
    return [(found.ok, found.remedy) for found in COMPONENT.diagnose(parameters)]


def test_the_doctor_names_what_is_missing(server: RunningServer) -> None:
    assert diagnose(on(server, "ollama")) == [(True, None)]
    assert diagnose(on(server, "ollama") | {"model": "ollama/qwen2.5:7b"}) == [(False, "ollama pull qwen2.5:7b")]
    assert diagnose(filled(model=OLLAMA, api_base="http://127.0.0.1:9")) == [(False, "ollama serve")]
    assert diagnose(filled(model=OPENAI)) == [(False, "export OPENAI_API_KEY=...")]
    assert diagnose(filled(model="hosted_vllm/x")) == [(False, "export HOSTED_VLLM_API_BASE=http://...")]
    assert diagnose(on(server, "openai")) == [(True, None)]


def test_a_missing_model_is_pulled_where_the_spec_says_so(server: RunningServer) -> None:
    assert COMPONENT.provide is not None
    parameters = on(server, "ollama") | {"model": "ollama/qwen2.5:7b", "pull": True}
    COMPONENT.provide(parameters, lambda *_: None)
    assert fingerprint(parameters)
