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
    """Check an answer against a schema of a `ConstrainedReader`.

    Args:
        text: The answer; what a model thought aloud before it is left out.
        schema: The schema: an object of texts, each of them required.

    Returns:
        Whether a server that holds answers to the schema can have given it.
    """
    content, properties = object_of(text), schema["properties"]
    return (
        content is not None
        and content.keys() == properties.keys()
        and all(
            isinstance(value, str) and value in properties[name].get("enum", (value,))
            for name, value in content.items()
        )
    )
