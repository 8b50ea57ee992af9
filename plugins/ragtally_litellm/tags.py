"""What Ollama's servers list: which model a tag stands for now, and what it stood for when last asked."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ragtally import CallError
from ragtally_litellm.routes import base_urls, route_of


class ModelInfo(NamedTuple):
    """A model as a server holds it."""

    digest: str  # The hash of its manifest
    context_length: int | None  # The most tokens that the model itself can take; None where unknown


def hosts(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """List the servers of a model of Ollama's."""
    # Without the path that LiteLLM tolerates at the end.
    bases = base_urls(route_of(parameters["model"]), parameters["api_base"])
    return tuple(map(host_of, bases))


def host_of(url: str) -> str:
    return url.removesuffix("/api/chat").removesuffix("/api/embed")


def full_name(model: str) -> str:
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def read_listing(content: object) -> dict[str, Mapping[str, Any]] | None:
    """Read an answer of `/api/tags`: its entries by the models' names; None where it is none."""
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, list):
        return None
    entries = [entry for entry in models if isinstance(entry, dict)]
    return {str(entry.get("model") or entry.get("name")): entry for entry in entries}


def missing_model(base: str, model: str, names: Collection[str]) -> tuple[str, str]:
    """Say that a server has no such model, and what to do: take a similar one that is there, or pull it."""
    bare = model.partition(":")[0]
    similar = [name for name in names if name.partition(":")[0] == bare]
    similar = similar or difflib.get_close_matches(model, names, n=3)
    message = f"Ollama at {base} has no model {model}"
    if not similar:
        return message, f"ollama pull {model}"
    return f"{message}, but {', '.join(similar)}", f"name one of those in the spec, or: ollama pull {model}"


def check_digest(listing: object, base: str, model: str, expected: str) -> None:
    """Refuse an answer after which the tag stands for another model: it would be saved as the old one's."""
    entries = read_listing(listing)
    if entries is None:
        raise CallError(f"Ollama at {base} does not say which {model} answered", reason="connection")
    entry = entries.get(full_name(model))
    if entry is None:
        message, hint = missing_model(base, model, entries)
        raise CallError(f"{message} any more", reason="not found", hint=hint)
    if entry.get("digest") != expected:
        raise CallError(
            f"{model} at {base} became another model while it was being asked: its digest was {expected[:12]} and "
            f"is {str(entry.get('digest'))[:12]}",
            reason="not found",
            hint="run the same command again: it asks the new model everything",
        )


def remember(base: str, model: str, info: ModelInfo) -> None:
    """Write down what a server holds; where nothing can be written, nothing is remembered."""
    # In the user's cache folder: it says something about servers, not about any one project or its store.
    cache = _read_cache()
    if cache.get(f"{base} {model}") == info._asdict():
        return
    cache[f"{base} {model}"] = info._asdict()
    path = _cache_path()
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(cache, indent=1, sort_keys=True), encoding="utf-8")
        temporary.replace(path)


def recall(base: str, model: str) -> ModelInfo | None:
    """Read what a server held when it was last asked."""
    match _read_cache().get(f"{base} {model}"):
        case {"digest": str(digest), "context_length": int(length)}:
            return ModelInfo(digest, length)
        case {"digest": str(digest)}:
            return ModelInfo(digest, None)
    return None


def longest_context(parameters: Mapping[str, Any]) -> int | None:
    """The most tokens that a model of Ollama's takes, as far as a server has said so."""
    model = route_of(parameters["model"]).model
    infos = [recall(base, model) for base in hosts(parameters)]
    return min((info.context_length for info in infos if info and info.context_length), default=None)


def _cache_path() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ragtally" / "ollama.json"


def _read_cache() -> dict[str, object]:
    try:
        cache = json.loads(_cache_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cache if isinstance(cache, dict) else {}
