"""A Weaviate server for tests: the one that `WEAVIATE_URL` names, else a stand-in on loopback."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import weaviate.retry
from httpx._config import create_ssl_context

import ragtally_weaviate
from ragtally.api import Passages
from ragtally.testing import samples
from ragtally_weaviate import filling
from ragtally_weaviate.design import PREFIX
from ragtally_weaviate.server import connect
from weaviate_server import StubServer, started

REAL = bool(os.environ.get("WEAVIATE_URL"))
(COMPONENT,) = ragtally_weaviate.register_retrievers()


def filled(**given: Any) -> dict[str, Any]:
    """Every parameter with its value, as the engine fills them in."""
    assert not given.keys() - COMPONENT.params.keys()
    return {name: given.get(name, schema.get("default")) for name, schema in COMPONENT.params.items()}


@pytest.fixture(autouse=True)
def certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client reads them anew, which takes longer than all else; loopback needs none."""
    context = functools.cache(lambda *given, **more: create_ssl_context())
    monkeypatch.setattr(httpx._transports.default, "create_ssl_context", _READ.setdefault("context", context))


_READ: dict[str, Any] = {}


@pytest.fixture
def build() -> Callable[..., Any]:
    return lambda **given: COMPONENT.build(**filled(**given))


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubServer]:
    """The stand-in, which can be made to fail; nobody waits between tries."""
    monkeypatch.setattr(weaviate.retry, "time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr(filling, "_PAUSE", 0.0)
    monkeypatch.setattr(filling, "_WAIT", 0.0)
    with started() as server:
        for name in ("WEAVIATE_API_KEY", "WEAVIATE_GRPC_HOST"):
            monkeypatch.delenv(name, raising=False)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[None]:
    """The real server where there is one, left as it was; else the stand-in."""
    if not REAL:
        request.getfixturevalue("stub")
        yield
        return
    before = names()
    yield
    with connect(embedded=False) as connection:
        for name in names() - before:
            connection.client.collections.delete(name)


def names() -> set[str]:
    """The collections on the server that are named like ragtally's."""
    with connect(embedded=False) as connection:
        return {name for name in connection.client.collections.list_all() if name.startswith(PREFIX)}


@pytest.fixture
def passages() -> Passages:
    return samples.passages()


@pytest.fixture
def vectors(passages: Passages) -> Any:
    return samples.StubEmbedder().embed_documents(passages.text)
