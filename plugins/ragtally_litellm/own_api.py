"""What a server says of itself without Ollama's client, which is slow to load: its version, its models, and so
whether one that is taken for OpenAI's like is an Ollama.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import Any

import requests

from ragtally.support.environment import environment, first_value
from ragtally_litellm.routes import NATIVE, authorization, base_urls, route_of
from ragtally_litellm.tags import read_listing

LOG = logging.getLogger("ragtally.ollama")
# Seconds to wait for a server that only has to say what it is.
_LONGEST_ANSWER = 5.0


def own_api_findings(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say of each server that is taken for OpenAI's like and is an Ollama that its own API is the better one."""
    route = route_of(parameters["model"])
    provider = "ollama" if "query_prefix" in parameters else "ollama_chat"
    return [
        (
            f"{url} is an Ollama: its OpenAI-compatible API takes no num_ctx and cuts what does not fit silently",
            f"model: {provider}/{route.model}, api_base: {url.removesuffix('/v1')}",
        )
        for url in base_urls(route, parameters["api_base"])
        if is_ollama(url.removesuffix("/v1"))
    ]


def forget() -> None:
    """Ask the servers again, and warn again, where a process has done so before."""
    is_ollama.cache_clear()
    warn_once.cache_clear()


@functools.cache
def warn_once(message: str) -> None:
    LOG.warning(message)


@functools.cache
def is_ollama(base: str) -> bool:
    """Whether a server is an Ollama."""
    # Only one's own server is asked; a provider's gateway is asked for nothing but answers.
    return base.startswith("http://") and version(base) is not None and _lists_models(base)


def _lists_models(base: str) -> bool:
    # llama.cpp and vLLM have neither.
    try:
        return read_listing(list_models(base)) is not None
    except (requests.RequestException, ConnectionError, ValueError):
        return False


def list_models(base: str) -> Any:
    """Ask a server for `/api/tags`."""
    key = first_value(NATIVE["ollama_chat"].key_variables, environment())
    response = requests.get(
        f"{base}/api/tags", headers=authorization(key), timeout=_LONGEST_ANSWER, allow_redirects=False
    )
    if response.status_code != 200:
        raise ConnectionError(f"/api/tags answers {response.status_code}")
    return response.json()


def version(base: str) -> str | None:
    """Ask a server for its version; None where it does not say."""
    try:
        content = requests.get(f"{base}/api/version", timeout=_LONGEST_ANSWER, allow_redirects=False).json()
    except (requests.RequestException, ValueError):
        return None
    text = content.get("version") if isinstance(content, dict) else None
    return text if isinstance(text, str) else None
