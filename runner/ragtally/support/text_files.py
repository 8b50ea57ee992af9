"""Text files in the encodings that people have: UTF-8, UTF-16, and what older Windows programs write."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from ragtally.api import ConversionError

ENCODINGS = ("auto", "utf-8", "utf-16", "windows-1252", "iso-8859-15", "mac-roman")
"""The encodings that a file may be said to have; `auto` finds out."""

# What two bytes of a letter in UTF-8 look like when each is read as a letter of its own: in a file that is not UTF-8
# as a whole, they show that two encodings are mixed.
_UTF8_LETTER = re.compile(rb"[\xc3-\xc5][\x80-\xbf]")
_SAMPLE = 4_096


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Args:
        path: The file.

    Returns:
        Its bytes, at least one.

    Raises:
        ConversionError: If it cannot be opened, or is empty.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConversionError(
            "cannot be opened",
            path,
            f"the file cannot be opened: {error.strerror or error}",
            hint="look at its path and permissions",
        ) from error
    if not data:
        raise ConversionError("empty", path, "the file is empty", hint="remove it, or get it again")
    return data


def read_text(path: Path, encoding: str = "auto") -> str:
    """Read a text file.

    Args:
        path: The file.
        encoding: One of `ENCODINGS`.

    Returns:
        Its text, with plain line feeds and without a byte order mark.

    Raises:
        ConversionError: If it cannot be opened, is empty, or is in another encoding.
    """
    text = decode(read_bytes(path), path, encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode(data: bytes, path: Path, encoding: str = "auto") -> str:
    """Decode the bytes of a text file.

    Without a byte order mark or a stated encoding they are UTF-8, UTF-16 where every other byte is zero, or else
    Windows-1252, which is what European Excel writes; never a mixture.

    Args:
        data: The bytes.
        path: The file, for errors.
        encoding: One of `ENCODINGS`.

    Returns:
        The text, without a byte order mark.

    Raises:
        ConversionError: If the bytes are in another encoding.
    """
    if encoding != "auto":
        name = "utf-8-sig" if encoding == "utf-8" else encoding
        return _decode(data, path, name, f"the file is no {encoding}", "state another `encoding`, or leave it out")
    if data.startswith(codecs.BOM_UTF8):
        return _decode(data, path, "utf-8-sig", "the file begins as UTF-8 and is not", "save it as UTF-8 again")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode(data, path, "utf-16", "the file begins as UTF-16 and is not", "save it as UTF-8")
    zeros = [data[:_SAMPLE][first::2].count(0) for first in (0, 1)]
    if any(zeros):
        # Western text in UTF-16 has a zero as every other byte; anything else with zeros is no text.
        if max(zeros) < min(len(data), _SAMPLE) // 4 or min(zeros):
            raise ConversionError(
                "damaged", path, "this is no text: it holds zero bytes", hint="save it as text, in UTF-8"
            )
        name = "utf-16-be" if zeros[0] else "utf-16-le"
        return _decode(data, path, name, "the file looks like UTF-16 and is not", "save it as UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if _UTF8_LETTER.search(data):
            raise ConversionError(
                "unknown encoding", path, "the file mixes UTF-8 with another encoding", line=line,
                hint="save it as UTF-8; or state `encoding: windows-1252`, if its letters are right in that",
            ) from error  # fmt: skip
    message = "the file is neither UTF-8 nor Windows-1252"
    return _decode(data, path, "windows-1252", message, "save it as UTF-8, or state its `encoding`")


def _decode(data: bytes, path: Path, encoding: str, message: str, hint: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConversionError("unknown encoding", path, message, hint=hint, line=line) from error
