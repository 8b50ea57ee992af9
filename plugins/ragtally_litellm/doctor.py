"""What is missing to ask a model: its server, the model, the key; and the command that fixes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from ragtally import Finding
from ragtally.support.environment import environment, first_value
from ragtally_litellm.needs import TIMEOUT, fault_of, missing_keys, model_names
from ragtally_litellm.ollama import (
    REFUSES_LONG_PROMPTS,
    Capability,
    cuts_silently,
    servers,
)
from ragtally_litellm.own_api import own_api_findings, version
from ragtally_litellm.routes import NATIVE, Route, authorization, base_urls, route_of
from ragtally_litellm.schema_probe import known_finding, schema_findings
from ragtally_litellm.tags import missing_model


def findings(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for everything that a model needs; asks its servers, and pays for nothing."""
    route = route_of(parameters["model"])
    if route.is_ollama:
        return list(_ollama(route, parameters))
    if route.provider in NATIVE:
        return list(_compatible(route, parameters))
    if missing := missing_keys(parameters):
        return missing
    access = Finding(True, f"{route.provider} has what LiteLLM looks for in the environment")
    return [access, known_finding(route, parameters)] if _is_model(parameters) else [access]


def _ollama(route: Route, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    # An embedder has no `num_ctx`, and where a model has none stated it gets what its prompts need.
    tokens = parameters.get("num_ctx") or 0
    use: Capability = "completion" if _is_model(parameters) else "embedding"
    for server in servers(parameters):
        if not server.answers:
            yield Finding(False, f"Ollama at {server.base} does not answer: {server.failure}", "ollama serve")
        elif server.model is None:
            yield Finding(False, *missing_model(server.base, route.model, server.names))
        elif faults := list(server.faults(parameters, use)):
            yield from (Finding(False, *fault) for fault in faults)
        else:
            yield Finding(True, f"Ollama at {server.base} has {route.model} ({server.model.digest[:12]})")
            length = server.model.context_length
            if length is not None and tokens > length:
                yield Finding(False, f"{route.model} takes {length:,} tokens, not {tokens:,}", f"num_ctx: {length}")
            elif _is_model(parameters):
                yield from _cutting(server.base)
                yield from schema_findings(route, parameters, server.base)


def _cutting(base: str) -> Iterator[Finding]:
    number = version(base)
    if number is not None and cuts_silently(number):
        needed = ".".join(map(str, REFUSES_LONG_PROMPTS))
        message = (
            f"Ollama at {base} is {number} and does not know truncate: false: it cuts prompts that do not fit; "
            "their calls fail as too long where its count of tokens shows it"
        )
        yield Finding(True, message, f"update Ollama to {needed} or newer")


def _compatible(route: Route, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    provider = NATIVE[route.provider]
    key = first_value(provider.key_variables, environment())
    urls = base_urls(route, parameters["api_base"])
    if not urls:
        message = f"it is not known where {route.full_name} is"
        yield Finding(False, message, f"export {provider.base_variables[0]}=http://...")
    if missing := missing_keys(parameters):
        yield from missing
        return
    if key is not None:
        yield Finding(True, f"{route.provider} has a key")
    yield from (Finding(False, *finding) for finding in own_api_findings(parameters))
    for url in urls:
        listing = _listing(route, url, key)
        yield listing
        if listing.ok and _is_model(parameters):
            yield from schema_findings(route, parameters, url)


def _is_model(parameters: Mapping[str, Any]) -> bool:
    # An embedder has no answers.
    return "structured" in parameters


def _listing(route: Route, url: str, key: str | None) -> Finding:
    variable = route.key_variables[0]
    try:
        response = requests.get(f"{url}/models", headers=authorization(key), timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        return Finding(False, f"{url} does not answer: {type(error).__name__}", f"curl {url}/models")
    if response.status_code in (401, 403):
        message = f"{url} does not take the key" if key else f"{url} wants a key: {variable} is not set"
        return Finding(False, message, f"export {variable}=...")
    if response.status_code != 200:
        return Finding(False, f"{url}/models answers {response.status_code}", f"curl {url}/models")
    names = model_names(response)
    if fault := fault_of(route, url, names):
        return fault
    return Finding(True, f"{url} has {route.model}" if names else f"{url} answers")
