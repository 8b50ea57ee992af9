"""A spec as written: its data, and the place of every key and value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ragtally.api import Location, RagtallyError
from ragtally.spec.scalars import Scalar

Step = str | int
# Where in the data something is: keys of mappings and positions in lists, from the outside in.
PathOf = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place."""

    location: Location  # Where the value starts
    value: Scalar | list[Node] | dict[str, Entry]  # A scalar, a list of nodes, or a mapping of entries by key

    def plain(self) -> Any:
        """Give the value without places: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class Entry(NamedTuple):
    """One key of a mapping."""

    location: Location  # Where the key stands
    node: Node  # Its value


@dataclass(frozen=True)
class Document:
    """A spec as written."""

    file: str  # The path as the user typed it
    root: Node  # The top value
    # What is wrong with it, as far as reading could go on: repeated keys, tags, keys that are no text.
    errors: tuple[RagtallyError, ...] = ()

    def value_place(self, path: PathOf) -> Location:
        """Say where a value starts."""
        found = self._walk(path)
        return found.node.location if found.whole else found.key

    def key_place(self, path: PathOf) -> Location:
        """Say where a key stands (in a list: where the item starts)."""
        return self._walk(path).key

    def places(self) -> dict[str, Location]:
        """List the places of all keys and list items by dotted path, as in `grid.retriever.0`."""
        return dict(_places(self.root, ""))

    def _walk(self, path: PathOf) -> _Found:
        node, key = self.root, self.root.location
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                key, node = node.value[str(step)]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                key = node.location
            else:
                return _Found(key, node, False)
        return _Found(key, node, True)


class _Found(NamedTuple):
    key: Location
    node: Node
    whole: bool


def _places(node: Node, prefix: str) -> Iterator[tuple[str, Location]]:
    if isinstance(node.value, dict):
        for key, entry in node.value.items():
            yield prefix + key, entry.location
            yield from _places(entry.node, f"{prefix}{key}.")
    elif isinstance(node.value, list):
        for index, item in enumerate(node.value):
            yield f"{prefix}{index}", item.location
            yield from _places(item, f"{prefix}{index}.")
