"""What one request of a chat says, in OpenAI's dialect and in Ollama's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ragtally_litellm.routes import NATIVE, OLLAMA_CONTEXT, Route

# OpenAI's words and Ollama's (ollama/api/types.go, `Options`). LiteLLM makes a repeat_penalty of frequency_penalty,
# which is another thing with another neutral value: 0.5 there rewards what 0.5 here punishes.
_OLLAMA_OPTIONS = {
    "max_tokens": "num_predict",
    "temperature": "temperature",
    "top_p": "top_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop": "stop",
}
# An index may be built between two steps that ask: a model that was let go is read from disk again (2 s for 100 MB on
# a laptop, minutes for 40 GB). Ollama's own five minutes are too few, and without an end it would fill the memory.
KEEP_ALIVE = "30m"
# Contexts are a multiple of this, so that studies alike in size do not have the model loaded again.
_CONTEXT_STEP = 1024
# Text full of numbers has about so many bytes a token; an answer has so many tokens where nothing limits it.
_BYTES_PER_TOKEN, _FRAME_TOKENS, _ANSWER_ROOM = 2.5, 16, 1024
# What Ollama takes beside its options, not among them.
_OLLAMA_TOP = frozenset({"format", "keep_alive", "shift", "think", "truncate"})


class RequestBody:
    """Writes the bodies of one model's requests, as LiteLLM would."""

    def __init__(
        self,
        route: Route,
        sampling: Mapping[str, Any],
        extra: Mapping[str, Any],
        num_ctx: int | None,
        schema_as: str | None = None,
    ) -> None:
        self._schema_as = schema_as
        self._ollama = NATIVE[route.provider].dialect == "ollama"
        self._context, self._grows = num_ctx or OLLAMA_CONTEXT, num_ctx is None
        self._answer_room = sampling.get("max_tokens") or _ANSWER_ROOM
        if self._ollama:
            self._shared = _ollama_body(route, sampling, extra)
        else:
            self._shared = _openai_body(route, sampling, extra)

    def ask_for(self, model: str) -> None:
        """Name another model in every request."""
        self._shared = {**self._shared, "model": model}

    def make_room(self, tokens: int) -> None:
        """Let Ollama load the model with room for so many tokens, unless the spec says with how much."""
        if self._grows:
            self._grows = False
            self._context = max(OLLAMA_CONTEXT, -(-tokens // _CONTEXT_STEP) * _CONTEXT_STEP)

    def of(self, messages: Sequence[Mapping[str, str]], own: Mapping[str, Any]) -> dict[str, Any]:
        """Write one body; `own` are the parameters of this call alone."""
        if not self._ollama:
            return {**self._shared, "messages": messages, **written_schema(own, self._schema_as)}
        form = _ollama_format(own["response_format"]) if "response_format" in own else {}
        names = [name for name in own if name != "response_format"]
        context = max(self._context, self._estimate(messages)) if self._grows else self._context
        options = {**self._shared["options"], "num_ctx": context}
        options |= {_OLLAMA_OPTIONS.get(name, name): own[name] for name in names}
        return {**self._shared, **form, "messages": messages, "options": options}

    def _estimate(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Bound the tokens of one prompt and its answer where nobody has looked at all prompts, as in a pipeline."""
        size = sum(len(message["content"].encode("utf-8", "replace")) for message in messages)
        tokens = size / _BYTES_PER_TOKEN + _FRAME_TOKENS * len(messages) + self._answer_room
        # Doubled, since another `num_ctx` has Ollama load the model again.
        return OLLAMA_CONTEXT << max(0, math.ceil(math.log2(tokens / OLLAMA_CONTEXT)))


def _openai_body(route: Route, sampling: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    body = {"model": route.model, **sampling}
    # OpenAI's reasoning models take the limit by another name, and no other provider's do.
    if "max_tokens" in body and route.provider == "openai" and route.entry.get("supports_reasoning"):
        body["max_completion_tokens"] = body.pop("max_tokens")
    if route.provider == "openrouter":
        if body.get("reasoning_effort") == "max":
            body["reasoning_effort"] = "xhigh"
        body["usage"] = {"include": True}
    return {**body, **extra}


def _ollama_body(route: Route, sampling: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    options = {_OLLAMA_OPTIONS[name]: sampling[name] for name in _OLLAMA_OPTIONS if name in sampling}
    # Since 0.12.6 a prompt that does not fit is an error where it is not to be cut (ollama/api/types.go).
    body: dict[str, Any] = {"model": route.model, "stream": False, "truncate": False, "shift": False}
    body["keep_alive"] = KEEP_ALIVE
    if "response_format" in sampling:
        body |= _ollama_format(sampling["response_format"])
    if "reasoning_effort" in sampling:
        effort = sampling["reasoning_effort"]
        body["think"] = effort if route.model.startswith("gpt-oss") else effort in ("low", "medium", "high")
    body |= {name: value for name, value in extra.items() if name in _OLLAMA_TOP}
    options |= {name: value for name, value in extra.items() if name not in _OLLAMA_TOP}
    return {**body, "options": options}


def _ollama_format(form: Mapping[str, Any]) -> dict[str, Any]:
    return {"format": form["json_schema"]["schema"] if "json_schema" in form else "json"}


def written_schema(parameters: Mapping[str, Any], schema_as: str | None) -> Mapping[str, Any]:
    """Write the schema among a call's parameters as a server takes it; None for OpenAI's way."""
    form = parameters.get("response_format") or {}
    if schema_as != "json_object" or "json_schema" not in form:
        return parameters
    # llama-cpp-python, Together and others had schemas before OpenAI named a type for them.
    return {**parameters, "response_format": {"type": "json_object", "schema": form["json_schema"]["schema"]}}
