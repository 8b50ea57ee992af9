"""A spec as written: its data, and the place of every key and value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ragtally.api import Location, RagtallyError, SpecError, raise_all

# What a scalar in a spec can be.
Scalar = str | int | float | bool | None

# The largest whole number that a spec may hold; what calculates with it uses 64 bits.
LARGEST = 2**63 - 1

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_DECIMAL = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", re.ASCII)


def resolve_plain(text: str) -> Scalar:
    """Say what an unquoted word means."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        # Python refuses to read thousands of digits; what is that long is too large anyway.
        return int(text) if len(text) <= 20 and abs(int(text)) <= LARGEST else float("inf")
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text


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
        match = self._walk(path)
        return match.node.location if match.whole else match.key

    def key_place(self, path: PathOf) -> Location:
        """Say where a key stands (in a list: where the item starts)."""
        return self._walk(path).key

    def places(self) -> dict[str, Location]:
        """List the places of all keys and list items by dotted path, as in `grid.retriever.0`."""
        return dict(_places(self.root, ""))

    def _walk(self, path: PathOf) -> _Walk:
        node, key = self.root, self.root.location
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                key, node = node.value[str(step)]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                key = node.location
            else:
                return _Walk(key, node, False)
        return _Walk(key, node, True)


class _Walk(NamedTuple):
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


# How many keys and values a spec may hold once its aliases are written out.
MAX_NODES = 20_000
# How deep lists and mappings may be nested.
MAX_DEPTH = 50


@dataclass
class _Anchor:
    node: Node | None
    size: int


class Composer:
    """Composes one text."""

    def __init__(self, text: str, file: str) -> None:
        self.errors: list[RagtallyError] = []
        self._file = file
        self._lines = max(1, len(text.splitlines()))
        self._text = text
        self._anchors: dict[str, _Anchor] = {}
        self._size = 0
        self._events = self._parse(text)

    def document(self) -> Node | None:
        """Compose the one document."""
        root: Node | None = None
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if root is not None:
                raise SpecError(
                    "a second document starts here",
                    location=self._place(event.start_mark),
                    hint="one file is one spec: remove the line ---",
                )
            root = self._node(next(self._events), 0)
        return root

    def _parse(self, text: str) -> Iterator[Any]:
        try:
            yield from yaml.parse(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            location = self._place(error.problem_mark or error.context_mark)
            problem = error.problem or "this is not YAML"
            message = f"not valid YAML: {problem}" + (f" ({error.context})" if error.context else "")
            raise SpecError(message, location=location, hint=_syntax_hint(problem)) from error
        except yaml.reader.ReaderError as error:
            before = text[: error.position]
            location = Location(self._file, before.count("\n") + 1, len(before) - before.rfind("\n"))
            raise SpecError(
                f"the character U+{ord(text[error.position]):04X} is not allowed", location=location
            ) from error

    def _node(self, event: Any, depth: int) -> Node:
        location = self._place(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), location)
        self._count(1, location, "the spec holds too much")
        if depth > MAX_DEPTH:
            raise SpecError(f"more than {MAX_DEPTH} levels of lists and mappings", location=location)
        if event.tag is not None:
            self._fault(
                "tags are not supported", location, f"remove {event.tag!r}; text that looks like a number: '12'"
            )
        anchor = event.anchor
        start = self._size
        if anchor is not None:
            if anchor in self._anchors:
                self._fault(f"the anchor &{anchor} is set a second time", location, "give it another name")
            self._anchors[anchor] = _Anchor(None, 0)
        node = Node(location, self._value(event, location, depth))
        if anchor is not None:
            self._anchors[anchor] = _Anchor(node, self._size - start + 1)
        return node

    def _value(self, event: Any, location: Location, depth: int) -> Scalar | list[Node] | dict[str, Entry]:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, location)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            return items
        entries: dict[str, Entry] = {}
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            key = self._node(inner, depth + 1)
            node = self._node(next(self._events), depth + 1)
            if (name := self._key(key, inner, entries)) is not None:
                entries[name] = Entry(key.location, node)
        return entries

    def _key(self, key: Node, event: Any, entries: dict[str, Entry]) -> str | None:
        if not isinstance(key.value, str):
            kind = "a list or mapping" if isinstance(key.value, (list, dict)) else f"{getattr(event, 'value', '')!r}"
            self._fault(f"a key must be text, not {kind}", key.location, "put it in quotes if it is a name")
            return None
        if key.value == "<<" and isinstance(event, yaml.ScalarEvent) and event.style is None:
            self._fault(
                "merge keys (<<) are not supported", key.location, "write the keys out, or use an alias as value"
            )
            return None
        if key.value in entries:
            first = entries[key.value].location
            self._fault(
                f"the key {key.value!r} is there twice; the first is on line {first.line}", key.location, "remove one"
            )
            return None
        return key.value

    def _scalar(self, event: Any, location: Location) -> Scalar:
        if event.style is not None:
            text = str(event.value)
            if not text.isascii() and any(unicodedata.category(sign) == "Cs" for sign in text):
                self._fault("the text holds half of a character (of a surrogate pair)", location, "write it whole")
                return text.encode("utf-8", "replace").decode()
            return text
        value = resolve_plain(event.value)
        if isinstance(value, float) and abs(value) == float("inf"):
            self._fault("the number is too large", location, f"the largest is {LARGEST}; quote it if it is text")
            return str(event.value)
        return value

    def _alias(self, name: str, location: Location) -> Node:
        anchor = self._anchors.get(name)
        if anchor is None:
            raise SpecError(
                f"the alias *{name} is not defined", location=location, hint=f"mark a value before it: &{name}"
            )
        if anchor.node is None:
            raise SpecError(f"the alias *{name} is used inside its own value", location=location, hint="write it out")
        self._count(anchor.size, location, f"the alias *{name} makes the spec too large")
        return replace(anchor.node, location=location)

    def _count(self, size: int, location: Location, message: str) -> None:
        self._size += size
        if self._size > MAX_NODES:
            hint = f"a spec may hold {MAX_NODES} keys and values once its aliases are written out"
            raise SpecError(message, location=location, hint=hint)

    def _fault(self, message: str, location: Location, hint: str) -> None:
        self.errors.append(SpecError(message, location=location, hint=hint))

    def _place(self, mark: Any) -> Location:
        if mark is None:
            return Location(self._file, 1, 1)
        if mark.line >= self._lines:
            # What is missing at the end is said to be missing after the last character.
            last = self._text.splitlines()[-1] if self._text.strip() else ""
            return Location(self._file, self._lines, len(last) + 1)
        return Location(self._file, mark.line + 1, mark.column + 1)


def _syntax_hint(problem: str) -> str | None:
    hints = {
        "\\t": "indent with spaces; a tab cannot indent YAML",
        "mapping values are not allowed": "one key a line; quote a value that holds a colon and a space",
        "expected ':'": "a key is followed by a colon and a space",
        "<block end>": "keys of one mapping start in the same column; close every quote and bracket",
        "expected ',' or": "a bracket or brace is not closed, or a comma is missing",
        "end of stream": "a quote, bracket or brace is not closed",
    }
    return next((hint for part, hint in hints.items() if part in problem), None)


# How large a spec may be; the largest in use have a few kilobytes.
MAX_BYTES = 256 * 1024


def read_document(path: str | Path) -> Document:
    """Read a spec file."""
    return parse_document(_text(Path(path), str(path)), str(path))


def parse_document(text: str, file: str) -> Document:
    """Read a spec's text."""
    composer = Composer(text, file)
    try:
        root = composer.document()
    except SpecError as error:
        raise_all(sorted([*composer.errors, error], key=_by_place))
        raise
    hint = "a spec starts like this: study: my-study"
    if root is None or root.value is None:
        raise SpecError("the file is empty", location=Location(file, 1, 1), hint=hint)
    if not isinstance(root.value, dict):
        what = "a list" if isinstance(root.value, list) else "a single value"
        raise SpecError(f"a spec is a mapping of keys to values, not {what}", location=root.location, hint=hint)
    return Document(file, root, tuple(composer.errors))


def _by_place(error: RagtallyError) -> tuple[int, int]:
    location = error.location
    return (location.line or 0, location.column or 0) if location else (0, 0)


def _text(path: Path, file: str) -> str:
    location = Location(file)
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        folder = path.parent
        near = sorted(str(other) for end in ("*.yaml", "*.yml") for other in folder.glob(end))
        hint = f"there is: {', '.join(near[:10])}" if near else None
        raise SpecError("there is no such file", location=location, hint=hint) from error
    except IsADirectoryError as error:
        raise SpecError(
            "this is a folder, not a spec", location=location, hint=f"name a file in it: {file}/..."
        ) from error
    except OSError as error:
        raise SpecError(f"the file cannot be read: {error.strerror}", location=location) from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"the file is larger than {MAX_BYTES // 1024} KiB: that is no spec", location=location)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        where = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise SpecError("the file is not UTF-8 text", location=where, hint="save it as UTF-8") from error


def in_one_line(value: Any) -> str:
    """Write a value as a spec would, in one line of YAML."""
    # What is no mapping ends with the end of the document.
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").rstrip("\n")
