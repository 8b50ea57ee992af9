"""Ollama through its own client, for what LiteLLM does not do: is it there, which model exactly, pull it."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ollama

from ragtally import DataError, Progress
from ragtally.support.environment import environment, first_value
from ragtally_litellm.client import authorization
from ragtally_litellm.library import quiet_clients
from ragtally_litellm.routes import NATIVE, base_urls, route_of

LOG = logging.getLogger("ragtally.ollama")
# Seconds to wait for a server that only has to say what it holds.
_LONGEST_ANSWER = 5.0


class ModelInfo(NamedTuple):
    """A model as a server holds it."""

    digest: str  # The hash of its manifest
    context_length: int | None  # The most tokens that the model itself can take; None where unknown


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and what it says of a model."""

    base: str
    answers: bool
    model: ModelInfo | None = None  # The model there; None where the server has not pulled it, or was not reached
    failure: str = ""  # Why it was not reached


def servers(parameters: Mapping[str, Any]) -> list[Server]:
    """Ask every host of a model what it holds."""
    model = route_of(parameters["model"]).model
    return [_ask(base, model) for base in _hosts(parameters)]


def digest(parameters: Mapping[str, Any], tokens: int) -> str:
    """Look up exactly which model a tag stands for; it must take prompts of that many tokens."""
    return _digest(route_of(parameters["model"]).model, _hosts(parameters), tokens)


def pull(parameters: Mapping[str, Any], progress: Progress) -> None:
    """Pull a model to every host that does not hold it."""
    model = route_of(parameters["model"]).model
    for server in servers(parameters):
        if not server.answers:
            raise _away(server)
        if server.model is not None:
            continue
        try:
            with _client(server.base, timeout=None) as client:
                for part in client.pull(model, stream=True):
                    progress(f"{model}: {part.status or 'pulling'}", part.completed, part.total)
        except (ollama.ResponseError, ConnectionError, OSError) as error:
            raise DataError(f"{model} could not be pulled: {error}", hint=f"ollama pull {model}") from None
    forget()


def forget() -> None:
    """Ask the servers again, where a process has asked them before."""
    _digest.cache_clear()


def remember(base: str, model: str, info: ModelInfo) -> None:
    """Write down what a server holds, for when it is away; where nothing can be written, nothing is remembered."""
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


def _hosts(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    # Without the path that LiteLLM tolerates at the end.
    bases = base_urls(route_of(parameters["model"]), parameters["api_base"])
    return tuple(base.removesuffix("/api/chat").removesuffix("/api/embed") for base in bases)


# A process asks once: every cell of a plan needs the digest.
@functools.cache
def _digest(model: str, hosts: tuple[str, ...], tokens: int) -> str:
    states = [_ask(base, model) for base in hosts]
    awake = [server for server in states if server.answers]
    for server in awake:
        if server.model is None:
            hint = f"ollama pull {model}, or pull: true in the spec"
            raise DataError(f"Ollama at {server.base} has no model {model}", hint=hint)
        remember(server.base, model, server.model)
    models = [server.model for server in awake if server.model] or [_last_known(states, model)]
    if len({each.digest for each in models}) > 1:
        digests = ", ".join(f"{server.base} {server.model.digest[:12]}" for server in awake if server.model)
        message = f"the hosts hold different models named {model}: {digests}"
        raise DataError(message, hint=f"ollama pull {model} on each")
    for server in states:
        if awake and not server.answers:
            LOG.warning(
                "Ollama at %s does not answer (%s); the other hosts do its share", server.base, server.failure
            )
    length = models[0].context_length
    if length is not None and tokens > length:
        raise DataError(
            f"{model} takes {length:,} tokens, not {tokens:,}: longer prompts would be cut silently",
            hint=f"num_ctx: {length}",
        )
    return models[0].digest


def _last_known(away: list[Server], model: str) -> ModelInfo:
    for server in away:
        if (info := recall(server.base, model)) is not None:
            LOG.warning(
                "Ollama at %s does not answer; %s is taken to be what was last seen there, %s",
                server.base,
                model,
                info.digest[:12],
            )
            return info
    raise _away(away[0])


def _away(server: Server) -> DataError:
    return DataError(f"Ollama at {server.base} does not answer: {server.failure}", hint="ollama serve")


def _ask(base: str, model: str) -> Server:
    name = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    try:
        with _client(base, timeout=_LONGEST_ANSWER) as client:
            digests = {each.model: each.digest for each in client.list().models}
            if not digests.get(name):
                return Server(base, True)
            info = client.show(name).modelinfo or {}
    except Exception as error:
        # The client passes on whatever httpx and pydantic raise.
        return Server(base, False, failure=str(error).split(". ")[0].strip() or type(error).__name__)
    length = info.get(f"{info.get('general.architecture')}.context_length")
    return Server(base, True, ModelInfo(str(digests[name]), length if isinstance(length, int) else None))


def _client(base: str, timeout: float | None) -> ollama.Client:
    quiet_clients()
    key = first_value(NATIVE["ollama_chat"].key_variables, environment())
    return ollama.Client(base, timeout=timeout, headers=authorization(key) or None)


def _cache_path() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ragtally" / "ollama.json"


def _read_cache() -> dict[str, object]:
    try:
        cache = json.loads(_cache_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cache if isinstance(cache, dict) else {}
