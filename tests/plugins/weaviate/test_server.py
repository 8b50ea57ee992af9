"""Which server is named or started; and one that is missing, old, closed, full, slow or gone: one error, no key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import weaviate.retry

from ragtally.api import Passages, RagtallyError
from ragtally.support.environment import environment
from ragtally.testing import samples
from ragtally_weaviate import server
from ragtally_weaviate.server import ServerError, connect, server_of
from weaviate_server import StubServer

Build = Callable[..., Any]
KEY = "weaviate-made-up-key-0123456789"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"WEAVIATE_URL": "http://localhost:8080"}, ("http://localhost:8080", "localhost:50051", False)),
        ({"WEAVIATE_URL": "http://here/"}, ("http://here:80", "here:50051", False)),
        ({"WEAVIATE_URL": "http://[::1]:8080"}, ("http://[::1]:8080", "[::1]:50051", False)),
        ({"WEAVIATE_URL": "https://here"}, ("https://here:443", "here:443", True)),
        (
            {"WEAVIATE_URL": "https://a.b.weaviate.cloud"},
            ("https://a.b.weaviate.cloud:443", "grpc-a.b.weaviate.cloud:443", True),
        ),
        (
            {"WEAVIATE_URL": "https://a.weaviate.network"},
            ("https://a.weaviate.network:443", "a.grpc.weaviate.network:443", True),
        ),
        (
            {"WEAVIATE_URL": "http://here:1", "WEAVIATE_GRPC_HOST": "there", "WEAVIATE_GRPC_PORT": "2"},
            ("http://here:1", "there:2", False),
        ),
    ],
)
def test_addresses(given: dict[str, str], wanted: tuple[str, str, bool]) -> None:
    server = server_of(given)
    assert (server.url, server.grpc, server.secure) == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "WEAVIATE_URL is not set"),
        ({"WEAVIATE_URL": " "}, "WEAVIATE_URL is not set"),
        ({"WEAVIATE_URL": "localhost:8080"}, "must be http:// or https://"),
        ({"WEAVIATE_URL": "http://here:port"}, "is no address"),
        ({"WEAVIATE_URL": "http://here/v1"}, "must be http:// or https://"),
        ({"WEAVIATE_URL": "http://me:secret-word@here"}, "holds a name or a password"),
        ({"WEAVIATE_URL": "http://here", "WEAVIATE_GRPC_PORT": "many"}, "WEAVIATE_GRPC_PORT must be a port"),
    ],
)
def test_what_is_no_address(given: dict[str, str], said: str) -> None:
    with pytest.raises(RagtallyError, match=said) as caught:
        server_of(given)
    assert caught.value.hint and "secret-word" not in f"{caught.value.message}{caught.value.hint}"


def test_the_key_is_not_shown() -> None:
    server = server_of({"WEAVIATE_URL": "http://here", "WEAVIATE_API_KEY": "made-up-key"})
    assert server.key == "made-up-key" and "made-up-key" not in repr(server)


@pytest.fixture
def none_started() -> Iterator[None]:
    server._embedded.cache_clear()
    yield
    server._embedded.cache_clear()


@pytest.mark.usefixtures("none_started")
def test_it_is_started_once_and_sends_no_usage_data(
    stub: StubServer, build: Build, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in plays the server that the client library would download."""
    client = server.open_client(server_of(environment()), 10)
    given: list[dict[str, Any]] = []

    def start(**options: Any) -> Any:
        given.append(options)
        return client

    monkeypatch.setattr(server.weaviate, "WeaviateClient", start)
    monkeypatch.setattr(server, "_EMBEDDED", server_of(environment()))
    monkeypatch.delenv("WEAVIATE_URL")
    try:
        retriever = build(mode="bm25", embedded=True)
        retriever.add(passages, None)
        assert (retriever.search(samples.queries(frozenset({"text"})), 3).passage >= 0).any()
    finally:
        client.close()
    (options,) = given
    assert options["skip_init_checks"] is True
    assert options["embedded_options"].additional_env_vars["DISABLE_TELEMETRY"] == "true"
    assert retriever.plain() is None


@pytest.mark.usefixtures("none_started")
def test_it_cannot_be_started(build: Build, passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: Any) -> Any:
        raise OSError("no route to host")

    monkeypatch.setattr(server.weaviate, "WeaviateClient", refuse)
    with pytest.raises(ServerError, match="cannot be started beside ragtally: no route to host") as caught:
        build(mode="bm25", embedded=True).add(passages, None)
    assert "docker compose up" in (caught.value.hint or "")


def fault(action: Callable[[], Any]) -> str:
    with pytest.raises(RagtallyError) as caught:
        action()
    assert caught.value.hint
    assert KEY not in f"{caught.value.message} {caught.value.hint}"
    return f"{caught.value.message} -> {caught.value.hint}"


@pytest.fixture
def add(build: Build, passages: Passages) -> Callable[..., Any]:
    return lambda **given: build(mode="bm25", **given).add(passages, None)


def test_no_server_is_named(monkeypatch: pytest.MonkeyPatch, add: Callable[..., Any]) -> None:
    monkeypatch.delenv("WEAVIATE_URL", raising=False)
    said = fault(add)
    assert "WEAVIATE_URL is not set" in said and "docker compose up --detach --wait" in said


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, add: Callable[..., Any]) -> None:
    monkeypatch.setenv("WEAVIATE_URL", "http://127.0.0.1:9")
    said = fault(add)
    assert "Weaviate at http://127.0.0.1:9 does not answer" in said and "docker compose up" in said


def test_too_old(stub: StubServer, add: Callable[..., Any]) -> None:
    stub.faults.version = "1.26.4"
    assert "is older than 1.27" in fault(add)


def test_not_ready(stub: StubServer, add: Callable[..., Any]) -> None:
    stub.faults.ready = False
    assert "is not ready" in fault(add)


def test_a_server_that_went_away_is_waited_for_in_silence(
    stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(embedded=False) as connection:
        assert connection.answers(1.0)
        assert not replace(connection, url="http://127.0.0.1:9").answers(0.0)
    assert capsys.readouterr().out == ""


def test_no_grpc(stub: StubServer, add: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stub.faults.serving = False
    assert "does not serve gRPC" in fault(add)
    monkeypatch.setenv("WEAVIATE_GRPC_PORT", "9")
    said = fault(add)
    assert "answers, but not to gRPC at 127.0.0.1:9" in said and "export WEAVIATE_GRPC_PORT=" in said


def test_the_key_is_missing_or_wrong(
    stub: StubServer, add: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.faults.key = "another-key-0123456789"
    assert "export WEAVIATE_API_KEY=" in fault(add)
    monkeypatch.setenv("WEAVIATE_API_KEY", KEY)
    assert "does not take the key in WEAVIATE_API_KEY" in fault(add)
    stub.faults.key = KEY
    add()
    assert stub.faults.headers["authorization"] == f"Bearer {KEY}"


def test_read_only(stub: StubServer, add: Callable[..., Any]) -> None:
    stub.faults.read_only = True
    said = fault(add)
    assert "takes no writes" in said and "did not take 40 of 40 chunks" in said
    (command,) = re.findall(r"curl -X PUT .*? (http\S+)/v1/schema/Ragtally_\w+/shards/\w+", said)
    assert command == stub.url


def test_slow(stub: StubServer, add: Callable[..., Any]) -> None:
    stub.faults.hang = 0.4
    said = fault(lambda: add(timeout=0.1))
    assert "did not answer in time" in said and "raise `timeout`" in said


def test_gone_while_it_is_searched(stub: StubServer, build: Build, passages: Passages) -> None:
    retriever = build(mode="bm25", concurrency=1)
    retriever.add(passages, None)
    stub.faults.searches = 2
    assert "does not answer (searching)" in fault(lambda: retriever.search(samples.queries(frozenset({"text"})), 3))
    stub.faults.searches = None
    assert (retriever.search(samples.queries(frozenset({"text"})), 3).passage >= 0).any()


def test_one_question_is_enough_to_find_out_that_it_is_gone(
    stub: StubServer, build: Build, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client waits for a minute in all before it gives up."""
    waited: list[float] = []
    monkeypatch.setattr(weaviate.retry, "time", SimpleNamespace(sleep=waited.append))
    retriever = build(mode="bm25", concurrency=1)
    retriever.add(passages, None)
    stub.faults.searches = 0
    assert "does not answer" in fault(lambda: retriever.search(samples.queries(frozenset({"text"})), 3))
    assert 0 < sum(waited) < 70


def test_nothing_is_sent_to_anybody_else(
    stub: StubServer, add: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client library would ask PyPI for its newest version."""
    import httpx

    asked: list[str] = []
    send = httpx.Client.send

    def watch(self: Any, request: Any, **given: Any) -> Any:
        asked.append(request.url.host)
        return send(self, request, **given)

    monkeypatch.setattr(httpx.Client, "send", watch)
    add()
    assert set(asked) == {"127.0.0.1"}
