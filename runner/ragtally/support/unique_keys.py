"""JSON objects whose keys are given once: of two values of one key, `json` drops the first without a word."""

from __future__ import annotations

from typing import Any


class RepeatedKeyError(ValueError):
    """A JSON object names a key twice.

    Attributes:
        key: The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key!r} is given twice")
        self.key = key


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its keys and values: `json.loads(text, object_pairs_hook=unique_keys)`.

    Args:
        pairs: Keys and values in the order of the text.

    Returns:
        The object.

    Raises:
        RepeatedKeyError: If a key is there twice.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise RepeatedKeyError(next(key for index, key in enumerate(keys) if key in keys[:index]))
    return value
