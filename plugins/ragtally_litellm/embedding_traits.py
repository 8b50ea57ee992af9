"""What the engine must know of an embedding model before it is built, and what is wrong with its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ragtally import EmbedderTraits, ParameterFault, Price
from ragtally_litellm.routes import FAST, Route, route_of
from ragtally_litellm.table import entry, models
from ragtally_litellm.traits import secrets_in, served_elsewhere, unknown_model

# The providers whose embeddings the fast lane asks for.
FAST_EMBEDDINGS = ("ollama", "openai", "hosted_vllm", "openrouter")
# The providers that can be told whether to cut off what is too long.
CUTS = ("ollama", "hosted_vllm")
# What every request holds already.
_ENGINE = ("input", "model", "encoding_format")
_EXTRAS = ("extra", "query_extra", "document_extra")


def embedder_traits(parameters: Mapping[str, Any]) -> EmbedderTraits:
    """Tell the traits of an embedding model."""
    route = route_of(parameters["model"])
    return EmbedderTraits(
        requires_fit=False,
        cacheable=True,
        # So many texts keep all requests busy; a kill loses no more of them.
        batch=parameters["batch"] * parameters["concurrency"],
        name=route.full_name,
        price=_price(route, parameters),
    )


def embedding_lane(route: Route, parameters: Mapping[str, Any]) -> Literal["fast", "litellm"]:
    """Say which lane requests take."""
    return "fast" if route.provider in FAST_EMBEDDINGS and parameters["lane"] != "litellm" else "litellm"


def check_embedding(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Say what is wrong with an embedding model's parameters beyond their schema."""
    secrets = list(secrets_in(parameters))
    if secrets:
        return secrets
    route = route_of(parameters["model"])
    unknown = unknown_model(route, parameters["model"]) or _no_embeddings(route)
    if unknown:
        return [unknown]
    return [*_conflicts(route, parameters), *_extras(parameters), *_dimensions(route, parameters)]


def _price(route: Route, parameters: Mapping[str, Any]) -> Price | None:
    if parameters["usd_per_hour"] is not None:
        return Price(usd_per_hour=parameters["usd_per_hour"])
    if parameters["price"] is not None:
        return Price(input=parameters["price"], output=0.0)
    if route.local or served_elsewhere(route, parameters["api_base"]):
        return None
    cost = entry(route.provider, route.model).get("input_cost_per_token")
    # Rounded, since 7.5e-08 times a million is not 0.075 in binary.
    return None if cost is None else Price(input=round(cost * 1_000_000, 9), output=0.0)


def _no_embeddings(route: Route) -> ParameterFault | None:
    if route.provider == "ollama_chat":
        message = "ollama_chat is LiteLLM's name for chats with Ollama's models"
        return ParameterFault("model", message, f"model: ollama/{route.model}")
    mode = entry(route.provider, route.model).get("mode", "embedding")
    if mode == "embedding":
        return None
    known = [
        name
        for name, each in models().items()
        if each.get("mode") == "embedding" and each.get("litellm_provider") == route.provider
    ]
    hint = f"there is: {', '.join(sorted(known)[:8])}" if known else None
    return ParameterFault("model", f"{route.full_name} is no model for embeddings but for {mode}", hint)


def _conflicts(route: Route, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    if parameters["pull"] and not route.local:
        yield ParameterFault("pull", "pull is for Ollama's models", "remove it")
    if parameters["truncate"] and route.provider not in CUTS:
        message = f"{route.provider} cannot be told to cut off what is too long"
        yield ParameterFault("truncate", message, "remove it, and make the chunks smaller")
    if parameters["price"] is not None and parameters["usd_per_hour"] is not None:
        message = "a model costs either by tokens or by the hour"
        yield ParameterFault("usd_per_hour", message, "remove price or usd_per_hour")
    if parameters["lane"] == "fast" and route.provider not in FAST_EMBEDDINGS:
        message = f"the fast lane does not ask {route.provider} for embeddings"
        yield ParameterFault("lane", message, f"lane: auto; it is for {', '.join(FAST_EMBEDDINGS)}")


def _extras(parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    for field in _EXTRAS:
        for name in parameters[field]:
            if name in _ENGINE:
                yield ParameterFault(field, f"{name} is the engine's to say", f"remove {name} from {field}")
            elif name in parameters:
                yield ParameterFault(field, f"{name} is a parameter of its own", f"write {name} beside {field}")


def _dimensions(route: Route, parameters: Mapping[str, Any]) -> list[ParameterFault]:
    wanted = parameters["dimensions"]
    if wanted is None:
        return []
    most = entry(route.provider, route.model).get("output_vector_size")
    if isinstance(most, int) and wanted > most:
        message = f"{route.full_name} makes vectors of {most} numbers at most"
        return [ParameterFault("dimensions", message, f"dimensions: {most}, or less")]
    if route.provider == "openai" and route.model.startswith("text-embedding-ada"):
        return [ParameterFault("dimensions", f"{route.full_name} makes no shorter vectors", "leave it out")]
    if route.provider in FAST or route.local:
        return []
    from ragtally_litellm.library_rules import dimensions_refused_by_library

    return dimensions_refused_by_library(route, wanted)
