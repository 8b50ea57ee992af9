"""A Haystack component as a spec writes it, and everything that is named inside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# What the import path of a class looks like.
CLASS_PATTERN = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"


class Fault(NamedTuple):
    """What is wrong with a definition."""

    message: str  # What is wrong, in one sentence
    hint: str | None = None  # What to write instead, where that is known
    parameter: str | None = None  # Which of its class' own parameters is to blame


class Definition(NamedTuple):
    """One Haystack component or document store."""

    type: str  # The import path of its class
    parameters: Mapping[str, Any]  # What its class is made with, as Haystack serialises it

    @property
    def name(self) -> str:
        """The class' own name."""
        return self.type.rpartition(".")[2]


def definition_of(value: Mapping[str, Any]) -> Definition:
    """Read a definition."""
    return Definition(value["type"], value.get("init_parameters") or {})


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """List a value's mappings, itself and those in lists included, the outer ones first."""
    if isinstance(value, Mapping):
        yield value
        for item in value.values():
            yield from mappings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from mappings(item)


def class_named(value: Mapping[str, Any]) -> str | None:
    """Return the class that a mapping names, by Haystack's own rule of what is a component."""
    name = value.get("type")
    return name if isinstance(name, str) and re.fullmatch(CLASS_PATTERN, name) else None


def class_names(definition: Definition) -> tuple[str, ...]:
    """List every class that a definition names: its own first, then those of components among its parameters."""
    inner = (class_named(inner_definition) for inner_definition in mappings(definition.parameters))
    return tuple(dict.fromkeys((definition.type, *filter(None, inner))))
