"""A component picked by name, with its parameters filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ragtally.api.address import canonical_json


@dataclass(frozen=True)
class Choice:
    """One component picked in a spec: `{words: {size: 64}}` after defaults are filled in.

    Attributes:
        kind: The kind of component, such as `"chunker"`.
        name: The component's name, such as `"words"`.
        parameters: Every parameter by name, JSON-able, except that a parameter that is itself a component
            is a `Choice` (the `embedder` of a dense retriever, say), and one that lists components a tuple of
            `Choice`.
    """

    kind: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.parameters:
            return self.name
        inner = ", ".join(f"{key}={_show(value)}" for key, value in self.parameters.items())
        return f"{self.name}({inner})"

    @cached_property
    def key(self) -> str:
        """The choice as text that only the very same choice has, for look-ups: `size: 1` is not `size: 1.0`."""
        return canonical_json(plain(self))

    def inner(self, kind: str) -> tuple[Choice, ...]:
        """List the components of a kind among the parameters, in order, items of lists included.

        Args:
            kind: The kind.

        Returns:
            The components.
        """
        choices: list[Choice] = []
        for value in self.parameters.values():
            items = value if isinstance(value, tuple) else (value,)
            choices.extend(item for item in items if isinstance(item, Choice) and item.kind == kind)
        return tuple(choices)


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_show, value))}]"
    return value if isinstance(value, str) else str(value)


def plain(value: Any) -> Any:
    """Write a parameter's value with the choices in it as JSON-able data, which only the very same value has."""
    if isinstance(value, Choice):
        return {"choice": [value.kind, value.name, {key: plain(item) for key, item in value.parameters.items()}]}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def read_plain(value: Any) -> Any:
    """Read a parameter's value that `plain` wrote, from JSON too."""
    if isinstance(value, dict) and value.keys() == {"choice"}:
        kind, name, parameters = value["choice"]
        return Choice(kind, name, {key: read_plain(item) for key, item in parameters.items()})
    if isinstance(value, list) and any(isinstance(item, dict) and item.keys() == {"choice"} for item in value):
        return tuple(map(read_plain, value))
    return value
