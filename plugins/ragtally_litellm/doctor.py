"""What is missing to ask a model: its server, the model, the key; and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from ragtally import Finding
from ragtally_litellm.keys import environment, first_value, known_secrets, without_secrets
from ragtally_litellm.quiet import load_litellm
from ragtally_litellm.routes import FAST, Route, bases, route_of

_PATIENCE = 5.0


def findings(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for everything that a model needs; asks its servers, and pays for nothing."""
    route = route_of(parameters["model"])
    if route.local:
        return list(_ollama(route, parameters))
    if route.provider in FAST:
        return list(_compatible(route, parameters))
    return list(_library(route))


def _ollama(route: Route, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    from ragtally_litellm.bodies import OLLAMA_CONTEXT
    from ragtally_litellm.ollama import servers

    # An embedding has no `num_ctx`.
    wanted = (parameters["num_ctx"] or OLLAMA_CONTEXT) if "num_ctx" in parameters else 0
    for server in servers(parameters):
        if not server.reached:
            yield Finding(False, f"Ollama at {server.base} does not answer: {server.said}", "ollama serve")
            continue
        if server.seen is None:
            remedy = f"ollama pull {route.model}"
            yield Finding(False, f"Ollama at {server.base} has no model {route.model}", remedy)
            continue
        yield Finding(True, f"Ollama at {server.base} has {route.model} ({server.seen.digest[:12]})")
        length = server.seen.context_length
        if length is not None and wanted > length:
            yield Finding(False, f"{route.model} takes {length:,} tokens, not {wanted:,}", f"num_ctx: {length}")


def _compatible(route: Route, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    provider, values = FAST[route.provider], environment()
    key = first_value(provider.key_variables, values)
    urls = bases(route, parameters["api_base"], values)
    variable = provider.key_variables[0]
    if not urls:
        message = f"it is not known where {route.full_name} is"
        yield Finding(False, message, f"export {provider.base_variables[0]}=http://...")
    if key is not None:
        yield Finding(True, f"{route.provider} has a key")
    elif urls == (provider.base,):
        yield Finding(False, f"{route.provider} has no key: {variable} is not set", f"export {variable}=...")
        return
    for url in urls:
        yield _listing(route, url, key, known_secrets(values))


def _listing(route: Route, url: str, key: str | None, secrets: tuple[str, ...]) -> Finding:
    variable = route.key_variables[0]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = requests.get(f"{url}/models", headers=headers, timeout=_PATIENCE, allow_redirects=False)
    except requests.RequestException as error:
        said = without_secrets(type(error).__name__, secrets)
        return Finding(False, f"{url} does not answer: {said}", f"curl {url}/models")
    if answer.status_code in (401, 403):
        what = f"{url} does not take the key" if key else f"{url} wants a key: {variable} is not set"
        return Finding(False, what, f"export {variable}=...")
    if answer.status_code != 200:
        return Finding(False, f"{url}/models answers {answer.status_code}", f"curl {url}/models")
    held = _names(answer)
    if held and route.model not in held:
        return Finding(False, f"{url} has no model {route.model}", f"curl {url}/models")
    return Finding(True, f"{url} has {route.model}" if held else f"{url} answers")


def _names(answer: requests.Response) -> set[str]:
    try:
        listed = answer.json()
    except ValueError:
        return set()
    models = listed.get("data") if isinstance(listed, dict) else None
    return {str(each["id"]) for each in models or () if isinstance(each, dict) and "id" in each}


def _library(route: Route) -> Iterator[Finding]:
    values = environment()
    told = load_litellm().validate_environment(model=route.full_name)
    missing = [name for name in told["missing_keys"] if not values.get(name)]
    if missing:
        what = f"{route.provider} needs {' and '.join(missing)} in the environment"
        yield Finding(False, what, " ".join(["export", *(f"{name}=..." for name in missing)]))
    else:
        yield Finding(True, f"{route.provider} has what LiteLLM looks for in the environment")
