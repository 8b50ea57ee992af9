"""Whether an answer keeps to the JSON schema that it was held to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def object_of(text: str) -> dict[str, Any] | None:
    """Read an answer that is a JSON object and nothing else.

    Args:
        text: The answer; what a model thought aloud before it is left out.

    Returns:
        The object; None where there is anything else.
    """
    try:
        content = json.loads(text.rpartition("</think>")[2])
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def keeps_to(text: str, schema: Mapping[str, Any]) -> bool:
    """Check an answer against a schema that was sent with its prompt.

    Args:
        text: The answer; what a model thought aloud before it is left out.
        schema: The schema: an object of texts, objects and lists of these, each of them required.

    Returns:
        Whether a server that holds answers to the schema can have given it.
    """
    content = object_of(text)
    return content is not None and _fits(content, schema)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    if "properties" in schema:
        properties = schema["properties"]
        return (
            isinstance(value, dict)
            and value.keys() == properties.keys()
            and all(_fits(item, properties[name]) for name, item in value.items())
        )
    if "items" in schema:
        return isinstance(value, list) and all(_fits(item, schema["items"]) for item in value)
    return isinstance(value, str) and value in schema.get("enum", (value,))
