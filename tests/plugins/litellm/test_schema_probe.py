"""The doctor tries whether a server holds answers to a JSON schema, and says what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from model_server.fixture import RunningServer
from ragtally.api import Finding
from ragtally_litellm import diagnose

Fill = Callable[..., dict[str, Any]]


def finding(parameters: dict[str, Any]) -> Finding:
    (one,) = [each for each in diagnose(parameters) if "schema" in each.what]
    return one


@pytest.mark.parametrize(
    ("way", "settings", "ok", "what", "remedy"),
    [
        ("kept", {}, True, "can hold answers", "schema_as: json_schema in the model"),
        ("object_only", {}, True, "can hold answers", "schema_as: json_object in the model"),
        ("ignored", {}, True, "ignores one", None),
        ("refused", {}, True, "refuses one", None),
        ("kept", {"schema_as": "json_schema"}, True, "holds answers", None),
        ("object_only", {"schema_as": "json_object"}, True, "holds answers", None),
        ("ignored", {"schema_as": "json_schema"}, False, "ignores one", "structured: false"),
        ("object_only", {"schema_as": "json_schema"}, False, "can hold", "schema_as: json_object in the model"),
        ("refused", {"schema_as": "json_object"}, False, "refuses one", "structured: false"),
        ("kept", {"model": "hosted_vllm/small"}, True, "holds answers", None),
        ("object_only", {"model": "hosted_vllm/small"}, False, "can hold", "schema_as: json_object in the model"),
        ("refused", {"model": "hosted_vllm/small"}, False, "refuses one", "structured: false"),
        ("kept", {"model": "ollama_chat/llama3.1:8b"}, True, "holds answers", None),
        ("ignored", {"model": "ollama_chat/llama3.1:8b"}, False, "ignores one", "structured: false"),
        ("refused", {"model": "ollama_chat/llama3.1:8b"}, False, "refuses one", "structured: false"),
    ],
)
def test_a_server_of_ones_own_is_tried(
    way: str,
    settings: dict[str, Any],
    ok: bool,
    what: str,
    remedy: str | None,
    fill: Fill,
    server: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.change(schemas=way, models={"small": {}, "llama3.1:8b": {}})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-that-is-none-0123456789")
    own = {"model": "openai/small", **settings}
    base = server.url if own["model"].startswith("ollama") else server.openai
    result = finding(fill(api_base=base, **own))
    assert result.ok is ok and what in result.what
    assert (result.remedy or "").startswith(remedy or "") and bool(result.remedy) is bool(remedy)


def test_the_models_own_parameters_are_tried_since_a_server_may_keep_to_a_schema_with_some_alone(
    fill: Fill, server: RunningServer
) -> None:
    finding(fill(model="ollama_chat/llama3.1:8b", api_base=server.url, extra={"think": False}, num_ctx=512))
    body = server.requests()[-1]["body"]
    assert body["think"] is False and body["format"]["required"] == ["answer"]
    assert body["options"] == {"num_ctx": 512, "num_predict": 64}


def test_a_model_that_thinks_too_long_is_not_called_ignorant(fill: Fill, server: RunningServer) -> None:
    server.change(models={"small": {"reasoning_tokens": 500}})
    result = finding(fill(model="openai/small", api_base=server.openai))
    assert result.ok and "thinks for more than 64 tokens" in result.what


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"model": "groq/openai/gpt-oss-20b"}, "holds answers to a JSON schema"),
        ({"model": "groq/llama-3.3-70b-versatile"}, "holds answers to no JSON schema"),
        ({"model": "groq/of-tomorrow"}, "it is not known whether groq/of-tomorrow"),
        (
            {"model": "openai/small", "api_base": "SERVER", "price": {"input": 1.0, "output": 1.0}},
            "not known whether",
        ),
    ],
)
def test_what_is_paid_for_is_not_tried(
    settings: dict[str, Any], what: str, fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.change(any_model=True)
    monkeypatch.setenv("GROQ_API_KEY", "gsk_that-is-none-0123456789")
    monkeypatch.setattr("ragtally_litellm.doctor._listing", lambda *_: Finding(True, "it answers"))
    own = {name: server.openai if value == "SERVER" else value for name, value in settings.items()}
    result = finding(fill(**own))
    assert result.ok and what in result.what
    assert server.counts()["requests"] == 0
