"""A document that is put together piece by piece, and what is said of a file that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ragtally import Conversion, ConversionError, FileDocument, Part

# Half of a surrogate pair is no character, and a zero byte none that anybody wrote; PDF and JSON may hold both.
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(slots=True)
class _Mark:
    kind: str
    name: str
    start: int = -1
    end: int = -1


class DocumentBuilder:
    """Collects pieces of text, with a gap between any two, and notes where parts begin and end."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._gap = ""  # What at least stands before the next piece
        self._marks: list[_Mark] = []
        self._open: list[_Mark] = []

    def add(self, text: str, gap: str = "\n") -> None:
        """Add a piece of text, without the white space around it; none where there is no more than that."""
        text = _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", text).strip()
        if not text:
            return
        gap = max(gap, self._gap, key=len) if self._length else ""
        self._pieces += (gap, text)
        for mark in self._open:
            if mark.start < 0:
                mark.start = self._length + len(gap)
        self._length += len(gap) + len(text)
        self._gap = ""

    @contextmanager
    def part(self, kind: str, name: object, gap: str = "\n\n") -> Iterator[None]:
        """Have what is added meanwhile be a part, if there is anything."""
        mark = _Mark(kind, str(name))
        self._marks.append(mark)
        self._open.append(mark)
        self._gap = max(gap, self._gap, key=len)
        yield
        self._open.pop()
        mark.end = self._length
        self._gap = max(gap, self._gap, key=len)

    @property
    def text(self) -> str:
        """What was added so far."""
        return "".join(self._pieces)

    def conversion(
        self, path: Path, left_out: Mapping[str, int] | None = None, people: Sequence[str] = ()
    ) -> Conversion:
        """The document as the only one of its file; it must have words."""
        if not self._length:
            raise without_words(path)
        counts = {what: count for what, count in (left_out or {}).items() if count}
        return Conversion([self.document()], counts, people)

    def document(self, name: str = "") -> FileDocument:
        """The document, as one of several of its file where it has a name."""
        parts = [Part(mark.kind, mark.name, mark.start, mark.end) for mark in self._marks if mark.start >= 0]
        return FileDocument(self.text, parts, name)


def without_words(path: Path) -> ConversionError:
    """An error about a file in which there is nothing to read."""
    return ConversionError("empty", path, "the file holds no text", hint="remove it, or get it again")


def missing_package(path: Path, package: str) -> ConversionError:
    """An error about a package that is not installed."""
    message = f"this needs the package {package}, which is not installed"
    return ConversionError("package missing", path, message, hint="pip install 'ragtally[documents]'")


def damage(path: Path, error: BaseException) -> ConversionError:
    """An error about a file that its library cannot read."""
    message = f"the file cannot be read: {type(error).__name__}: {str(error)[:200]}"
    return ConversionError("damaged", path, message, hint="get the file again, or open it in its program and save it")
