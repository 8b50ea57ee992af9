"""Choices as the plain data that a serialised pipeline holds."""

from __future__ import annotations

from typing import Any

from ragtally.api import Choice

_KEYS = {"kind", "component", "parameters"}


def written(value: Any) -> Any:
    """Write a choice, or what stands among its parameters."""
    if isinstance(value, Choice):
        parameters = {name: written(item) for name, item in value.parameters.items()}
        return {"kind": value.kind, "component": value.name, "parameters": parameters}
    if isinstance(value, tuple):
        return [written(item) for item in value]
    return value


def choice_of(data: Any) -> Any:
    """Read what `written` wrote."""
    if isinstance(data, dict) and data.keys() == _KEYS:
        parameters = {name: choice_of(item) for name, item in data["parameters"].items()}
        return Choice(data["kind"], data["component"], parameters)
    if isinstance(data, list) and data and all(isinstance(item, dict) and item.keys() == _KEYS for item in data):
        return tuple(choice_of(item) for item in data)
    return data
