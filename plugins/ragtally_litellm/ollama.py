"""What Ollama says of its models, for what LiteLLM does not do: is it there, which model exactly, pull it."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import ollama
import requests

from ragtally import DataError, Progress
from ragtally.support.environment import environment, first_value
from ragtally_litellm import own_api
from ragtally_litellm.library import quiet_clients
from ragtally_litellm.own_api import list_models
from ragtally_litellm.routes import NATIVE, authorization, route_of
from ragtally_litellm.tags import (
    ModelInfo,
    check_digest,
    full_name,
    hosts,
    missing_model,
    read_listing,
    recall,
    remember,
)

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
# Tokens: below this, models that think use up `max_tokens` before their first word.
_ROOM_TO_THINK = 256


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and what it says of a model."""

    base: str
    answers: bool
    model: ModelInfo | None = None  # The model there; None where the server has not pulled it, or was not reached
    failure: str = ""  # Why it was not reached
    names: tuple[str, ...] = ()  # All models that it holds
    capabilities: tuple[str, ...] = ()  # What the model can do, in Ollama's words; empty where it does not say

    def faults(self, parameters: Mapping[str, Any], use: Capability) -> Iterator[tuple[str, str]]:
        """Say why the model cannot do what it is to be used for, and what to write instead."""
        model = route_of(parameters["model"]).model
        if not self.capabilities:
            return
        if use not in self.capabilities:
            verb = "embed texts" if use == "embedding" else "answer questions"
            abilities = ", ".join(self.capabilities)
            yield f"{model} cannot {verb}: Ollama at {self.base} lists {abilities} of it", OTHER_USE[use]
        elif use == "completion":
            yield from self._thinking_faults(model, parameters)

    def _thinking_faults(self, model: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        effort, most = parameters["reasoning_effort"], parameters["max_tokens"]
        think = parameters["extra"].get("think")
        if "thinking" not in self.capabilities:
            if effort in ("low", "medium", "high") or think:
                name = "think under extra" if think else "reasoning_effort"
                yield f"{model} does not think, so Ollama refuses every call that asks for it", f"leave {name} out"
        elif effort is None and think is None and most is not None and most < _ROOM_TO_THINK:
            # The one family that cannot be told not to think.
            quiet = "low" if model.startswith("gpt-oss") else "none"
            yield (
                f"{model} thinks before it answers, and its thoughts count: {most} tokens leave empty answers",
                f"reasoning_effort: {quiet} where labels alone are wanted, else max_tokens: 2048",
            )


def servers(parameters: Mapping[str, Any]) -> list[Server]:
    """Ask every host of a model what it holds."""
    model = route_of(parameters["model"]).model
    return [_ask(base, model) for base in hosts(parameters)]


def digest(parameters: Mapping[str, Any], tokens: int, use: Capability) -> str:
    """Look up exactly which model a tag stands for; it must be fit for the use, and take so many tokens."""
    model = route_of(parameters["model"]).model
    info, awake = _agreement(model, hosts(parameters))
    for server in awake:
        for message, hint in server.faults(parameters, use):
            raise DataError(message, hint=hint)
    length = info.context_length
    if length is not None and tokens > length:
        raise DataError(
            f"{model} takes {length:,} tokens, not {tokens:,}: longer prompts would be cut silently",
            hint=f"num_ctx: {length}",
        )
    return info.digest


def known_digest(parameters: Mapping[str, Any]) -> str | None:
    """The digest by which this process knows a model; None where it has not asked for it."""
    return _DIGESTS.get((route_of(parameters["model"]).model, hosts(parameters)))


async def check_tag(base: str, model: str, expected: str) -> None:
    """Refuse what LiteLLM brings where the tag stands for another model by then."""
    try:
        listing = await asyncio.to_thread(list_models, base)
    except (requests.RequestException, ConnectionError, ValueError):
        listing = None
    check_digest(listing, base, model, expected)


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
    _agreement.cache_clear()
    own_api.forget()
    _DIGESTS.clear()


# What the keys of this process' calls were made with.
_DIGESTS: dict[tuple[str, tuple[str, ...]], str] = {}


# A process asks once: every cell of a plan needs the digest.
@functools.cache
def _agreement(model: str, bases: tuple[str, ...]) -> tuple[ModelInfo, tuple[Server, ...]]:
    """Ask all hosts, which must hold the same model; returns it and the hosts that answer."""
    states = [_ask(base, model) for base in bases]
    awake = [server for server in states if server.answers]
    for server in awake:
        if server.model is None:
            message, hint = missing_model(server.base, model, server.names)
            raise DataError(message, hint=f"{hint}, or pull: true in the spec")
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
    _DIGESTS[model, bases] = models[0].digest
    return models[0], tuple(awake)


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
    name = full_name(model)
    try:
        entries = read_listing(list_models(base))
        if entries is None:
            raise ConnectionError("/api/tags lists no models")
        entry = entries.get(name)
        if entry is None or not entry.get("digest"):
            return Server(base, True, names=tuple(entries))
        length, capabilities = _description(base, name, entry)
    except Exception as error:
        # The clients pass on whatever requests, httpx and pydantic raise.
        return Server(base, False, failure=_reason(error))
    info = ModelInfo(str(entry["digest"]), length)
    return Server(base, True, info, names=tuple(entries), capabilities=capabilities)


def _description(base: str, name: str, entry: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """A model's context length, and what it can do."""
    # The list has had both since 2026, but calls a model for embeddings that was made from safetensors one for chats:
    # it stops reading a file at its vocabulary. The length it tells rightly, or not at all.
    with _client(base, timeout=_LONGEST_ANSWER) as client:
        page = client.show(name)
    info, details = page.modelinfo or {}, entry.get("details")
    length = info.get(f"{info.get('general.architecture')}.context_length")
    if not isinstance(length, int) and isinstance(details, dict):
        length = details.get("context_length")
    return length if isinstance(length, int) and length > 0 else None, tuple(map(str, page.capabilities or ()))


def _reason(error: Exception) -> str:
    if isinstance(error, requests.RequestException):
        # What requests says names its own classes and a pool.
        return "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
    return str(error).split(". ")[0].strip() or type(error).__name__


def cuts_silently(text: str) -> bool:
    """Whether a server of a version cuts prompts that do not fit, whatever it is told."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    # Builds from source call themselves 0.0.0.
    return numbers is not None and (0, 0, 0) < tuple(map(int, numbers.groups())) < REFUSES_LONG_PROMPTS


def _client(base: str, timeout: float | None) -> ollama.Client:
    quiet_clients()
    key = first_value(NATIVE["ollama_chat"].key_variables, environment())
    return ollama.Client(base, timeout=timeout, headers=authorization(key) or None)
