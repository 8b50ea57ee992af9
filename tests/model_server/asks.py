"""A request for an answer, whichever API it came by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_server.failures import Vendor

CHARACTERS_PER_TOKEN = 4
"""How prompts' tokens are counted here."""


class BadRequest(ValueError):
    """The body is not what the API takes."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of a model.

    Attributes:
        vendor: Whose API it came by.
        model: The model's name as it was sent.
        text: All messages, one after the other.
        key: A hash of model, messages and seed.
        most_tokens: The most tokens to answer with; None for no limit.
        schema: The JSON schema that the answer must follow; an empty one for any JSON; None for plain text.
        context: The number of tokens that Ollama was told to use; None where it was not.
        effort: `reasoning_effort` or `think`, where it was sent.
        parameters: The body's other fields, `options` among them.
        inputs: The texts to embed; None for a prompt to answer.
    """

    vendor: Vendor
    model: str
    text: str
    key: str
    most_tokens: int | None
    schema: Mapping[str, Any] | None
    context: int | None
    effort: Any
    parameters: Mapping[str, Any]
    inputs: tuple[str, ...] | None = None

    @property
    def prompt_tokens(self) -> int:
        return count_tokens(self.text)

    @property
    def longest(self) -> int:
        """The tokens of the longest text that the model must read at once."""
        return self.prompt_tokens if self.inputs is None else max(map(count_tokens, self.inputs))


def count_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def read_ask(body: bytes, vendor: Vendor) -> Ask:
    """Read a request's body."""
    try:
        return _ask(json.loads(body), vendor)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(repr(error)) from error


def _ask(fields: Mapping[str, Any], vendor: Vendor) -> Ask:
    # Of Ollama's own, `/api/generate` takes a bare prompt.
    model, messages = fields["model"], [{"content": fields["prompt"]}] if "prompt" in fields else fields["messages"]
    text = "\n".join(_text(message) for message in messages)
    own = vendor == "ollama_api"
    options = (fields.get("options") or {}) if own else fields
    limit = options.get("num_predict") if own else fields.get("max_completion_tokens", fields.get("max_tokens"))
    turns = [[message.get("role", "user"), _text(message)] for message in messages]
    identity = json.dumps([model, turns, options.get("seed")])
    return Ask(
        vendor=vendor,
        model=model,
        text=text,
        key=hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        most_tokens=limit if isinstance(limit, int) and limit > 0 else None,
        schema=_schema(fields.get("format") if own else fields.get("response_format")),
        context=options.get("num_ctx") if own else None,
        effort=fields.get("think") if own else fields.get("reasoning_effort"),
        parameters=fields,
    )


def read_embedding(body: bytes, vendor: Vendor) -> Ask:
    """Read the body of a request for embeddings; the hosted APIs refuse empty texts."""
    try:
        fields = json.loads(body)
        model, texts = fields["model"], fields["input"]
        inputs = (texts,) if isinstance(texts, str) else tuple(texts)
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(repr(error)) from error
    if not inputs or not all(isinstance(text, str) and (text or vendor == "ollama_api") for text in inputs):
        raise BadRequest("'$.input' is invalid")
    options = fields.get("options") or {}
    identity = json.dumps([model, inputs, fields.get("dimensions")])
    return Ask(
        vendor=vendor,
        model=model,
        text="\n".join(inputs),
        key=hashlib.blake2b(identity.encode(), digest_size=16).hexdigest(),
        most_tokens=None,
        schema=None,
        context=options.get("num_ctx"),
        effort=None,
        parameters=fields,
        inputs=inputs,
    )


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _schema(format: Any) -> Mapping[str, Any] | None:
    if format in (None, ""):
        return None
    if format == "json":
        return {}
    if format.get("type") == "json_schema" and "json_schema" in format:
        schema: Mapping[str, Any] = format["json_schema"].get("schema", {})
        return schema
    if format.get("type") == "json_object":
        return format.get("schema") or {}
    return None if format.get("type") == "text" else format
