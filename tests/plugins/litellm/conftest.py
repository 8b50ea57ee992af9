"""A model server in a process of its own, and an environment that holds no keys but the test's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ragtally_litellm
import ragtally_litellm.ollama
from model_server.fixture import RunningServer, running_server
from ragtally.api import Component

COMPONENT: Component = ragtally_litellm.register_models()[0]
KEY = "gsk_placed-by-the-test-0123456789abcdef"


@pytest.fixture
def fill() -> Callable[..., dict[str, Any]]:
    """Fill a component's parameters with their defaults, as the engine does."""
    return lambda **settings: {name: schema.get("default") for name, schema in COMPONENT.params.items()} | settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_API_BASE", "_BASE_URL", "OLLAMA_HOST")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    ragtally_litellm.ollama.forget()


@pytest.fixture(scope="session")
def session_server() -> Iterator[RunningServer]:
    with running_server() as server:
        yield server


@pytest.fixture
def server(session_server: RunningServer) -> RunningServer:
    session_server.restore()
    return session_server
