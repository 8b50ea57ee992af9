"""LiteLLM's bundled tables, read as files: importing LiteLLM for them would take two seconds."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PRICES = "model_prices_and_context_window_backup.json"
_PROVIDERS = ("provider_endpoints_support_backup.json", "llms/openai_like/providers.json")


def entry(provider: str, model: str) -> Mapping[str, Any]:
    """Look a model up in the price table, as LiteLLM does: by its full name, then by its bare one."""
    for name in (f"{provider}/{model}", model):
        found: Mapping[str, Any] = models().get(name, {})
        if found and (name != model or found.get("litellm_provider") == provider):
            return found
    return {}


@functools.cache
def models() -> Mapping[str, Any]:
    """Read the price table: entries by model name."""
    table: dict[str, Any] = _read(_PRICES)
    return table


@functools.cache
def providers() -> frozenset[str]:
    """Read the names of the providers that LiteLLM routes to."""
    supported, compatible = (_read(name) for name in _PROVIDERS)
    priced = {str(item.get("litellm_provider", "")).split("-")[0] for item in models().values()}
    return frozenset({*supported["providers"], *compatible, *priced} - {""})


def _read(name: str) -> Any:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("litellm is not installed", name="litellm")
    return json.loads((Path(spec.origin).parent / name).read_text(encoding="utf-8"))
