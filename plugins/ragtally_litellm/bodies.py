"""What the fast lane sends: the bodies of requests, as LiteLLM would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragtally_litellm.routes import FAST, Route
from ragtally_litellm.sampling import names_limit_by_completion

# The `num_ctx` sent to Ollama where the spec gives none: its own default for small machines, since what a server is
# set to cannot be asked beforehand, and a prompt longer than that would be cut without a word.
OLLAMA_CONTEXT = 4096
# OpenAI's words and Ollama's, as LiteLLM translates them (litellm/llms/ollama/chat/transformation.py).
_OLLAMA_OPTIONS = {
    "max_tokens": "num_predict",
    "temperature": "temperature",
    "top_p": "top_p",
    "frequency_penalty": "repeat_penalty",
    "stop": "stop",
}
# What Ollama takes beside its options, not among them.
_OLLAMA_TOP = frozenset({"format", "keep_alive", "shift", "think", "truncate"})


class Body:
    """Writes the bodies of one model's requests."""

    def __init__(self, route: Route, asked: Mapping[str, Any], extra: Mapping[str, Any], num_ctx: int | None) -> None:
        self._ollama = FAST[route.provider].dialect == "ollama"
        self._shared = _of_ollama(route, asked, extra, num_ctx) if self._ollama else _of_openai(route, asked, extra)

    def of(self, messages: Sequence[Mapping[str, str]], own: Mapping[str, Any]) -> dict[str, Any]:
        """Write one body."""
        if not self._ollama:
            return {**self._shared, "messages": messages, **own}
        options = {**self._shared["options"], **{_OLLAMA_OPTIONS.get(name, name): own[name] for name in own}}
        return {**self._shared, "messages": messages, "options": options}


def _of_openai(route: Route, asked: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    body = {"model": route.model, **asked}
    if "max_tokens" in body and names_limit_by_completion(route):
        body["max_completion_tokens"] = body.pop("max_tokens")
    if route.provider == "openrouter":
        if body.get("reasoning_effort") == "max":
            body["reasoning_effort"] = "xhigh"
        body["usage"] = {"include": True}
    return {**body, **extra}


def _of_ollama(
    route: Route, asked: Mapping[str, Any], extra: Mapping[str, Any], num_ctx: int | None
) -> dict[str, Any]:
    options = {_OLLAMA_OPTIONS[name]: asked[name] for name in _OLLAMA_OPTIONS if name in asked}
    options["num_ctx"] = num_ctx or OLLAMA_CONTEXT
    # Since 0.12.6 a prompt that does not fit is an error where it is not to be cut (ollama/api/types.go).
    body: dict[str, Any] = {"model": route.model, "stream": False, "truncate": False, "shift": False}
    if "response_format" in asked:
        asked_format = asked["response_format"]
        body["format"] = asked_format["json_schema"]["schema"] if "json_schema" in asked_format else "json"
    if "reasoning_effort" in asked:
        effort = asked["reasoning_effort"]
        body["think"] = effort if route.model.startswith("gpt-oss") else effort in ("low", "medium", "high")
    body |= {name: value for name, value in extra.items() if name in _OLLAMA_TOP}
    options |= {name: value for name, value in extra.items() if name not in _OLLAMA_TOP}
    return {**body, "options": options}
