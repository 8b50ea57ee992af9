"""What comes back with embeddings: read without trust, and put into the order of the texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragtally import CallError
from ragtally_litellm.routes import Dialect

# The field of a good answer that holds the vectors, by dialect.
HOLDS = {"openai": "data", "ollama": "embeddings"}


def read_vectors(body: Any, dialect: Dialect, texts: int) -> NDArray[np.float32]:
    """Read the body of a good answer."""
    listed = body.get(HOLDS[dialect]) if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise _bad("the answer has no embeddings")
    if len(listed) != texts:
        raise _bad(f"the answer has {len(listed)} embeddings for {texts} texts")
    vectors = listed if dialect == "ollama" else _in_order(listed)
    try:
        found = np.array(vectors, dtype=np.float32)
    except (TypeError, ValueError):
        raise _bad("the embeddings are of different lengths, or no lists of numbers") from None
    if found.ndim != 2 or not found.shape[1]:
        raise _bad("the embeddings are no lists of numbers")
    if not np.isfinite(found).all():
        raise _bad("an embedding holds NaN or infinity")
    return found


def _in_order(listed: list[Any]) -> list[Any]:
    if not all(isinstance(each, dict) for each in listed):
        raise _bad("the answer has no embeddings")
    places = [each.get("index") for each in listed]
    if all(location is None for location in places):
        return [each.get("embedding") for each in listed]
    by_place = {location: each.get("embedding") for location, each in zip(places, listed, strict=True)}
    if any(type(location) is not int for location in places) or by_place.keys() != set(range(len(listed))):
        raise _bad("the embeddings do not say which text each belongs to")
    return [by_place[location] for location in range(len(listed))]


def _bad(message: str) -> CallError:
    return CallError(message, reason="bad reply")
