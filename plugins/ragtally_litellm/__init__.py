"""The model and the embedder `litellm`: any language model by its LiteLLM name, local ones through Ollama.

Nothing heavy is imported here; calls go through `ragtally_litellm.fast` where it speaks the provider's API, else
through LiteLLM itself (`ragtally_litellm.library`); embeddings likewise (`ragtally_litellm.embedding_requests`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ragtally import Component, EmbedderTraits, Finding, ModelTraits, ParameterFault, Progress, hookimpl
from ragtally_litellm.embedding_parameters import EMBEDDING_PARAMETERS
from ragtally_litellm.parameters import PARAMETERS

if TYPE_CHECKING:
    from ragtally import ChatModel, Embedder


def build(**parameters: Any) -> ChatModel:
    """Build the generator; no connection is made yet."""
    from ragtally_litellm.bodies import OLLAMA_CONTEXT
    from ragtally_litellm.routes import route_of
    from ragtally_litellm.sampling import asked_for, lane_of

    route = route_of(parameters["model"])
    asked, extra = asked_for(parameters), dict(parameters["extra"])
    where = {"api_base": parameters["api_base"], "timeout": parameters["timeout"]}
    if lane_of(route, parameters) == "fast":
        from ragtally_litellm.fast import FastChatGenerator

        window = parameters["batch"].get("window", "24h")
        return FastChatGenerator(
            route.full_name,
            generation_kwargs=asked,
            extra=extra,
            num_ctx=parameters["num_ctx"],
            window=window,
            **where,
        )
    from ragtally_litellm.library import LibraryChatGenerator

    if route.local:
        extra["num_ctx"] = parameters["num_ctx"] or OLLAMA_CONTEXT
    return LibraryChatGenerator(route.full_name, generation_kwargs={**asked, **extra}, **where)


def traits_of(parameters: Mapping[str, Any]) -> ModelTraits:
    """Tell the traits; see `ragtally_litellm.traits.model_traits`."""
    from ragtally_litellm.traits import model_traits

    return model_traits(parameters)


def check(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Say what is wrong with the parameters; see `ragtally_litellm.traits.check`."""
    from ragtally_litellm.traits import check

    return check(parameters)


def fingerprint(parameters: Mapping[str, Any]) -> str | None:
    """Ask Ollama for the model's digest; see `ragtally_litellm.ollama.digest`. None for other providers."""
    from ragtally_litellm.routes import route_of

    if not route_of(parameters["model"]).local:
        return None
    from ragtally_litellm.ollama import digest

    return digest(parameters)


def diagnose(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for package, key, server and model; see `ragtally_litellm.doctor.findings`."""
    from ragtally_litellm.doctor import findings

    return findings(parameters)


def provide(parameters: Mapping[str, Any], progress: Progress) -> None:
    """Pull the model where the spec says `pull: true`; see `ragtally_litellm.ollama.pull`."""
    if parameters["pull"]:
        from ragtally_litellm.ollama import pull

        pull(parameters, progress)


@hookimpl
def register_models() -> list[Component]:
    """Offer the model."""
    return [
        Component(
            name="litellm",
            build=build,
            summary="Any language model by its LiteLLM name: Ollama, Groq, OpenAI, vLLM and a hundred others.",
            params=PARAMETERS,
            fingerprint=fingerprint,
            traits=traits_of,
            check=check,
            diagnose=diagnose,
            provide=provide,
        )
    ]


def build_embedder(**parameters: Any) -> Embedder:
    """Build the embedder; no connection is made yet."""
    from ragtally_litellm.embedding_requests import FastRequests, LibraryRequests
    from ragtally_litellm.embedding_traits import embedding_lane
    from ragtally_litellm.embeddings import LitellmEmbedder
    from ragtally_litellm.routes import route_of

    route = route_of(parameters["model"])
    lane = FastRequests if embedding_lane(route, parameters) == "fast" else LibraryRequests
    return LitellmEmbedder(
        lane(route, parameters),
        route.full_name,
        {"query": parameters["query_prefix"], "document": parameters["document_prefix"]},
        **{name: parameters[name] for name in ("dimensions", "batch", "concurrency", "retries")},
    )


def embedder_traits(parameters: Mapping[str, Any]) -> EmbedderTraits:
    """Tell the traits; see `ragtally_litellm.embedding_traits.embedder_traits`."""
    from ragtally_litellm.embedding_traits import embedder_traits

    return embedder_traits(parameters)


def check_embedding(parameters: Mapping[str, Any]) -> list[ParameterFault]:
    """Say what is wrong with the parameters; see `ragtally_litellm.embedding_traits.check_embedding`."""
    from ragtally_litellm.embedding_traits import check_embedding

    return check_embedding(parameters)


def embedding_fingerprint(parameters: Mapping[str, Any]) -> str | None:
    """Ask Ollama for the model's digest; see `ragtally_litellm.ollama.embedding_digest`. None for other providers."""
    from ragtally_litellm.routes import route_of

    if not route_of(parameters["model"]).local:
        return None
    from ragtally_litellm.ollama import embedding_digest

    return embedding_digest(parameters)


@hookimpl
def register_embedders() -> list[Component]:
    """Offer the embedder."""
    return [
        Component(
            name="litellm",
            build=build_embedder,
            summary="Any embedding model by its LiteLLM name: Ollama, OpenAI, vLLM and many others.",
            params=EMBEDDING_PARAMETERS,
            fingerprint=embedding_fingerprint,
            traits=embedder_traits,
            check=check_embedding,
            diagnose=diagnose,
            provide=provide,
        )
    ]
