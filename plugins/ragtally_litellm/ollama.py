"""Ollama through its own client, for what LiteLLM does not do: is it there, which model exactly, pull it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ollama

from ragtally import DataError, Progress
from ragtally_litellm.bodies import OLLAMA_CONTEXT
from ragtally_litellm.keys import environment, first_value
from ragtally_litellm.quiet import hush_clients
from ragtally_litellm.routes import FAST, bases, route_of
from ragtally_litellm.seen import Seen, recall, remember

LOG = logging.getLogger("ragtally.ollama")
# Seconds to wait for a server that only has to say what it holds.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and what it says of a model."""

    base: str  # Its URL
    reached: bool  # Whether it answered
    seen: Seen | None = None  # The model there; None where the server has not pulled it, or was not reached
    said: str = ""  # Why it was not reached


def servers(parameters: Mapping[str, Any]) -> list[Server]:
    """Ask every host of a model what it holds."""
    model = route_of(parameters["model"]).model
    return [_look(base, model) for base in hosts(parameters)]


def hosts(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Say where Ollama is, without the path that LiteLLM tolerates at the end."""
    found = bases(route_of(parameters["model"]), parameters["api_base"], environment())
    return tuple(base.removesuffix("/api/chat").removesuffix("/api/embed") for base in found)


def digest(parameters: Mapping[str, Any]) -> str:
    """Tell exactly which model a tag stands for."""
    # Where no server answers, the digest last seen counts, and a warning says so. A process asks once.
    tokens = parameters["num_ctx"] or OLLAMA_CONTEXT
    return _digest(route_of(parameters["model"]).model, hosts(parameters), tokens)


def pull(parameters: Mapping[str, Any], progress: Progress) -> None:
    """Pull a model to every host that has not got it."""
    model = route_of(parameters["model"]).model
    for server in servers(parameters):
        if not server.reached:
            raise _away(server)
        if server.seen is not None:
            continue
        try:
            with _client(server.base, patience=None) as client:
                for part in client.pull(model, stream=True):
                    progress(f"{model}: {part.status or 'pulling'}", part.completed, part.total)
        except (ollama.ResponseError, ConnectionError, OSError) as error:
            raise DataError(f"{model} could not be pulled: {error}", hint=f"ollama pull {model}") from None
    _digest.cache_clear()


def forget() -> None:
    """Ask the servers again, where a process has asked them before."""
    _digest.cache_clear()


def embedding_digest(parameters: Mapping[str, Any]) -> str:
    """Tell exactly which model of embeddings a tag stands for; see `digest`."""
    # How long a text may be is not checked: whether one that is too long is cut is said with each request.
    return _digest(route_of(parameters["model"]).model, hosts(parameters), 0)


@functools.cache
def _digest(model: str, where: tuple[str, ...], tokens: int) -> str:
    found = [_look(base, model) for base in where]
    reached = [server for server in found if server.reached]
    for server in reached:
        if server.seen is None:
            hint = f"ollama pull {model}, or pull: true in the spec"
            raise DataError(f"Ollama at {server.base} has no model {model}", hint=hint)
        remember(server.base, model, server.seen)
    seen = [server.seen for server in reached if server.seen] or [_last_seen(found, model)]
    if len({each.digest for each in seen}) > 1:
        held = ", ".join(f"{server.base} {server.seen.digest[:12]}" for server in reached if server.seen)
        raise DataError(f"the hosts hold different models named {model}: {held}", hint=f"ollama pull {model} on each")
    for server in found:
        if reached and not server.reached:
            LOG.warning("Ollama at %s does not answer (%s); the other hosts do its share", server.base, server.said)
    _check_context(model, seen[0], tokens)
    return seen[0].digest


def _last_seen(away: list[Server], model: str) -> Seen:
    for server in away:
        if (known := recall(server.base, model)) is not None:
            LOG.warning(
                "Ollama at %s does not answer; %s is taken to be what was last seen there, %s",
                server.base,
                model,
                known.digest[:12],
            )
            return known
    raise _away(away[0])


def _check_context(model: str, seen: Seen, tokens: int) -> None:
    if seen.context_length is not None and tokens > seen.context_length:
        raise DataError(
            f"{model} takes {seen.context_length:,} tokens, not {tokens:,}: longer prompts would be cut silently",
            hint=f"num_ctx: {seen.context_length}",
        )


def _away(server: Server) -> DataError:
    return DataError(f"Ollama at {server.base} does not answer: {server.said}", hint="ollama serve")


def _look(base: str, model: str) -> Server:
    name = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    try:
        with _client(base, patience=_PATIENCE) as client:
            held = {each.model: each.digest for each in client.list().models}
            if not held.get(name):
                return Server(base, True)
            told = client.show(name).modelinfo or {}
    except Exception as error:
        # The client passes on whatever httpx and pydantic raise.
        return Server(base, False, said=str(error).split(". ")[0].strip() or type(error).__name__)
    length = told.get(f"{told.get('general.architecture')}.context_length")
    return Server(base, True, Seen(str(held[name]), length if isinstance(length, int) else None))


def _client(base: str, patience: float | None) -> ollama.Client:
    hush_clients()
    key = first_value(FAST["ollama_chat"].key_variables, environment())
    return ollama.Client(base, timeout=patience, headers={"Authorization": f"Bearer {key}"} if key else None)
