"""The plugins of a served pipeline: what it holds of them as plain data, and how they are built from it."""

from __future__ import annotations

import functools
from typing import Any

from ragtally.api import Choice
from ragtally.registry import Registry, load_registry

_KEYS = {"kind", "component", "parameters"}


@functools.cache
def plugins() -> Registry:
    """Load every installed plugin, once per process."""
    return load_registry()


def choice_data(value: Any) -> Any:
    """Write a choice, or what stands among its parameters."""
    if isinstance(value, Choice):
        parameters = {name: choice_data(item) for name, item in value.parameters.items()}
        return {"kind": value.kind, "component": value.name, "parameters": parameters}
    return [choice_data(item) for item in value] if isinstance(value, tuple) else value


def choice_from(data: Any) -> Any:
    """Read what `choice_data` wrote."""
    if isinstance(data, dict) and data.keys() == _KEYS:
        parameters = {name: choice_from(item) for name, item in data["parameters"].items()}
        return Choice(data["kind"], data["component"], parameters)
    if isinstance(data, list) and data and all(isinstance(item, dict) and item.keys() == _KEYS for item in data):
        return tuple(choice_from(item) for item in data)
    return data


def build(component: Any) -> Any:
    """Build what an export describes as data; what a step has built already is taken as it is."""
    return plugins().build(choice_from(component)) if isinstance(component, dict) else component
