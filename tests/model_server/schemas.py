"""What a server makes of a JSON schema for the answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from model_server.connection import Response
from model_server.failures import failure

if TYPE_CHECKING:
    from model_server.asks import Ask

WAYS = ("kept", "ignored", "refused", "object_only")
"""It is kept to, ignored, answered with 400, or, as by llama-cpp-python, taken with the type `json_object` alone."""

_UNKNOWN_TYPE = (
    "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
    "'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}"
)


def schema_refusal(ask: Ask, way: str) -> Response | None:
    """Refuse a call for its schema."""
    if ask.schema is None:
        return None
    if way == "refused":
        name = "format" if ask.vendor == "ollama_api" else "response_format"
        return failure("unsupported_parameter", ask.vendor, param=name, model=ask.model)
    if way == "object_only" and ask.parameters["response_format"]["type"] == "json_schema":
        error = {"message": _UNKNOWN_TYPE, "type": "internal_server_error", "param": None, "code": None}
        return Response(500, json.dumps({"error": error}).encode())
    return None


def followed(ask: Ask, way: str) -> Ask:
    """The call as the model sees it."""
    return replace(ask, schema=None) if way == "ignored" else ask
