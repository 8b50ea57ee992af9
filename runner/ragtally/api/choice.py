"""A component picked by name, with its parameters filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
