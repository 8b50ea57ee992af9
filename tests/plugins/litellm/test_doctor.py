"""The doctor says what is missing to ask a model, and what to type."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from model_server.fixture import RunningServer
from ragtally_litellm import diagnose

Fill = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("settings", "what", "remedies"),
    [
        ({"model": "ollama_chat/llama3.1:8b", "api_base": "OLLAMA"}, "llama3.1:8b", [None, None]),
        ({"model": "ollama_chat/qwen2.5:7b", "api_base": "OLLAMA"}, "has no model", ["ollama pull qwen2.5:7b"]),
        ({"model": "ollama_chat/qwen2.5:7b", "api_base": "http://127.0.0.1:9"}, "", ["ollama serve"]),
        ({"model": "ollama_chat/gemma2:2b", "api_base": "OLLAMA", "num_ctx": 10_000}, "", [None, "num_ctx: 8192"]),
        ({"model": "groq/openai/gpt-oss-20b"}, "", ["export GROQ_API_KEY=..."]),
        (
            {"model": "hosted_vllm/nobody", "api_base": "OLLAMA/v1"},
            "no model nobody",
            ["model: hosted_vllm/gemma2:2b"],
        ),
        ({"model": "hosted_vllm/x", "api_base": "OLLAMA"}, "answers 404", ["curl OLLAMA/models"]),
        (
            {"model": "hosted_vllm/x", "api_base": "http://127.0.0.1:9/v1"},
            "does not answer",
            ["curl http://127.0.0.1:9/v1/models"],
        ),
        ({"model": "hosted_vllm/x"}, "", ["export HOSTED_VLLM_API_BASE=http://..."]),
        ({"model": "anthropic/claude-sonnet-4-20250514"}, "", ["export ANTHROPIC_API_KEY=..."]),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    settings: dict[str, Any], what: str, remedies: list[str | None], fill: Fill, server: RunningServer
) -> None:
    here = {
        name: value.replace("OLLAMA", server.url) if name == "api_base" else value for name, value in settings.items()
    }
    findings = diagnose(fill(**here))
    assert [finding.remedy for finding in findings] == [
        remedy and remedy.replace("OLLAMA", server.url) for remedy in remedies
    ]
    assert [finding.ok for finding in findings] == [remedy is None for remedy in remedies]
    assert what in findings[0].what


class Guarded(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.headers.get("Authorization") == "Bearer the-right-one" else 401)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "openai/gpt-oss-20b"}]}')

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def guarded() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_key_is_tried(fill: Fill, guarded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = fill(model="groq/openai/gpt-oss-20b", api_base=guarded)
    assert "wants a key" in diagnose(parameters)[-1].what
    monkeypatch.setenv("GROQ_API_KEY", "the-wrong-one")
    assert "does not take the key" in diagnose(parameters)[-1].what
    monkeypatch.setenv("GROQ_API_KEY", "the-right-one")
    assert [finding.ok for finding in diagnose(parameters)][:2] == [True, True]


def test_other_providers_keys_are_litellms_to_name(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-some-length")
    key, schema = diagnose(fill(model="anthropic/claude-sonnet-4-20250514"))
    assert key.ok and schema.what == "anthropic/claude-sonnet-4-20250514 holds answers to a JSON schema of a reader's"
