"""An embedding model's parameters, filled as the engine fills them."""

from __future__ import annotations

from typing import Any

import ragtally_litellm
from model_server.fixture import RunningServer
from ragtally.api import Component, Embedder

(COMPONENT,) = ragtally_litellm.register_embedders()
COMPONENT: Component
OPENAI, OLLAMA = "openai/text-embedding-3-small", "ollama/nomic-embed-text"


def fill_embedder(**settings: Any) -> dict[str, Any]:
    return {name: schema.get("default") for name, schema in COMPONENT.params.items()} | settings


def on(server: RunningServer, api: str, **settings: Any) -> dict[str, Any]:
    """Parameters of a model of the test server, by OpenAI's API or by Ollama's own."""
    if api == "openai":
        return fill_embedder(model=OPENAI, api_base=server.openai, **settings)
    return fill_embedder(model=OLLAMA, api_base=server.url, **settings)


def build(parameters: dict[str, Any]) -> Embedder:
    embedder: Embedder = COMPONENT.build(**parameters)
    return embedder
