"""The transport through LiteLLM: the same contract, and a quiet LiteLLM."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ragtally_litellm
from model_server.fixture import RunningServer, running_server
from plugins.litellm.chat_calls import QUESTION, ChatMessage, ask, failure
from ragtally.api import ChatModel
from ragtally_litellm.litellm_transport import LitellmChatGenerator

Fill = Callable[..., dict[str, Any]]


@pytest.fixture(params=["openai/llama3.1:8b", "ollama_chat/llama3.1:8b", "ollama/llama3.1:8b"])
def parameters(
    request: pytest.FixtureRequest, fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-some-length")
    base = server.openai if request.param.startswith("openai") else server.url
    return fill(model=request.param, api_base=base, transport="litellm", max_tokens=20)


def test_an_answer_has_text_reason_and_usage(parameters: dict[str, Any]) -> None:
    assert isinstance(ragtally_litellm.build(**parameters), ChatModel)
    (reply,) = ask(parameters, seed=3)
    assert reply.text
    assert reply.meta["finish_reason"] == "stop"
    assert reply.meta["usage"]["prompt_tokens"] > 0


def test_it_can_be_asked_without_an_event_loop(parameters: dict[str, Any]) -> None:
    model = ragtally_litellm.build(**parameters)
    assert model.run([ChatMessage.from_user(QUESTION)])["replies"][0].text  # type: ignore[attr-defined]
    asyncio.run(model.close())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("429_seconds", "rate limit"),
        ("500", "server"),
        ("503", "server"),
        ("daily_tokens", "daily quota"),
        ("400", "bad request"),
        ("401", "authentication"),
        ("404", "not found"),
        ("too_long", "too long"),
        ("content_policy", "refused"),
    ],
)
def test_faults_have_their_reasons(
    fault: str, reason: str, fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-some-length")
    server.change(faults={fault: 1.0}, retry_after=2)
    error = failure(fill(model="openai/llama3.1:8b", api_base=server.openai, transport="litellm"))
    assert error.reason == reason
    assert server.counts()["requests"] == 1, "nothing is tried again here"
    if fault == "429_seconds":
        assert error.retry_after == 2


@pytest.mark.parametrize("fault", ["disconnect", "half_body", "invalid_json", "empty_choices", "hang"])
def test_broken_answers_pass(fault: str, fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-some-length")
    server.change(faults={fault: 1.0}, hold_seconds=5)
    error = failure(fill(model="openai/llama3.1:8b", api_base=server.openai, transport="litellm", timeout=0.5))
    assert error.retryable, error
    assert server.counts()["requests"] == 1


def test_several_hosts_are_asked_in_turn(fill: Fill, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-some-length")
    with running_server() as second:
        bases = [server.openai, second.openai]
        ask(fill(model="openai/llama3.1:8b", api_base=bases, transport="litellm"), calls=6)
        assert [host.counts()["successful"] for host in (server, second)] == [3, 3]


def test_a_key_in_a_file_is_found(fill: Fill, server: RunningServer) -> None:
    server.change(api_key="a-key-of-some-length")
    Path(".env").write_text("OPENAI_API_KEY=a-key-of-some-length\n")
    (reply,) = ask(fill(model="openai/llama3.1:8b", api_base=server.openai, transport="litellm"))
    assert reply.text


def test_it_is_written_down_without_its_key(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "a-key-of-some-length")
    model = ragtally_litellm.build(**fill(model="mistral/mistral-large-latest", temperature=0.5))
    assert isinstance(model, LitellmChatGenerator)
    description = model.to_dict()
    assert "a-key-of" not in repr(description)
    assert LitellmChatGenerator.from_dict(description).to_dict() == description


def test_ollama_gets_its_context_length_here_too(fill: Fill, server: RunningServer) -> None:
    ask(fill(model="ollama_chat/llama3.1:8b", api_base=server.url, transport="litellm"))
    assert server.requests()[-1]["body"]["options"]["num_ctx"] == 4096


def test_litellm_is_imported_without_network_telemetry_or_dotenv() -> None:
    Path(".env").write_text("FROM_DOTENV=1\nLITELLM_LOG=DEBUG\n")
    script = """
import json, os, socket
def refuse(*_): raise AssertionError("the network was used")
socket.socket.connect = refuse
before = dict(os.environ)
import ragtally_litellm.litellm_transport
from ragtally_litellm.library import load_litellm
litellm = load_litellm()
from haystack.telemetry import _telemetry
print(json.dumps([before == dict(os.environ), litellm.telemetry, litellm.suppress_debug_info, _telemetry.telemetry]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, False, True, None]
    assert done.stderr == ""
