"""Weaviate beside ragtally: started once, without usage data, and one clear error where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ragtally.api import Passages
from ragtally.support.environment import environment
from ragtally.testing import samples
from ragtally_weaviate import connection
from ragtally_weaviate.failures import ServerError
from ragtally_weaviate.server import server_of
from weaviate_server import StubServer

Build = Callable[..., Any]


@pytest.fixture(autouse=True)
def none_started() -> Iterator[None]:
    connection._embedded.cache_clear()
    yield
    connection._embedded.cache_clear()


def test_it_is_started_once_and_sends_no_usage_data(
    stub: StubServer, build: Build, passages: Passages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in plays the server that the client library would download."""
    client = connection.open_client(server_of(environment()), 10)
    given: list[dict[str, Any]] = []

    def start(**options: Any) -> Any:
        given.append(options)
        return client

    monkeypatch.setattr(connection.weaviate, "WeaviateClient", start)
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


def test_it_cannot_be_started(build: Build, passages: Passages, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: Any) -> Any:
        raise OSError("no route to host")

    monkeypatch.setattr(connection.weaviate, "WeaviateClient", refuse)
    with pytest.raises(ServerError, match="cannot be started beside ragtally: no route to host") as caught:
        build(mode="bm25", embedded=True).add(passages, None)
    assert "docker compose up" in (caught.value.hint or "")
