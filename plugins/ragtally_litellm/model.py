"""What the engine must know of a model or an embedder before it is built, and what is wrong with its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ragtally import (
    BatchTerms,
    EmbedderTraits,
    Limits,
    ModelTraits,
    ParameterFault,
    Price,
    TuningTerms,
    did_you_mean,
)
from ragtally_litellm.routes import (
    NATIVE,
    NATIVE_EMBEDDINGS,
    OLLAMA_CONTEXT,
    Route,
    is_own_server,
    models,
    providers,
    route_of,
    served_elsewhere,
    tuned_name,
)
from ragtally_litellm.tags import longest_context

# The component's parameters that LiteLLM knows by the same name.
SAMPLING = (
    "temperature",
    "top_p",
    "max_tokens",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "reasoning_effort",
)
# The providers whose batch API is OpenAI's: files of JSON lines, answered by POST /batches.
BATCHING = ("groq", "openai")
# The providers with OpenAI's fine-tuning: files of chats, and POST /fine_tuning/jobs.
TUNING = ("openai",)
# The providers that can be told whether to truncate a text that is too long.
TRUNCATING = ("ollama", "hosted_vllm")
# The providers that hold every model's answers to a JSON schema: vLLM, Ollama, and LiteLLM's own list
# (litellm/utils.py, supports_response_schema). Of the others LiteLLM's table says it model by model.
CONSTRAINING = (
    "hosted_vllm",
    "ollama",
    "ollama_chat",
    "databricks",
    "fireworks_ai",
    "lm_studio",
    "nebius",
    "predibase",
)
# With one of these the spec says the form of every answer itself.
_FORMS = (
    "format", "grammar", "guided_choice", "guided_grammar", "guided_json", "guided_regex", "json_schema",
    "response_format", "structured_outputs",
)  # fmt: skip
_EXTRAS = ("extra", "query_extra", "document_extra")
# What every request holds already, or what only the engine may say.
_ENGINE_NAMES = ("messages", "model", "n", "seed", "stream", "stream_options")
_ENGINE_NAMES_OF_EMBEDDINGS = ("input", "model", "encoding_format")
_KEY_NAMES = ("api_key", "apikey", "authorization", "key", "token", "password", "secret", "extra_headers", "headers")
_NAMES = "provider/name, as in ollama_chat/llama3.1:8b or groq/openai/gpt-oss-20b"
_SECRET_HINT = "put it into the environment, or into a file .env that is not committed"
# What both state (platform.openai.com/docs/guides/batch, console.groq.com/docs/batch); Groq stated 0.25 before.
_BATCH_DISCOUNT = 0.5
# An embedder's requests in flight at once, where the spec says no number.
_AT_OWN_SERVER, _AT_PROVIDERS = 2, 8
# What a token costs, in LiteLLM's words.
_LISTED = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read_input": "cache_read_input_token_cost",
}
_BYTES_PER_MEGABYTE = 1_000_000


def model_traits(parameters: Mapping[str, Any]) -> ModelTraits:
    route = route_of(parameters["model"])
    entry = {} if route.is_ollama else route.entry
    temperature = parameters["extra"].get("temperature", parameters["temperature"])
    return ModelTraits(
        provider=route.provider,
        model=tuned_name(route, parameters["tuned"]) if parameters["tuned"] else route.model,
        deterministic=temperature == 0,
        takes_seed=_takes_seed(route),
        takes_schema=takes_schema(route, parameters),
        limits=_limits(route, parameters),
        price=(_tuned_price if parameters["tuned"] else _model_price)(route, parameters),
        context_tokens=_context(route, parameters) if route.is_ollama else entry.get("max_input_tokens"),
        context_grows=route.is_ollama and parameters["num_ctx"] is None and is_native(route, parameters),
        context_parameter="num_ctx" if route.is_ollama else None,
        output_tokens=parameters["max_tokens"] or entry.get("max_output_tokens"),
        batch=_batch_terms(parameters),
        tuning=_tuning_terms(route, parameters),
    )


def _context(route: Route, parameters: Mapping[str, Any]) -> int | None:
    if parameters["num_ctx"]:
        return int(parameters["num_ctx"])
    return longest_context(parameters) if is_native(route, parameters) else OLLAMA_CONTEXT


def _limits(route: Route, parameters: Mapping[str, Any]) -> Limits:
    names = ("requests_per_minute", "tokens_per_minute", "requests_per_day", "timeout", "retries")
    most = parameters["concurrency"]
    return Limits(
        concurrency=None if most == "auto" else most,
        in_flight_at_first=1 if is_own_server(route, parameters["api_base"]) else None,
        **{name: parameters[name] for name in names},
    )


def embedder_traits(parameters: Mapping[str, Any]) -> EmbedderTraits:
    route = route_of(parameters["model"])
    return EmbedderTraits(
        requires_fit=False,
        cacheable=True,
        # So many texts keep all requests busy; a kill loses no more of them.
        batch=parameters["batch"] * requests_in_flight(route, parameters),
        name=route.full_name,
        price=_embedder_price(route, parameters),
    )


def requests_in_flight(route: Route, parameters: Mapping[str, Any]) -> int:
    """How many requests an embedder sends at once."""
    # No controller as for chats: a request's texts keep a server's cores busy by themselves, so one more in flight
    # gains no more than the pause between two.
    most = parameters["concurrency"]
    if most != "auto":
        return int(most)
    return _AT_OWN_SERVER if is_own_server(route, parameters["api_base"]) else _AT_PROVIDERS


def sampling_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write a model's sampling parameters in OpenAI's words, as LiteLLM takes them."""
    sampling = {name: parameters[name] for name in SAMPLING if parameters[name] is not None}
    form = parameters["structured"]
    if isinstance(form, Mapping):
        schema = {"name": "answer", "schema": dict(form), "strict": True}
        sampling["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form:
        sampling["response_format"] = {"type": "json_object"}
    return sampling


def is_native(route: Route, parameters: Mapping[str, Any]) -> bool:
    """Whether a model's calls take the native transport."""
    return parameters["transport"] != "litellm" and _speaks_natively(route)


def is_native_embedding(route: Route, parameters: Mapping[str, Any]) -> bool:
    """Whether an embedder's requests take the native transport."""
    return parameters["transport"] != "litellm" and route.provider in NATIVE_EMBEDDINGS


def check_model(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Find what is wrong with a model's parameters; imports and asks nothing (see `refusals`)."""
    route = route_of(parameters["model"])
    faults = [*_secrets(parameters)] or [*_unknown_model(route, parameters["model"])]
    if faults:
        return faults
    faults = [*_conflicts(route, parameters), *_batch_faults(route, parameters), *_extra_faults(parameters)]
    if parameters["fine_tuning"] and _tuning_terms(route, parameters) is None:
        message = f"fine-tuning at {route.provider} is not known here, so this says nothing"
        faults.append(ParameterFault("fine_tuning", message, f"remove it; it is for {', '.join(TUNING)}"))
    if not route.is_ollama and parameters["num_ctx"]:
        faults.append(ParameterFault("num_ctx", "num_ctx is for Ollama's models", "remove it"))
    if parameters["transport"] == "native" and not _speaks_natively(route):
        message = f"the native transport does not speak the API of {route.full_name}"
        faults.append(ParameterFault("transport", message, f"transport: auto; native is for {', '.join(NATIVE)}"))
    if route.is_ollama and not is_native(route, parameters):
        for name in ("frequency_penalty", "presence_penalty"):
            if parameters[name] is not None:
                message = f"LiteLLM does not pass on {name} as Ollama takes it"
                hint = f"model: ollama_chat/{route.model}, and no transport: litellm"
                faults.append(ParameterFault(name, message, hint))
    return faults


def check_embedder(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Find what is wrong with an embedder's parameters; imports and asks nothing (see `embedder_refusals`)."""
    route = route_of(parameters["model"])
    faults = [*_secrets(parameters)] or [*_unknown_model(route, parameters["model"])] or [*_no_embedder(route)]
    if faults:
        return faults
    faults = [*_conflicts(route, parameters), *_extra_faults(parameters)]
    if parameters["truncate"] and route.provider not in TRUNCATING:
        message = f"{route.provider} has no option to truncate texts that are too long"
        faults.append(ParameterFault("truncate", message, "remove it, and make the chunks smaller"))
    if parameters["transport"] == "native" and route.provider not in NATIVE_EMBEDDINGS:
        message = f"the native transport does not ask {route.provider} for embeddings"
        hint = f"transport: auto; native is for {', '.join(NATIVE_EMBEDDINGS)}"
        faults.append(ParameterFault("transport", message, hint))
    longest = route.entry.get("output_vector_size")
    if isinstance(longest, int) and (parameters["dimensions"] or 0) > longest:
        message = f"{route.full_name} makes vectors of at most {longest} numbers"
        faults.append(ParameterFault("dimensions", message, f"dimensions: {longest}, or less"))
    return faults


def refusals(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Find the sampling parameters that a model does not take; asks LiteLLM, whose import takes two seconds."""
    route, sampling = route_of(parameters["model"]), sampling_parameters(parameters)
    native = is_native(route, parameters)
    # What somebody else's server takes is not LiteLLM's to know: it is sent, and refused there if anywhere.
    if not sampling or (native and is_own_server(route, parameters["api_base"])):
        return []
    from ragtally_litellm.library import parameter_refusals

    return parameter_refusals(route, sampling, native=native)


def embedder_refusals(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Find out whether an embedder takes its `dimensions`, as `refusals` does."""
    route, dimensions = route_of(parameters["model"]), parameters["dimensions"]
    native = is_native_embedding(route, parameters)
    if dimensions is None or (native and is_own_server(route, parameters["api_base"])):
        return []
    from ragtally_litellm.library import dimension_refusals

    return dimension_refusals(route, dimensions)


def _speaks_natively(route: Route) -> bool:
    # OpenAI's models of other APIs than chat completions are LiteLLM's.
    if route.provider != "openai":
        return route.provider in NATIVE
    other_api = "gpt-5" in route.model and ("search" in route.model or "codex" in route.model)
    return not other_api and "audio" not in route.model and route.entry.get("mode", "chat") == "chat"


def _takes_seed(route: Route) -> bool:
    if _speaks_natively(route):
        return True
    if route.provider not in providers():
        return False
    from ragtally_litellm.library import supported_parameters

    return "seed" in supported_parameters(route)


def takes_schema(route: Route, parameters: Mapping[str, Any]) -> bool | None:
    """Whether the model's answers can be held to a JSON schema of a reader's; None where that is not known."""
    if parameters["structured"] or any(name in parameters["extra"] for name in _FORMS):
        return False
    if parameters["schema_as"] is not None or route.provider in CONSTRAINING:
        return True
    if served_elsewhere(route, parameters["api_base"]):
        return None
    supported = route.entry.get("supports_response_schema")
    return supported if isinstance(supported, bool) else None


def _model_price(route: Route, parameters: Mapping[str, Any]) -> Price | None:
    if parameters["usd_per_hour"] is not None:
        return Price(usd_per_hour=parameters["usd_per_hour"])
    if parameters["price"] is not None:
        return Price(**parameters["price"])
    costs = _listed_costs(route, parameters["api_base"], "input", "output", "cache_read_input")
    return None if costs[0] is None or costs[1] is None else Price(costs[0], costs[1], cached_input=costs[2])


def _embedder_price(route: Route, parameters: Mapping[str, Any]) -> Price | None:
    if parameters["usd_per_hour"] is not None:
        return Price(usd_per_hour=parameters["usd_per_hour"])
    if parameters["price"] is not None:
        return Price(input=parameters["price"], output=0.0)
    (cost,) = _listed_costs(route, parameters["api_base"], "input")
    return None if cost is None else Price(input=cost, output=0.0)


def _listed_costs(route: Route, api_base: str | list[str] | None, *kinds: str) -> Sequence[float | None]:
    if is_own_server(route, api_base):
        return [None] * len(kinds)
    costs = [route.entry.get(_LISTED[kind]) for kind in kinds]
    # Rounded, since 7.5e-08 times a million is not 0.075 in binary.
    return [None if cost is None else round(cost * 1_000_000, 9) for cost in costs]


def _tuned_price(route: Route, parameters: Mapping[str, Any]) -> Price | None:
    """What the model costs once it is fine-tuned, which is more than it does before."""
    if parameters["usd_per_hour"] is not None:
        return Price(usd_per_hour=parameters["usd_per_hour"])
    terms = parameters["fine_tuning"]
    new_route = Route(route.provider, f"ft:{route.model}")
    table = _listed_costs(new_route, parameters["api_base"], "input", "output", "cache_read_input")
    names = ("input", "output", "cached_input")
    costs = [terms.get(name, cost) for name, cost in zip(names, table, strict=True)]
    return None if costs[0] is None or costs[1] is None else Price(costs[0], costs[1], cached_input=costs[2])


def _tuning_terms(route: Route, parameters: Mapping[str, Any]) -> TuningTerms | None:
    if route.provider not in TUNING or not is_native(route, parameters):
        return None
    terms = parameters["fine_tuning"]
    seconds = {name: terms[name] for name in ("poll_seconds", "settle_seconds") if name in terms}
    return TuningTerms(price=terms.get("training"), **seconds)


def _batch_terms(parameters: Mapping[str, Any]) -> BatchTerms | None:
    if parameters["delivery"] == "live":
        return None
    terms = {"discount": _BATCH_DISCOUNT, **parameters["batch"]}
    if "megabytes" in terms:
        terms["bytes"] = round(terms.pop("megabytes") * _BYTES_PER_MEGABYTE)
    return BatchTerms(then_live=parameters["delivery"] == "batch_then_live", **terms)


def _unknown_model(route: Route, model: str) -> Iterator[ParameterFault]:
    if not route.provider or not route.model:
        yield ParameterFault("model", f"LiteLLM knows no model {model!r}", _NAMES)
    elif route.provider not in providers():
        hint = f"{did_you_mean(route.provider, sorted(providers()))}"
        if not hint.startswith("did you"):
            hint = f"{_NAMES}; for any OpenAI-compatible server openai/{model} with api_base"
        yield ParameterFault("model", f"LiteLLM knows no provider {route.provider!r}", hint)


def _no_embedder(route: Route) -> Iterator[ParameterFault]:
    mode = route.entry.get("mode", "embedding")
    if route.provider == "ollama_chat":
        message = "ollama_chat is LiteLLM's name for chats with Ollama's models"
        yield ParameterFault("model", message, f"model: ollama/{route.model}")
    elif mode != "embedding":
        names = sorted(
            name
            for name, entry in models().items()
            if entry.get("mode") == "embedding" and entry.get("litellm_provider") == route.provider
        )
        hint = f"there is: {', '.join(names[:8])}" if names else None
        yield ParameterFault("model", f"{route.full_name} is no model for embeddings but for {mode}", hint)


def _conflicts(route: Route, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    if parameters["pull"] and not route.is_ollama:
        yield ParameterFault("pull", "pull is for Ollama's models", "remove it")
    if parameters["price"] is not None and parameters["usd_per_hour"] is not None:
        message = "a model costs either by tokens or by the hour"
        yield ParameterFault("usd_per_hour", message, "remove price or usd_per_hour")


def _batch_faults(route: Route, parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    if parameters["delivery"] == "live":
        if parameters["batch"]:
            yield ParameterFault("batch", "calls are sent one by one, so this says nothing", "add delivery: batch")
        return
    if route.provider not in BATCHING:
        message = f"the batch API of {route.provider} is not known here"
        yield ParameterFault("delivery", message, f"delivery: live; batches are for {' and '.join(BATCHING)}")
    elif parameters["transport"] == "litellm":
        message = "batches are not sent through LiteLLM, which does not know Groq's"
        yield ParameterFault("transport", message, "leave transport out, or delivery: live")
    if isinstance(parameters["api_base"], list):
        yield ParameterFault("api_base", "a batch goes to one server, not to several", "name one URL")
    if parameters["usd_per_hour"] is not None:
        message = "a batch is paid by tokens, not by the hour"
        yield ParameterFault("usd_per_hour", message, "price: {input: ..., output: ...}, without the discount")


def _extra_faults(parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    of_embeddings = "query_extra" in parameters
    engine_names = _ENGINE_NAMES_OF_EMBEDDINGS if of_embeddings else _ENGINE_NAMES
    # A model's sampling parameters may stand under `extra` instead, where nobody checks them.
    sampling = () if of_embeddings else SAMPLING
    for field in _EXTRAS:
        for name in parameters.get(field, ()):
            if name in engine_names:
                yield ParameterFault(field, f"the engine sets {name} itself", f"remove {name} from {field}")
            elif name in sampling and parameters[name] is not None:
                yield ParameterFault(field, f"{name} is given twice", f"remove {name} from {field}")
            elif name in parameters and name not in sampling:
                yield ParameterFault(field, f"{name} is a parameter of its own", f"write {name} beside {field}")


def _secrets(parameters: Mapping[str, Any]) -> Iterator[ParameterFault]:
    for field in _EXTRAS:
        for name in parameters.get(field, ()):
            if name.lower() in _KEY_NAMES:
                message = f"{name} has no place in a spec: specs are shared, keys are not"
                yield ParameterFault(field, message, _SECRET_HINT)
