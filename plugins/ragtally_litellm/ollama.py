"""Ollama through its own client, for what LiteLLM does not do: is it there, which model exactly, pull it."""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import ollama
import requests

from ragtally import DataError, Progress
from ragtally.support.environment import environment, first_value
from ragtally_litellm.client import authorization
from ragtally_litellm.library import quiet_clients
from ragtally_litellm.routes import NATIVE, base_urls, route_of

Capability = Literal["completion", "embedding"]
OTHER_USE: Mapping[Capability, str] = {
    "embedding": "name a model for embeddings, such as nomic-embed-text",
    "completion": "name a model for chats; one for embeddings is an embedder of the spec",
}
# Since this version a prompt that does not fit is an error where it is not to be cut; earlier ones cut it silently.
REFUSES_LONG_PROMPTS = (0, 12, 6)

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
    names: tuple[str, ...] = ()  # All models that it holds
    capabilities: tuple[str, ...] = ()  # What the model can do, in Ollama's words; empty where it does not say

    def lacks(self, use: Capability) -> str:
        """Say that the model cannot do what it is to be used for; empty where it can, or that is not known."""
        if not self.capabilities or use in self.capabilities:
            return ""
        verb = "embed texts" if use == "embedding" else "answer questions"
        return f"{{model}} cannot {verb}: Ollama at {self.base} lists {', '.join(self.capabilities)} of it"

    def missing(self, model: str) -> tuple[str, str]:
        """Say that the server has no such model, and what to do: take a similar one that is there, or pull it."""
        bare = model.partition(":")[0]
        similar = [name for name in self.names if name.partition(":")[0] == bare]
        similar = similar or difflib.get_close_matches(model, self.names, n=3)
        message = f"Ollama at {self.base} has no model {model}"
        if not similar:
            return message, f"ollama pull {model}"
        return f"{message}, but {', '.join(similar)}", f"name one of those in the spec, or: ollama pull {model}"


def servers(parameters: Mapping[str, Any]) -> list[Server]:
    """Ask every host of a model what it holds."""
    model = route_of(parameters["model"]).model
    return [_ask(base, model) for base in _hosts(parameters)]


def digest(parameters: Mapping[str, Any], tokens: int, use: Capability) -> str:
    """Look up exactly which model a tag stands for; it must be fit for the use, and take so many tokens."""
    return _digest(route_of(parameters["model"]).model, _hosts(parameters), tokens, use)


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
def _digest(model: str, hosts: tuple[str, ...], tokens: int, use: Capability) -> str:
    states = [_ask(base, model) for base in hosts]
    awake = [server for server in states if server.answers]
    for server in awake:
        if server.model is None:
            message, hint = server.missing(model)
            raise DataError(message, hint=f"{hint}, or pull: true in the spec")
        if lack := server.lacks(use):
            raise DataError(lack.format(model=model), hint=OTHER_USE[use])
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
            digests = {str(each.model): each.digest for each in client.list().models}
            if not digests.get(name):
                return Server(base, True, names=tuple(digests))
            model_page = client.show(name)
            info = model_page.modelinfo or {}
    except Exception as error:
        # The client passes on whatever httpx and pydantic raise.
        return Server(base, False, failure=str(error).split(". ")[0].strip() or type(error).__name__)
    length = info.get(f"{info.get('general.architecture')}.context_length")
    return Server(
        base,
        True,
        ModelInfo(str(digests[name]), length if isinstance(length, int) else None),
        names=tuple(digests),
        capabilities=tuple(map(str, model_page.capabilities or ())),
    )


def version(base: str) -> str | None:
    """Ask a server for its version; None where it does not say."""
    try:
        content = requests.get(f"{base}/api/version", timeout=_LONGEST_ANSWER, allow_redirects=False).json()
    except (requests.RequestException, ValueError):
        return None
    text = content.get("version") if isinstance(content, dict) else None
    return text if isinstance(text, str) else None


def cuts_silently(text: str) -> bool:
    """Whether a server of a version cuts prompts that do not fit, whatever it is told."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    # Builds from source call themselves 0.0.0.
    return numbers is not None and (0, 0, 0) < tuple(map(int, numbers.groups())) < REFUSES_LONG_PROMPTS


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
