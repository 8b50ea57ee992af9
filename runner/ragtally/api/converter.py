"""The contract of a converter: a file of the user's becomes documents with text and the parts that it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from ragtally.api.errors import DataError, Location

Unreadable = Literal[
    "cannot be opened",
    "cut off",
    "damaged",
    "empty",
    "encrypted",
    "no text layer",
    "package missing",
    "too large",
    "unknown encoding",
    "unknown kind of file",
]
"""Why a file cannot be read."""


@dataclass(frozen=True, slots=True)
class ConverterTraits:
    """What the engine must know of a converter before it is built.

    Attributes:
        extensions: The ends of the names of the files that it reads, in lower case with their dot: `(".pdf",)`.
    """

    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file: where in the document's text it stands.

    Attributes:
        kind: What it is: `page`, `slide`, `sheet`, `row`, `section`, `message`, ...
        name: What the file or its reader calls it: the page's number from 1, the sheet's name, the heading.
        start: Character offset of its first character.
        end: Character offset just past its last one.
    """

    kind: str
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FileDocument:
    """One document of a file.

    Attributes:
        text: Its whole text.
        parts: Its parts, ordered by start, and those that hold others before these. They may lie within one another
            (rows in a sheet), but do not overlap otherwise; none is empty. Text outside of all parts is allowed.
        name: What tells it from the file's other documents; empty where it is the only one.
    """

    text: str
    parts: Sequence[Part] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What comes of one file.

    Attributes:
        documents: One or more.
        left_out: How much of the file is in none of them, by what it is: `{"attachments of messages": 2}`.
        people: Names that the file says to be people's, such as the senders of its messages.
    """

    documents: Sequence[FileDocument]
    left_out: Mapping[str, int] = field(default_factory=dict)
    people: Sequence[str] = ()


class ConversionError(DataError):
    """A file cannot be read, for a reason that can be counted.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: Unreadable, path: Path, message: str, *, hint: str, line: int | None = None) -> None:
        super().__init__(message, location=Location(str(path), line), hint=hint)
        self.reason = reason


@runtime_checkable
class Converter(Protocol):
    """Reads files. Reading one is never more than that: no macro is run, no link followed, nothing fetched.

    Attributes:
        extensions: The ends of names that it reads, as its traits say.
    """

    extensions: tuple[str, ...]

    def convert(self, path: Path) -> Conversion:
        """Read one file; the same file gives the same documents.

        Args:
            path: The file.

        Returns:
            Its documents. At least one of them has words.

        Raises:
            ConversionError: If the file cannot be read, or has no words. A file is never left out in silence.
        """
        ...
