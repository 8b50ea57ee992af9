"""What must be there before a call: a key in the environment, and the model at one's own servers."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any

import requests

from ragtally import Finding
from ragtally.support.environment import environment, first_value
from ragtally_litellm.routes import NATIVE, Route, authorization, base_urls, route_of, served_elsewhere

# Seconds to wait for a server that only has to list its models.
TIMEOUT = 5.0
_MOST_NAMES = 8


def missing_keys(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for the provider's key, in the environment and in `.env` alone."""
    route = route_of(parameters["model"])
    provider = NATIVE.get(route.provider)
    if route.is_ollama or (provider is not None and base_urls(route, parameters["api_base"]) != (provider.base,)):
        # One's own server may want none.
        return []
    if provider is not None:
        variables = [] if first_value(provider.key_variables, environment()) else [provider.key_variables[0]]
    else:
        from ragtally_litellm.library import missing_variables

        variables = missing_variables(route)
    return [
        Finding(False, f"{route.provider} has no key: {name} is not set", f"export {name}=...") for name in variables
    ]


def missing_models(parameters: Mapping[str, Any]) -> list[Finding]:
    """Ask one's own servers whether they have the model; one that does not say is left to the calls."""
    # Some answer under any name: llama.cpp's would be taken for the model that the spec names.
    route = route_of(parameters["model"])
    if route.is_ollama or route.provider not in NATIVE or not served_elsewhere(route, parameters["api_base"]):
        return []
    key = first_value(route.key_variables, environment())
    # A provider's gateway is asked for nothing but answers.
    urls = [url for url in base_urls(route, parameters["api_base"]) if url.startswith("http://")]
    return [fault for url in urls if (fault := fault_of(route, url, _names(url, key))) is not None]


def fault_of(route: Route, url: str, names: Collection[str]) -> Finding | None:
    """Say that a server has no such model, and which it has; None where it has, or lists none."""
    if not names or any(_is_named(route.model, name) for name in names):
        return None
    similar = difflib.get_close_matches(route.model, sorted(names), n=3, cutoff=0.4)
    others = [name for name in sorted(names) if name not in similar]
    choices = [*similar, *others][:_MOST_NAMES]
    more = f" and {len(names) - len(choices)} more" if len(names) > len(choices) else ""
    return Finding(
        False,
        f"{url} has no model {route.model}, but {', '.join(choices)}{more}",
        f"model: {route.provider}/{choices[0]}",
    )


def _is_named(model: str, name: str) -> bool:
    """Whether a name in a server's list means a model."""
    # llama.cpp's server lists the path of its file, Ollama's tags; a proxy may list a pattern.
    if name.endswith("*"):
        return model.startswith(name[:-1])
    file = PurePath(name)
    names = (name, file.name, file.stem) if file.suffix == ".gguf" else (name, name.removesuffix(":latest"))
    return model in names


def model_entries(response: requests.Response) -> list[dict[str, Any]]:
    """Read an answer of `/models`; nothing where it is none."""
    try:
        content = response.json()
    except ValueError:
        return []
    models = content.get("data") if isinstance(content, dict) else None
    return [model for model in models or () if isinstance(model, dict) and "id" in model]


def model_names(response: requests.Response) -> list[str]:
    """Read the names in an answer of `/models`."""
    return [str(model["id"]) for model in model_entries(response)]


def _names(url: str, key: str | None) -> list[str]:
    try:
        response = requests.get(f"{url}/models", headers=authorization(key), timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException:
        return []
    return model_names(response) if response.status_code == 200 else []
