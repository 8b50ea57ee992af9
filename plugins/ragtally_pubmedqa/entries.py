"""A JSON object too big for memory, read entry by entry, with the line and column of every mistake."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ragtally import DataError, Location
from ragtally.support.unique_keys import RepeatedKeyError, unique_keys

_PIECE_BYTES = 1 << 20
_LONGEST_TOKEN = 16  # a JSON literal, number sign or escape that the end of a piece may cut in two
_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_WORDS = {"[": "a list", '"': "a string", "t": "true", "f": "false", "n": "null"}


class JsonEntries:
    """The entries of the one JSON object in a file, one at a time; memory stays at a few entries."""

    # Standard `json` parses each entry as soon as the pieces read so far hold it whole. ijson, tried instead, writes
    # half a surrogate pair as a question mark, refuses numbers of 20 digits, knows no line numbers, and takes all
    # memory for a file of 100 KB that is nested deeply.

    def __init__(self, path: Path, hint: str) -> None:
        self._path = path
        self._hint = hint
        self._decoder = json.JSONDecoder(object_pairs_hook=unique_keys)
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._handle: BinaryIO
        self._text = ""
        self._start = 0  # where the current entry starts in the text in memory
        self._at = 0
        self._line = 1  # of the first character of the text in memory
        self._column = 1

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield keys with values, in the file's order."""
        try:
            with self._path.open("rb") as self._handle:
                yield from self._entries()
        except OSError as error:
            raise DataError(
                f"cannot read the file: {error.strerror or error}",
                location=Location(str(self._path)),
                hint=self._hint,
            ) from error

    def location(self, key: str | None = None) -> Location:
        """Return the location of the entry yielded last."""
        at = self._start
        if key is not None:
            # A quoted key that a colon follows cannot stand inside a JSON string: its quotes would be escaped.
            match = re.compile(re.escape(json.dumps(key)) + r"[ \t\r\n]*:").search(self._text, at, self._at)
            at = match.start() if match else at
        return self._location_at(at)

    def error(self, message: str, key: str | None = None) -> DataError:
        """An error about the entry that was yielded last."""
        return DataError(message, location=self.location(key), hint=self._hint)

    def _entries(self) -> Iterator[tuple[str, Any]]:
        opening = self._peek()
        if opening != "{":
            content = _JSON_WORDS.get(opening, "no JSON") if opening else "nothing"
            raise self._error_at(f"the file must hold a JSON object; it holds {content}", self._at)
        self._at += 1
        if self._peek() == "}":
            raise self._error_at("the JSON object is empty", self._at)
        keys: set[str] = set()
        closing = ""
        while closing != "}":
            key = self._key()
            if key in keys:
                raise self.error(f"the key {key!r} is given twice")
            keys.add(key)
            yield key, self._value(f"the entry {key!r}")
            closing = self._expect(",}", f"the entry {key!r}")
        if self._peek() or self._utf8.getstate()[0]:
            raise self._error_at("there is more text after the end of the JSON object", self._at)

    def _key(self) -> str:
        if self._peek() not in ('"', ""):
            raise self._error_at("not valid JSON: here a key in double quotes must stand", self._at)
        self._start = self._at
        key = str(self._value("an entry"))
        self._expect(":", f"the key {key!r}")
        self._peek()
        return key

    def _value(self, what: str) -> Any:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                is_open_string = error.msg.startswith("Unterminated string")
                near_end = error.pos >= len(self._text) - _LONGEST_TOKEN
                if (is_open_string or near_end) and self._fill():
                    continue
                if is_open_string or error.pos >= len(self._text.rstrip()):
                    raise self._cut_off(what) from error
                raise self._error_at(f"not valid JSON: {error.msg}", error.pos) from error
            except RepeatedKeyError as error:
                raise self.error(f"{what} has the key {error.key!r} twice", error.key) from error
            except (ValueError, RecursionError) as error:
                raise self.error(f"{what} cannot be read: {error}") from error
            if end >= len(self._text) - _LONGEST_TOKEN and self._fill():
                continue  # a number that ends with the piece may go on in the next: 12|34, 1.|5
            self._at = end
            return value

    def _expect(self, characters: str, what: str) -> str:
        character = self._peek()
        if not character:
            raise self._cut_off(what)
        if character not in characters:
            choices = " or ".join(repr(each) for each in characters)
            raise self._error_at(f"not valid JSON: after {what} must come {choices}", self._at)
        self._at += 1
        return character

    def _peek(self) -> str:
        """Go to the next character that is no white space and return it; an empty text at the file's end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def _fill(self) -> bool:
        """Drop the entries before the current one and read on, at least as much as is in memory."""
        piece = self._handle.read(max(_PIECE_BYTES, len(self._text) - self._start))
        if not piece:
            return False
        here = self._location_at(self._start)
        self._line, self._column = here.line or 1, here.column or 1
        self._text = self._text[self._start :]
        self._at -= self._start
        self._start = 0
        try:
            self._text += self._utf8.decode(piece)
        except UnicodeDecodeError as error:
            self._text += error.object[: error.start].decode("utf-8")
            raise self._error_at(f"the file is not UTF-8 text: {error.reason}", len(self._text)) from error
        return True

    def _location_at(self, position: int) -> Location:
        lines = self._text.count("\n", 0, position)
        column = position - self._text.rfind("\n", 0, position) if lines else self._column + position
        return Location(str(self._path), self._line + lines, column)

    def _error_at(self, message: str, position: int) -> DataError:
        return DataError(message, location=self._location_at(position), hint=self._hint)

    def _cut_off(self, what: str) -> DataError:
        return self._error_at(f"the file is cut off: it ends in the middle of {what}", len(self._text))
