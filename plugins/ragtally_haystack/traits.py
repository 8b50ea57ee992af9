"""What the engine must know of Haystack's components before they are built: traits, and the versions behind them."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragtally import EmbedderTraits, Limits, ModelTraits, Price, RetrieverTraits, file_hash
from ragtally.api.address import address
from ragtally_haystack.classes import find_class, parameters_of
from ragtally_haystack.definition import Definition, Fault, class_names, definition_of
from ragtally_haystack.refusals import ALWAYS, refusals

_EXACT = ("haystack.document_stores.in_memory.",)
_UNKNOWN = "whether {} finds the same in an index built again, ragtally cannot know"
_LIMITS = ("requests_per_minute", "tokens_per_minute", "requests_per_day", "timeout", "retries")
_OUTPUT_TOKENS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "num_predict")


def embedder_traits(parameters: Mapping[str, Any]) -> EmbedderTraits:
    """Return the traits of an embedder pair."""
    price = parameters["price"]
    return EmbedderTraits(
        requires_fit=False,
        cacheable=True,
        batch=parameters["batch"],
        name=f"haystack/{_model(definition_of(parameters['document']))}",
        price=None if price is None else Price(input=price["input"], output=0.0),
    )


def retriever_traits(parameters: Mapping[str, Any]) -> RetrieverTraits:
    """Return the traits of a store with its retriever."""
    store = definition_of(parameters["store"])
    exact = is_exact(store.type)
    return RetrieverTraits(
        reads=frozenset({"text"} if parameters["embedder"] is None else {"text", "vectors"}),
        prefix_stable=exact,
        variation=""
        if exact
        else f"whether {store.name} finds the same in an index built again, ragtally cannot know",
    )


def model_traits(parameters: Mapping[str, Any]) -> ModelTraits:
    """Return the traits of a chat generator."""
    definition = definition_of(parameters)
    settings = {**definition.parameters, **(definition.parameters.get("generation_kwargs") or {})}
    price, usd_per_hour = parameters["price"], parameters["usd_per_hour"]
    own_price = None if price is None else Price(**price)
    most = parameters["concurrency"]
    tokens = (settings[name] for name in _OUTPUT_TOKENS if isinstance(settings.get(name), int))
    return ModelTraits(
        provider=definition.name.removesuffix("ChatGenerator").lower() or definition.name,
        model=_model(definition),
        deterministic=settings.get("temperature") == 0,
        takes_seed=parameters["send_seed"],
        takes_schema=takes_schema(definition),
        limits=Limits(
            concurrency=None if most == "auto" else most,
            # Nothing tells whether the server is one's own.
            in_flight_at_first=1,
            **{name: parameters[name] for name in _LIMITS},
        ),
        price=own_price if usd_per_hour is None else Price(usd_per_hour=usd_per_hour),
        output_tokens=next((number for number in tokens if number > 0), None),
    )


def takes_schema(definition: Definition) -> bool | None:
    """Whether a generator can be sent a JSON schema of a reader's: None for OpenAI's and those derived from it."""
    # Which of them keeps to it depends on the server and the model, which nobody has tried.
    if "response_format" in (definition.parameters.get("generation_kwargs") or {}):
        return False
    cls = find_class(definition.type)
    return None if not isinstance(cls, Fault) and any(_is_openai(base) for base in cls.__mro__) else False


def _is_openai(cls: type[Any]) -> bool:
    return (cls.__module__, cls.__name__) == ("haystack.components.generators.chat.openai", "OpenAIChatGenerator")


def is_exact(store: str) -> bool:
    """Whether a store compares a question with every document, and ranks any number of them."""
    # Others search an approximate index, or cut ties as they like: their first hits may depend on how many are asked
    # for.
    return store.startswith(_EXACT)


def _model(definition: Definition) -> str:
    """Name the model: as the spec says it, else the class' default, else the class."""
    name = definition.parameters.get("model")
    if isinstance(name, str) and name:
        return name
    cls = find_class(definition.type)
    init = None if isinstance(cls, Fault) else parameters_of(cls, "__init__")
    default = init["model"].default if init and "model" in init else None
    return default if isinstance(default, str) else definition.name


def fingerprint_one(parameters: Mapping[str, Any]) -> str | None:
    """Hash the packages behind a component whose parameters are a definition."""
    return _fingerprint([parameters])


def fingerprint_embedder(parameters: Mapping[str, Any]) -> str | None:
    """Hash the packages behind an embedder pair; see `fingerprint_one`."""
    return _fingerprint([parameters["document"], parameters["query"]])


def fingerprint_retriever(parameters: Mapping[str, Any]) -> str | None:
    """Hash the packages behind a store and its retriever; see `fingerprint_one`."""
    return _fingerprint([parameters["store"], parameters["retriever"]])


def _fingerprint(values: list[Mapping[str, Any]]) -> str | None:
    definitions = [definition_of(each) for each in values]
    if any(fault for definition in definitions for fault in refusals(definition)):
        return None
    names = sorted({name for definition in definitions for name in class_names(definition)})
    # Haystack itself stands behind every one of them.
    packages = {"haystack": importlib.metadata.version("haystack-ai")}
    for name in names:
        packages |= _behind(name)
    return address({"packages": packages})


def _behind(name: str) -> dict[str, str]:
    """Name the distribution of a class' module, and hash the class' own file where it is the user's own."""
    cls = None if name.startswith("haystack.") else find_class(name)
    if cls is None or isinstance(cls, Fault):
        return {}
    file = Path(inspect.getfile(cls))
    path = cls.__module__.replace(".", "/") + ("/__init__.py" if file.name == "__init__.py" else ".py")
    packages = dict(_holders(path))
    if name.partition(".")[0] not in ALWAYS:
        # A package in development changes under one version.
        packages[f"{name} (file)"] = file_hash(file)
    return packages


@functools.cache
def _holders(path: str) -> tuple[tuple[str, str], ...]:
    """Find who installed a file; many distributions share a package such as haystack_integrations."""
    holders: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        record = distribution.read_text("RECORD") or ""
        if record.startswith(f"{path},") or f"\n{path}," in record:
            holders.setdefault(distribution.name, distribution.version)
    return tuple(sorted(holders.items()))
