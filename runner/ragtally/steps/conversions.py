"""What converters made of a dataset's files, on its way from the pieces of `prepare` to the whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Conversion, ConversionError, FileDocument, Part, file_hash
from ragtally.store import write_table

_FILE = "conversions.parquet"
_SCHEMA = {"file": pl.String, "content": pl.String, "conversion": pl.String}

Convert = Callable[[Path], Conversion]


class Conversions:
    """What comes of some files."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str]] = []

    def add(self, paths: Iterable[Path], convert: Convert) -> None:
        """Convert files; those that are missing or cannot be read are left out."""
        for path in paths:
            # Why one cannot be read may pass, as a package that is not installed: so that is not kept.
            with suppress(OSError, ConversionError):
                content = file_hash(path)
                data = json.dumps(_as_data(convert(path)), ensure_ascii=False)
                self._rows.append((str(path), content, data))

    def write(self, folder: Path) -> None:
        """Write them for `stored_conversions`."""
        write_table(folder / _FILE, pl.DataFrame(self._rows, schema=_SCHEMA, orient="row"))


def stored_conversions(folders: Sequence[Path], convert: Convert) -> Convert:
    """Convert by looking up what was written; a file that was left out, or was another one, by `convert`."""
    frames = [pl.read_parquet(folder / _FILE) for folder in folders]
    stored = {file: (content, conversion) for frame in frames for file, content, conversion in frame.iter_rows()}

    def look_up(path: Path) -> Conversion:
        content, conversion = stored.pop(str(path), ("", ""))
        return _from_data(json.loads(conversion)) if content and file_hash(path) == content else convert(path)

    return look_up


def _as_data(conversion: Conversion) -> dict[str, Any]:
    documents = [
        {
            "text": document.text,
            "parts": [[part.kind, part.name, int(part.start), int(part.end)] for part in document.parts],
            "name": document.name,
        }
        for document in conversion.documents
    ]
    left_out = {what: int(count) for what, count in conversion.left_out.items()}
    return {"documents": documents, "left_out": left_out, "people": list(conversion.people)}


def _from_data(data: Mapping[str, Any]) -> Conversion:
    documents = [
        FileDocument(each["text"], [Part(*part) for part in each["parts"]], each["name"])
        for each in data["documents"]
    ]
    return Conversion(documents, data["left_out"], data["people"])
