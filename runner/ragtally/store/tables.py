"""Columns and arrays as files: Parquet, NumPy and JSON, the same bytes for the same content."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.store.files import write_bytes

# Files of at most so many bytes are kept once they were read: many cells read the same few entries.
_SMALL = 1 << 16
_KEPT = 512


def write_table(
    path: Path, columns: Mapping[str, Any] | pl.DataFrame, schema: Mapping[str, Any] | None = None
) -> None:
    """Write columns as one Parquet file."""
    frame = columns if isinstance(columns, pl.DataFrame) else pl.DataFrame(columns, schema=schema, strict=True)
    frame.write_parquet(path, compression="zstd", statistics=False)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a Parquet file."""
    status = path.stat()
    wanted = tuple(columns) if columns else None
    if status.st_size > _SMALL:
        return _table(path, wanted)
    # What is kept is never handed out itself: a frame can be changed in place.
    return _kept_table(path, wanted, status.st_ino, status.st_mtime_ns, status.st_size).clone()


def _table(path: Path, columns: tuple[str, ...] | None) -> pl.DataFrame:
    return pl.read_parquet(path, columns=list(columns) if columns else None, use_statistics=False)


@functools.lru_cache(_KEPT)
def _kept_table(path: Path, columns: tuple[str, ...] | None, *_version: int) -> pl.DataFrame:
    return _table(path, columns)


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as `.npy`."""
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def read_array(path: Path) -> NDArray[Any]:
    """Read an `.npy` file, or map it into memory where it is large."""
    status = path.stat()
    if status.st_size <= _SMALL:
        return _kept_array(path, status.st_ino, status.st_mtime_ns, status.st_size)
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


@functools.lru_cache(_KEPT)
def _kept_array(path: Path, *_version: int) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    array.flags.writeable = False
    return array


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_result_table(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet for the user, whole or not at all."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=False)
    write_bytes(path, buffer.getvalue())


def write_csv(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns as CSV (RFC 4180), whole or not at all; a missing value is an empty field."""
    write_bytes(path, pl.DataFrame(columns, strict=False).write_csv().encode())
