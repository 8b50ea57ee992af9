"""What converters made of a dataset's files, on its way from the pieces of `prepare` to the whole."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from ragtally.api import Conversion, ConversionError, FileDocument, Part, file_hash
from ragtally.store import write_table

_FILE = "conversions.parquet"
_SCHEMA = {"file": pl.String, "content": pl.String, "outcome": pl.String}

Convert = Callable[[Path], Conversion]


def write_conversions(folder: Path, paths: Iterable[Path], convert: Convert) -> None:
    """Convert files and write what comes of each, or why it cannot be read; one that is not there is left out."""
    rows: list[tuple[str, str, str]] = []
    for path in paths:
        with suppress(OSError):
            content = file_hash(path)
            rows.append((str(path), content, json.dumps(_outcome(path, convert), ensure_ascii=False)))
    write_table(folder / _FILE, pl.DataFrame(rows, schema=_SCHEMA, orient="row"))


def stored_conversions(folders: Sequence[Path], convert: Convert) -> Convert:
    """Convert by looking up what was written; of a file that is not there, or was another one, by `convert`."""
    frames = [pl.read_parquet(folder / _FILE) for folder in folders]
    outcomes = {file: (content, outcome) for frame in frames for file, content, outcome in frame.iter_rows()}

    def look_up(path: Path) -> Conversion:
        content, outcome = outcomes.pop(str(path), ("", ""))
        if not outcome or file_hash(path) != content:
            return convert(path)
        return _conversion(path, json.loads(outcome))

    return look_up


def _outcome(path: Path, convert: Convert) -> dict[str, Any]:
    try:
        return dataclasses.asdict(convert(path))
    except ConversionError as error:
        line = error.location and error.location.line
        return {"reason": error.reason, "message": error.message, "hint": error.hint, "line": line}


def _conversion(path: Path, outcome: dict[str, Any]) -> Conversion:
    if "reason" in outcome:
        raise ConversionError(path=path, **outcome)
    documents = [
        FileDocument(each["text"], [Part(**part) for part in each["parts"]], each["name"])
        for each in outcome["documents"]
    ]
    return Conversion(documents, outcome["left_out"], outcome["people"])
