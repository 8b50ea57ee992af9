"""What the engine must know of Haystack's components before they are built, as far as their source tells."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ragtally import EmbedderTraits, Limits, ModelTraits, Price, RetrieverTraits
from ragtally_haystack.definition import Definition, definition_of
from ragtally_haystack.packages import refusals
from ragtally_haystack.signature import parameters_of
from ragtally_haystack.source import Class, find_class

_EXACT = ("haystack.document_stores.in_memory.",)
_LIMITS = ("concurrency", "requests_per_minute", "tokens_per_minute", "requests_per_day", "timeout", "retries")
_OUTPUT_TOKENS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "num_predict")


def embedder_traits(parameters: Mapping[str, Any]) -> EmbedderTraits:
    """Tell the traits of an embedder pair."""
    price = parameters["price"]
    return EmbedderTraits(
        requires_fit=False,
        cacheable=True,
        batch=parameters["batch"],
        name=f"haystack/{_model(definition_of(parameters['document']))}",
        price=None if price is None else Price(input=price["input"], output=0.0),
    )


def retriever_traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    """Tell the traits of a store with its retriever."""
    exact = is_exact(parameters["store"]["type"])
    if parameters["embedder"] is None:
        return RetrieverTraits(reads=frozenset({"text"}), prefix_stable=exact)
    return RetrieverTraits(reads=frozenset({"text", "vectors"}), prefix_stable=exact)


def model_traits(parameters: Mapping[str, Any]) -> ModelTraits:
    """Tell the traits of a chat generator."""
    definition = definition_of(parameters)
    settings = {**definition.parameters, **(definition.parameters.get("generation_kwargs") or {})}
    price, usd_per_hour = parameters["price"], parameters["usd_per_hour"]
    own_price = None if price is None else Price(price["input"], price["output"])
    tokens = (settings[name] for name in _OUTPUT_TOKENS if isinstance(settings.get(name), int))
    return ModelTraits(
        provider=definition.name.removesuffix("ChatGenerator").lower() or definition.name,
        model=_model(definition),
        deterministic=settings.get("temperature") == 0,
        takes_seed=parameters["send_seed"],
        limits=Limits(**{name: parameters[name] for name in _LIMITS}),
        price=own_price if usd_per_hour is None else Price(usd_per_hour=usd_per_hour),
        output_tokens=next((number for number in tokens if number > 0), None),
    )


def is_exact(store: str) -> bool:
    """Say whether a store compares a question with every document, and ranks any number of them."""
    # Others search an approximate index, or cut ties as they like: their first hits may depend on how many are asked
    # for.
    return store.startswith(_EXACT)


def _model(definition: Definition) -> str:
    """Name the model: as the spec says it, else the default in the source, else the class."""
    name = definition.parameters.get("model")
    if isinstance(name, str) and name:
        return name
    if not any(refusals(definition)):
        class_found = find_class(definition.type)
        init = parameters_of(class_found, "__init__") if isinstance(class_found, Class) else None
        default = init.defaults.get("model") if init else None
        if isinstance(default, ast.Constant) and isinstance(default.value, str):
            return default.value
    return definition.name
