"""Ollama's own client works against the test server."""

from __future__ import annotations

from collections.abc import Iterator

import ollama
import pytest

from model_server.caller import INSTRUCTION, QUESTION
from model_server.fixture import RunningServer


@pytest.fixture
def client(server: RunningServer) -> Iterator[ollama.Client]:
    with ollama.Client(host=server.url) as client:
        yield client


def test_ollamas_client_lists_and_shows_models(server: RunningServer, client: ollama.Client) -> None:
    server.change(models={"llama3.1:8b": {"digest": "ab" * 32, "context_length": 131072}, "phi:latest": {}})
    first, second = client.list().models
    assert (first.model, first.digest, second.model) == ("llama3.1:8b", "ab" * 32, "phi:latest")
    shown = client.show("llama3.1:8b")
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 131072
    assert client.show("phi").modelinfo
    server.change(models={"llama3.1:8b": {"digest": "cd" * 32}})
    assert client.list().models[0].digest == "cd" * 32


def test_ollamas_client_chats(server: RunningServer, client: ollama.Client) -> None:
    passage = "Whether aspirin may relieve headaches remains unclear."
    messages = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": f"{passage}\n{QUESTION}"}]
    reply = client.chat("llama3.1:8b", messages, options={"seed": 3, "temperature": 0.7})
    assert (reply.message.content, reply.done_reason, reply.eval_count) == ("maybe", "stop", 1)
    with pytest.raises(ollama.ResponseError, match="model 'x' not found") as raised:
        client.chat("x", messages)
    assert raised.value.status_code == 404
    assert server.counts()["successful"] == 1


def test_ollamas_client_pulls_with_progress(server: RunningServer, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="not found"):
        client.chat("qwen2.5:7b", [{"role": "user", "content": "Hello"}])
    progress = list(client.pull("qwen2.5:7b", stream=True))
    assert progress[0].status == "pulling manifest"
    assert progress[-1].status == "success"
    shares = [each.completed / each.total for each in progress if each.completed and each.total]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert client.chat("qwen2.5:7b", [{"role": "user", "content": "Hello"}]).message.content
    assert "qwen2.5:7b" in {model.model for model in client.list().models}


def test_ollamas_client_meets_pulls_that_fail(server: RunningServer, client: ollama.Client) -> None:
    for stream in (True, False):
        with pytest.raises(ollama.ResponseError, match="pull model manifest: file does not exist"):
            list(client.pull("qwen9", stream=stream))  # type: ignore[call-overload]
    server.change(pull_fails=True)
    with pytest.raises(ollama.ResponseError, match="unexpected EOF"):
        list(client.pull("qwen2.5:7b", stream=True))
    assert "qwen2.5:7b" not in {model.model for model in client.list().models}
