"""The doctor says what is missing to ask a model, and what to type."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from model_server.fixture import RunningServer
from ragtally.api import Finding
from ragtally_litellm import diagnose

Fill = Callable[..., dict[str, Any]]


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_ollama_with_the_model(fill: Fill, server: RunningServer) -> None:
    finding = only(diagnose(fill(model="ollama_chat/llama3.1:8b", api_base=server.url)))
    assert finding.ok and "llama3.1:8b" in finding.what


def test_ollama_without_the_model(fill: Fill, server: RunningServer) -> None:
    finding = only(diagnose(fill(model="ollama_chat/qwen2.5:7b", api_base=server.url)))
    assert (finding.ok, finding.remedy) == (False, "ollama pull qwen2.5:7b")


def test_ollama_away(fill: Fill) -> None:
    finding = only(diagnose(fill(model="ollama_chat/qwen2.5:7b", api_base="http://127.0.0.1:9")))
    assert (finding.ok, finding.remedy) == (False, "ollama serve")


def test_ollama_with_too_small_a_context(fill: Fill, server: RunningServer) -> None:
    findings = diagnose(fill(model="ollama_chat/gemma2:2b", api_base=server.url, num_ctx=10_000))
    assert [finding.ok for finding in findings] == [True, False]
    assert findings[1].remedy == "num_ctx: 8192"


def test_a_hosted_model_without_a_key(fill: Fill) -> None:
    finding = only(diagnose(fill(model="groq/openai/gpt-oss-20b")))
    assert (finding.ok, finding.remedy) == (False, "export GROQ_API_KEY=...")


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
    assert [finding.ok for finding in diagnose(parameters)] == [True, True]


def test_a_server_that_has_not_got_the_model(fill: Fill, server: RunningServer) -> None:
    finding = only(diagnose(fill(model="hosted_vllm/nobody", api_base=server.openai)))
    assert not finding.ok and "no model nobody" in finding.what


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_a_server_that_speaks_something_else(path: str, fill: Fill, server: RunningServer) -> None:
    finding = only(diagnose(fill(model="hosted_vllm/x", api_base=server.url + path)))
    assert not finding.ok and finding.remedy


def test_a_server_that_is_away(fill: Fill) -> None:
    finding = only(diagnose(fill(model="hosted_vllm/x", api_base="http://127.0.0.1:9/v1")))
    assert not finding.ok and "does not answer" in finding.what


def test_a_server_that_nobody_named(fill: Fill) -> None:
    finding = only(diagnose(fill(model="hosted_vllm/x")))
    assert not finding.ok and finding.remedy == "export HOSTED_VLLM_API_BASE=http://..."


def test_other_providers_are_litellms(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = fill(model="anthropic/claude-sonnet-4-20250514")
    finding = only(diagnose(parameters))
    assert (finding.ok, finding.remedy) == (False, "export ANTHROPIC_API_KEY=...")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-some-length")
    assert only(diagnose(parameters)).ok
