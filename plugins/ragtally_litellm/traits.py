"""What the engine must know of a model before it is built, and what is wrong with its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ragtally import Limits, ModelTraits, ParameterFault, Price, did_you_mean
from ragtally_litellm.batch_terms import batch_faults, batch_terms
from ragtally_litellm.bodies import OLLAMA_CONTEXT
from ragtally_litellm.keys import environment, looks_secret
from ragtally_litellm.routes import FAST, Route, bases, route_of
from ragtally_litellm.sampling import SAMPLING, asked_for, natively_known, refused, supported
from ragtally_litellm.table import entry, providers

# What every request holds already, or what only the engine may say.
_ENGINE = ("messages", "model", "n", "seed", "stream", "stream_options")
_KEY_NAMES = ("api_key", "apikey", "authorization", "key", "token", "password", "secret", "extra_headers", "headers")
_NAMES = "provider/name, as in ollama_chat/llama3.1:8b or groq/openai/gpt-oss-20b"
_SECRET_HINT = "put it into the environment, or into a file .env that is not committed"


def model_traits(parameters: Mapping[str, Any]) -> ModelTraits:
    """Tell the traits of a model."""
    route = route_of(parameters["model"])
    known = {} if route.local else entry(route.provider, route.model)
    temperature = parameters["extra"].get("temperature", parameters["temperature"])
    names = ("concurrency", "requests_per_minute", "tokens_per_minute", "requests_per_day", "timeout", "retries")
    return ModelTraits(
        provider=route.provider,
        model=route.model,
        deterministic=temperature == 0,
        takes_seed="seed" in _taken(route),
        limits=Limits(**{name: parameters[name] for name in names}),
        price=_price(route, parameters, known),
        context_tokens=(parameters["num_ctx"] or OLLAMA_CONTEXT) if route.local else known.get("max_input_tokens"),
        output_tokens=parameters["max_tokens"] or known.get("max_output_tokens"),
        batch=batch_terms(parameters),
    )


def check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Say what is wrong with a model's parameters beyond their schema."""
    secrets = list(secrets_in(parameters))
    if secrets:
        return secrets
    route = route_of(parameters["model"])
    unknown = unknown_model(route, parameters["model"])
    if unknown:
        return [unknown]
    conflicts = [*_conflicts(route, parameters), *batch_faults(route, parameters)]
    return [*conflicts, *_extra(parameters), *_refused(route, parameters)]


def _price(route: Route, parameters: Mapping[str, Any], known: Mapping[str, Any]) -> Price | None:
    if parameters["usd_per_hour"] is not None:
        return Price(usd_per_hour=parameters["usd_per_hour"])
    if parameters["price"] is not None:
        return Price(parameters["price"]["input"], parameters["price"]["output"])
    if served_elsewhere(route, parameters["api_base"]):
        return None
    each = [known.get(f"{way}_cost_per_token") for way in ("input", "output")]
    if any(cost is None for cost in each):
        return None
    # Rounded, since 7.5e-08 times a million is not 0.075 in binary.
    return Price(*(round(cost * 1_000_000, 9) for cost in each if cost is not None))


def served_elsewhere(route: Route, api_base: str | list[str] | None) -> bool:
    """Say whether a server of somebody else's answers, whose price the table cannot know."""
    if route.provider not in FAST:
        return api_base is not None
    own = FAST[route.provider].base
    return bases(route, api_base, environment()) != ((own,) if own else ())


def _taken(route: Route) -> frozenset[str]:
    found = supported(route)
    if found is not None:
        return found
    if route.provider not in providers():
        return frozenset()
    from ragtally_litellm.library_rules import supported_by_library

    return supported_by_library(route)


def unknown_model(route: Route, model: str) -> ParameterFault | None:
    """Say what is wrong with a model's name."""
    if not route.provider or not route.model:
        return ParameterFault("model", f"LiteLLM knows no model {model!r}", _NAMES)
    if route.provider not in providers():
        hint = f"{did_you_mean(route.provider, sorted(providers()))}"
        if not hint.startswith("did you"):
            hint = f"{_NAMES}; for any OpenAI-compatible server openai/{model} with api_base"
        return ParameterFault("model", f"LiteLLM knows no provider {route.provider!r}", hint)
    return None


def _conflicts(route: Route, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    if not route.local:
        for name in ("num_ctx", "pull"):
            if parameters[name]:
                yield ParameterFault(name, f"{name} is for Ollama's models", "remove it")
    if parameters["price"] is not None and parameters["usd_per_hour"] is not None:
        message = "a model costs either by tokens or by the hour"
        yield ParameterFault("usd_per_hour", message, "remove price or usd_per_hour")
    if parameters["lane"] == "fast" and not natively_known(route):
        message = f"the fast lane does not speak the API of {route.full_name}"
        yield ParameterFault("lane", message, f"lane: auto; it is for {', '.join(FAST)}")


def _extra(parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    for name in parameters["extra"]:
        if name in _ENGINE:
            yield ParameterFault("extra", f"{name} is the engine's to say", f"remove {name} from extra")
        elif name in SAMPLING and parameters[name] is not None:
            yield ParameterFault("extra", f"{name} is given twice", f"remove {name} from extra")
        elif name in parameters and name not in SAMPLING:
            yield ParameterFault("extra", f"{name} is a parameter of its own", f"write {name} beside extra")


def secrets_in(parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    """Find keys that were written into a spec."""
    for field in ("extra", "query_extra", "document_extra"):
        for name in parameters.get(field, ()):
            if name.lower() in _KEY_NAMES:
                message = f"{name} has no place in a spec: specs are shared, keys are not"
                yield ParameterFault(field, message, _SECRET_HINT)
    for name, value in parameters.items():
        if any(looks_secret(text) for text in _texts(value)):
            message = f"{name} holds what looks like a key or a password: specs are shared, keys are not"
            yield ParameterFault(name, message, _SECRET_HINT)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _refused(route: Route, parameters: Mapping[str, Any]) -> list[ParameterFault]:
    asked = asked_for(parameters)
    found = refused(route, asked)
    if found is not None:
        return found
    from ragtally_litellm.library_rules import refused_by_library

    return refused_by_library(route, asked)
