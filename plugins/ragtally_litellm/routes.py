"""Where a model lives: LiteLLM's names taken apart, its bundled tables, and the URL and key that it would use."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ragtally import DataError
from ragtally.support.environment import environment, first_value

Dialect = Literal["openai", "ollama"]

_PRICES = "model_prices_and_context_window_backup.json"
_PROVIDERS = ("provider_endpoints_support_backup.json", "llms/openai_like/providers.json")


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that the native transport talks to."""

    # Ollama's own chat, other than its OpenAI-compatible one, takes `num_ctx` and can be told not to cut prompts.
    dialect: Dialect
    base: str | None  # The URL where none is given; None where one must be
    base_variables: tuple[str, ...]  # Environment variables that name another URL
    key_variables: tuple[str, ...]  # Environment variables that may hold the key, the most important first


# By LiteLLM's names; URLs and variables are LiteLLM's own (litellm/main.py 1.91).
NATIVE: Mapping[str, Provider] = {
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
# The providers whose embeddings the native transport asks for.
NATIVE_EMBEDDINGS = ("ollama", "openai", "hosted_vllm", "openrouter")

# Both of LiteLLM's names for Ollama: completions and chat.
OLLAMA = ("ollama", "ollama_chat")
# The `num_ctx` sent to Ollama where the spec gives none: its own default for small machines, since what a server is
# set to cannot be asked beforehand, and a longer prompt would be cut silently.
OLLAMA_CONTEXT = 4096
_OLLAMA_PORT = 11434
_TUNED_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Route:
    """A model and who serves it."""

    provider: str  # LiteLLM's name of the provider, such as `groq`
    model: str  # The model's name there

    @property
    def full_name(self) -> str:
        return f"{self.provider}/{self.model}"

    @property
    def is_ollama(self) -> bool:
        return self.provider in OLLAMA

    @property
    def key_variables(self) -> tuple[str, ...]:
        provider = NATIVE.get(self.provider)
        return provider.key_variables if provider else (f"{self.provider.upper()}_API_KEY",)

    @property
    def entry(self) -> Mapping[str, Any]:
        """Its entry in LiteLLM's price table; empty where there is none."""
        # As LiteLLM does: by its full name, then by its bare one.
        for name in (self.full_name, self.model):
            entry: Mapping[str, Any] = models().get(name, {})
            if entry and (name != self.model or entry.get("litellm_provider") == self.provider):
                return entry
        return {}


def tuned_name(route: Route, training: str) -> str:
    """What a fine-tuned model is called here, by the address of its training."""
    return f"ft:{route.model}:{training.rpartition(':')[2][:_TUNED_DIGITS]}"


def route_of(model: str) -> Route:
    """Take a model's name apart."""
    provider, slash, name = model.partition("/")
    if slash:
        return Route(provider, name)
    return Route(str(models().get(model, {}).get("litellm_provider", "")), model)


def base_urls(route: Route, api_base: str | list[str] | None, *, must_exist: bool = False) -> tuple[str, ...]:
    """List the servers of a native provider; `DataError` where one is `must_exist` and none is known."""
    urls = [api_base] if isinstance(api_base, str) else list(api_base or ())
    if not urls:
        provider = NATIVE["ollama_chat" if route.is_ollama else route.provider]
        url = first_value(provider.base_variables, environment())
        if url is None and route.is_ollama and (host := first_value(("OLLAMA_HOST",), environment())):
            url = ollama_base(host)
        url = url or provider.base
        if url is None and must_exist:
            variable = provider.base_variables[0]
            raise DataError(
                f"it is not known where {route.full_name} is", hint=f"api_base: http://..., or {variable}=http://..."
            )
        urls = [url] if url else []
    return tuple(url.rstrip("/") for url in urls)


def authorization(key: str | None) -> dict[str, str]:
    """Make the header that holds the key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def ollama_base(host: str) -> str:
    """Read Ollama's own variable OLLAMA_HOST as its client does: host, host:port, or a URL."""
    # As in ollama/envconfig/config.go: without a port 11434, but 80 and 443 after a scheme that is written out.
    scheme, separator, rest = host.strip().strip("\"'").rpartition("://")
    scheme = scheme.lower() or "http"
    parts = urlsplit(f"//{rest.strip()}")
    default = {"http": 80, "https": 443}.get(scheme, _OLLAMA_PORT) if separator else _OLLAMA_PORT
    try:
        port = default if parts.port is None else parts.port
    except ValueError:
        port = default
    # What a server is told to listen at: every address of this machine.
    name = parts.hostname or ""
    name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{parts.path.rstrip('/')}"


def served_elsewhere(route: Route, api_base: str | list[str] | None) -> bool:
    """Whether another server than the provider's answers, whose prices and models are not in LiteLLM's tables."""
    if route.provider not in NATIVE:
        return api_base is not None
    return base_urls(route, api_base) != (NATIVE[route.provider].base,)


def is_own_server(route: Route, api_base: str | list[str] | None) -> bool:
    """Whether the user runs the server, which may do one call at a time and lets the others wait."""
    return route.is_ollama or served_elsewhere(route, api_base)


def endpoint(base: str, dialect: Dialect, *, embeddings: bool = False) -> str:
    """Complete the URL that calls are sent to, as LiteLLM does."""
    if embeddings:
        path = "/api/embed" if dialect == "ollama" else "/embeddings"
    else:
        path = "/api/chat" if dialect == "ollama" else "/chat/completions"
    return base if base.endswith(path) else base + path


@functools.cache
def models() -> Mapping[str, Any]:
    """Read LiteLLM's price table: entries by model name."""
    table: dict[str, Any] = _read(_PRICES)
    return table


@functools.cache
def providers() -> frozenset[str]:
    """Read the names of the providers that LiteLLM routes to."""
    endpoints, compatible = (_read(name) for name in _PROVIDERS)
    with_price = {str(entry.get("litellm_provider", "")).split("-")[0] for entry in models().values()}
    return frozenset({*endpoints["providers"], *compatible, *with_price} - {""})


def _read(name: str) -> Any:
    # Read as a file: importing LiteLLM takes two seconds.
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("litellm is not installed", name="litellm")
    return json.loads((Path(spec.origin).parent / name).read_text(encoding="utf-8"))
