"""Where a model lives: LiteLLM's names taken apart, with the URL and the key variable that LiteLLM would use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ragtally import DataError
from ragtally_litellm.keys import first_value
from ragtally_litellm.table import models

Dialect = Literal["openai", "ollama"]


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that the fast lane talks to."""

    # `openai` for chat completions, `ollama` for Ollama's own chat (which, other than its OpenAI-compatible one,
    # takes `num_ctx` and can be told not to cut prompts).
    dialect: Dialect
    base: str | None  # The URL where none is given; None where one must be
    base_variables: tuple[str, ...]  # Environment variables that name another URL
    key_variables: tuple[str, ...]  # Environment variables that may hold the key, the most important first


# By LiteLLM's names; URLs and variables are LiteLLM's own (litellm/main.py 1.91).
FAST: Mapping[str, Provider] = {
    "groq": Provider("openai", "https://api.groq.com/openai/v1", ("GROQ_API_BASE",), ("GROQ_API_KEY",)),
    "hosted_vllm": Provider("openai", None, ("HOSTED_VLLM_API_BASE",), ("HOSTED_VLLM_API_KEY",)),
    "ollama_chat": Provider("ollama", "http://localhost:11434", ("OLLAMA_API_BASE",), ("OLLAMA_API_KEY",)),
    "openai": Provider(
        "openai", "https://api.openai.com/v1", ("OPENAI_BASE_URL", "OPENAI_API_BASE"), ("OPENAI_API_KEY",)
    ),
    "openrouter": Provider(
        "openai",
        "https://openrouter.ai/api/v1",
        ("OPENROUTER_API_BASE",),
        ("OPENROUTER_API_KEY", "OR_API_KEY"),
    ),
}

# Both of LiteLLM's names for Ollama: completions and chat.
OLLAMA = ("ollama", "ollama_chat")


@dataclass(frozen=True, slots=True)
class Route:
    """A model and who serves it."""

    provider: str  # LiteLLM's name of the provider, such as `groq`
    model: str  # The model's name there

    @property
    def full_name(self) -> str:
        """The name as LiteLLM takes it."""
        return f"{self.provider}/{self.model}"

    @property
    def local(self) -> bool:
        """Whether it is served by Ollama."""
        return self.provider in OLLAMA

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables that may hold the key."""
        known = FAST.get(self.provider)
        return known.key_variables if known else (f"{self.provider.upper()}_API_KEY",)


def route_of(model: str) -> Route:
    """Take a model's name apart."""
    provider, slash, name = model.partition("/")
    if slash:
        return Route(provider, name)
    return Route(str(models().get(model, {}).get("litellm_provider", "")), model)


def bases(route: Route, api_base: str | list[str] | None, values: Mapping[str, str]) -> tuple[str, ...]:
    """Say where a provider of the fast lane, or Ollama, is asked."""
    given = [api_base] if isinstance(api_base, str) else list(api_base or ())
    if not given:
        known = FAST["ollama_chat" if route.local else route.provider]
        found = first_value(known.base_variables, values) or known.base
        given = [found] if found else []
    return tuple(base.rstrip("/") for base in given)


def known_bases(route: Route, api_base: str | list[str] | None, values: Mapping[str, str]) -> tuple[str, ...]:
    """Say where a provider is asked, as `bases` does."""
    urls = bases(route, api_base, values)
    if not urls:
        variable = FAST[route.provider].base_variables[0]
        raise DataError(
            f"it is not known where {route.full_name} is", hint=f"api_base: http://..., or {variable}=http://..."
        )
    return urls


def endpoint(base: str, dialect: Dialect, *, embeddings: bool = False) -> str:
    """Complete the URL that calls are sent to, as LiteLLM does."""
    if embeddings:
        path = "/api/embed" if dialect == "ollama" else "/embeddings"
    else:
        path = "/api/chat" if dialect == "ollama" else "/chat/completions"
    return base if base.endswith(path) else base + path
