"""The test server refuses as the providers do, and counts what came and what was taken."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from model_server.caller import CHAT, OLLAMA, ask, at_once, send
from model_server.fixture import RunningServer


def test_models_are_listed_and_other_paths_unknown(server: RunningServer) -> None:
    server.change(models={"a:1": {}, "b:2": {"pulled": False}})
    for path in ("/v1/models", "/openai/v1/models"):
        assert [model["id"] for model in send(server, path).content["data"]] == ["a:1", "b:2"]
    assert send(server, "/v1/completions").status == 404
    assert ask(server, model="c:3").status == ask(server, path=OLLAMA, model="b:2").status == 404


def test_a_body_that_is_no_call_is_refused(server: RunningServer) -> None:
    for body in (b"{", b"[]", b'{"model": "x"}', b'{"model": "x", "messages": ["hello"]}'):
        assert send(server, CHAT, body).status == 400
    assert ask(server).status == 200


def test_a_wrong_key_is_refused(server: RunningServer) -> None:
    server.change(api_key="sk-made-up-right")
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
    for headers in ({}, {"Authorization": "Bearer sk-made-up-wrong"}):
        refused = send(server, CHAT, body, headers=headers)
        assert (refused.status, refused.content["error"]["code"]) == (401, "invalid_api_key")
        assert b"made-up" not in refused.body
    assert send(server, CHAT, body, headers={"authorization": "Bearer sk-made-up-right"}).status == 200


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"temperature": 0.7}, "unsupported_value"),
        ({"max_tokens": 5}, "unsupported_parameter"),
        ({"temperature": 1, "max_completion_tokens": 5}, None),
    ],
)
def test_a_model_may_refuse_parameters(server: RunningServer, more: dict[str, Any], code: str | None) -> None:
    got = ask(server, model="gpt-5-mini", **more)
    assert got.content.get("error", {}).get("code") == code
    assert got.status == (400 if code else 200)


def test_more_calls_at_a_time_than_are_allowed_are_refused(server: RunningServer) -> None:
    server.change(max_in_flight=2, latency=0.2)
    assert sorted(got.status for got in asyncio.run(at_once(server, 5))) == [200, 200, 429, 429, 429]


def test_requests_are_remembered_with_headers_and_body(server: RunningServer) -> None:
    for seed in range(101):
        ask(server, seed=seed, temperature=0.7)
    latest = server.requests()
    assert [call["body"]["seed"] for call in latest] == list(range(1, 101))
    assert latest[0]["path"] == CHAT
    assert latest[0]["body"]["temperature"] == 0.7
    assert latest[0]["headers"]["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_connection_serves_many_requests(server: RunningServer, chunked: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    body = json.dumps({"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "x" * 300_000}]}).encode()
    connection.connect()
    first = connection.sock
    for _ in range(3):
        sent: Any = iter([body[:1000], body[1000:]]) if chunked else body
        connection.request("POST", CHAT, sent, encode_chunked=chunked)
        assert json.loads(connection.getresponse().read())["usage"]["prompt_tokens"] == 75_000
        assert connection.sock is first
    connection.close()


def test_many_calls_are_in_flight_at_once(server: RunningServer) -> None:
    server.change(latency=0.8)
    answers = asyncio.run(at_once(server, 256))
    assert {got.status for got in answers} == {200}
    assert min(got.seconds for got in answers) >= 0.8
    counts = server.counts()
    assert counts["max_in_flight"] == 256
    assert counts["in_flight"] == 0
    assert counts["successful"] == counts["distinct_keys"] == 256
    assert set(counts["successful_by_key"].values()) == {1}
    assert counts["first_request"] <= counts["last_request"] <= counts["last_answer"]
    assert counts["last_answer"] - counts["first_request"] >= 0.8


def test_calls_are_counted_by_key_of_model_messages_and_seed(server: RunningServer) -> None:
    for seed, model in ((0, "llama3.1:8b"), (0, "llama3.1:8b"), (1, "llama3.1:8b"), (0, "gemma2:2b")):
        ask(server, model=model, seed=seed, temperature=seed)
    ask(server, path=OLLAMA, options={"seed": 1})
    counts = server.counts()
    assert sorted(counts["successful_by_key"].values()) == [1, 2, 2]
    assert counts["by_model"] == {"llama3.1:8b": 4, "gemma2:2b": 1}
    assert "successful_by_key" not in server.counts(keys=False)
    server.reset()
    assert server.counts()["requests"] == 0


def test_a_killed_caller_got_no_answer(server: RunningServer) -> None:
    server.change(latency=0.5)
    script = f"""
import http.client, json
connections = [http.client.HTTPConnection("127.0.0.1", {server.port}) for _ in range(3)]
for connection in connections:
    body = {{"model": "gpt-4.1-mini", "messages": [{{"role": "user", "content": "Hello"}}]}}
    connection.request("POST", "{CHAT}", json.dumps(body))
print("sent", flush=True)
connections[0].getresponse()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        caller.stdout.readline()
        caller.send_signal(signal.SIGKILL)
    time.sleep(0.7)
    counts = server.counts()
    assert (counts["requests"], counts["abandoned"], counts["successful"], counts["in_flight"]) == (3, 3, 0, 0)
