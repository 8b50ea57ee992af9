"""The model and the embedder `litellm`: any language model by its LiteLLM name, local ones through Ollama.

Nothing heavy is imported here. Calls take the native transport where it speaks the provider's API
(`ragtally_litellm.native`), else they go through LiteLLM itself (`ragtally_litellm.litellm_transport`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragtally import Component, Finding, ParameterFault, Progress, SpecError, Starter, hookimpl, raise_all
from ragtally_litellm.model import (
    check_embedder,
    check_model,
    embedder_refusals,
    embedder_traits,
    is_native,
    is_native_embedding,
    model_traits,
    refusals,
    sampling_parameters,
)
from ragtally_litellm.parameters import EMBEDDER_PARAMETERS, MODEL_PARAMETERS
from ragtally_litellm.request_body import KEEP_ALIVE
from ragtally_litellm.routes import NATIVE, OLLAMA_CONTEXT, route_of, served_elsewhere

if TYPE_CHECKING:
    from ragtally import ChatModel, Embedder
    from ragtally_litellm.ollama import Capability


_NEW_NAMES = {"lane": "transport: auto, native (once fast) or litellm"}


def build(**parameters: Any) -> ChatModel:
    """Build the generator; no connection is made yet."""
    route = route_of(parameters["model"])
    sampling, extra = sampling_parameters(parameters), dict(parameters["extra"])
    api_base, timeout = parameters["api_base"], parameters["timeout"]
    if is_native(route, parameters):
        from ragtally_litellm.native import NativeChatGenerator

        generator = NativeChatGenerator(
            route.full_name,
            api_base,
            generation_kwargs=sampling,
            extra=extra,
            num_ctx=parameters["num_ctx"],
            schema_as=parameters["schema_as"],
            timeout=timeout,
            window=parameters["batch"].get("window", "24h"),
            reply_megabytes=parameters["reply_megabytes"],
            tuned=parameters["tuned"],
        )
        generator.expect(_known_digest(parameters))
        return generator
    from ragtally_litellm.litellm_transport import LitellmChatGenerator

    if route.is_ollama:
        extra = {"keep_alive": KEEP_ALIVE, **extra, "num_ctx": parameters["num_ctx"] or OLLAMA_CONTEXT}
    settings = {**sampling, **extra}
    through_litellm = LitellmChatGenerator(route.full_name, api_base, settings, timeout, parameters["schema_as"])
    through_litellm.expect(_known_digest(parameters))
    return through_litellm


def build_embedder(**parameters: Any) -> Embedder:
    """Build the embedder; no connection is made yet."""
    from ragtally_litellm.embeddings import LitellmEmbedder, LitellmRequests, NativeRequests

    route = route_of(parameters["model"])
    requests = NativeRequests if is_native_embedding(route, parameters) else LitellmRequests
    digest = _known_digest(parameters)
    return LitellmEmbedder(requests(route, parameters, digest), route, parameters)


def fingerprint(parameters: Mapping[str, Any]) -> str | None:
    """Refuse what the model does not take; return the digest of a model of Ollama's."""
    # Here, since a plan asks for fingerprints before anything is paid, and `ragtally check` does not.
    _refuse(refusals(parameters))
    _warn_of_ollama(parameters)
    route = route_of(parameters["model"])
    # Where the spec says nothing, the native transport never asks for more than the model takes.
    least = 0 if is_native(route, parameters) else OLLAMA_CONTEXT
    digest = _digest(parameters, parameters["num_ctx"] or least, "completion")
    # Version 0.1 sent this as Ollama's repeat_penalty: those are answers to other calls.
    changed = digest is not None and parameters["frequency_penalty"] is not None
    return f"{digest} frequency_penalty" if changed else digest


def embedder_fingerprint(parameters: Mapping[str, Any]) -> str | None:
    """As `fingerprint`."""
    _refuse(embedder_refusals(parameters))
    _warn_of_ollama(parameters)
    # How long a text may be is not checked: each request says whether one that is too long is truncated.
    return _digest(parameters, 0, "embedding")


def diagnose(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for package, key, server and model, and ask LiteLLM whether the model takes its parameters."""
    from ragtally_litellm.doctor import findings

    faults = refusals(parameters) if "structured" in parameters else embedder_refusals(parameters)
    return [*findings(parameters), *(Finding(False, fault.message, fault.hint) for fault in faults)]


def missing_keys(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for the provider's key in the environment."""
    from ragtally_litellm import needs

    return needs.missing_keys(parameters)


def missing_models(parameters: Mapping[str, Any]) -> list[Finding]:
    """Ask one's own servers whether they have the model."""
    from ragtally_litellm import needs

    return needs.missing_models(parameters)


def provide(parameters: Mapping[str, Any], progress: Progress) -> None:
    """Pull the model where the spec says `pull: true`."""
    if parameters["pull"]:
        from ragtally_litellm.ollama import pull

        pull(parameters, progress)


def _warn_of_ollama(parameters: Mapping[str, Any]) -> None:
    """Say that a server taken for OpenAI's like is an Ollama, which is better asked by its own API."""
    route = route_of(parameters["model"])
    if route.is_ollama or route.provider not in NATIVE or not served_elsewhere(route, parameters["api_base"]):
        return
    from ragtally_litellm.own_api import own_api_findings, warn_once

    for message, remedy in own_api_findings(parameters):
        warn_once(f"{message}; {remedy}")


def _refuse(faults: Sequence[ParameterFault]) -> None:
    raise_all([SpecError(fault.message, hint=fault.hint) for fault in faults])


def _digest(parameters: Mapping[str, Any], tokens: int, use: Capability) -> str | None:
    if not route_of(parameters["model"]).is_ollama:
        return None
    from ragtally_litellm.ollama import digest

    return digest(parameters, tokens, use)


def _known_digest(parameters: Mapping[str, Any]) -> str | None:
    """The digest that the keys of this process' calls were made with; None where nobody asked for it."""
    if not route_of(parameters["model"]).is_ollama:
        return None
    from ragtally_litellm.ollama import known_digest

    return known_digest(parameters)


def _starter(model: str) -> Starter:
    # Ollama would cut a prompt at 4,096 tokens, and one's own machine sends no bill.
    own = {"num_ctx": 8192, "usd_per_hour": 0} if model.startswith("ollama") else {}
    return Starter({"model": model, **own})


def _server_starter(model: str | None, api_base: str) -> Starter:
    from ragtally_litellm.servers import at_server

    return at_server(model, api_base)


@hookimpl
def register_models() -> list[Component]:
    return [
        Component(
            name="litellm",
            build=build,
            summary="Any language model by its LiteLLM name: Ollama, Groq, OpenAI, vLLM and a hundred others.",
            params=MODEL_PARAMETERS,
            fingerprint=fingerprint,
            traits=model_traits,
            check=check_model,
            diagnose=diagnose,
            missing_keys=missing_keys,
            missing_models=missing_models,
            provide=provide,
            renamed_params=_NEW_NAMES,
            starter=_starter,
            server_starter=_server_starter,
        )
    ]


@hookimpl
def register_embedders() -> list[Component]:
    return [
        Component(
            name="litellm",
            build=build_embedder,
            summary="Any embedding model by its LiteLLM name: Ollama, OpenAI, vLLM and many others.",
            params=EMBEDDER_PARAMETERS,
            phrase=lambda params: str(params["model"]).rpartition("/")[2],
            fingerprint=embedder_fingerprint,
            traits=embedder_traits,
            check=check_embedder,
            diagnose=diagnose,
            missing_keys=missing_keys,
            missing_models=missing_models,
            provide=provide,
            renamed_params=_NEW_NAMES,
        )
    ]
