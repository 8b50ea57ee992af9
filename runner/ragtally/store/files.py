"""Files that are written atomically."""

from __future__ import annotations

import functools
import io
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ragtally.api import Location, StoreError
from ragtally.support.processes import is_running


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it, and move it into place; a link's or a device's own stays."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        _write_through(path, content)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if path.parent.is_dir():
            temporary.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def _write_through(path: Path, content: bytes) -> None:
    """Write to what is no file: a device, a pipe."""
    try:
        with path.open("wb") as handle:
            handle.write(content)
    except OSError as error:
        raise unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8 (see `write_bytes`)."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON with its keys in the order given, for people and diffs (see `write_bytes`)."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def sweep_parts(folder: Path) -> None:
    """Remove the half-written files that killed processes left in a folder."""
    for part in folder.glob(".*.part"):
        _, _, process = part.stem.rpartition(".")
        if not (process.isdecimal() and is_running(int(process))):
            part.unlink(missing_ok=True)


def link_folder(source: Path, target: Path) -> None:
    """Make a folder of the same files as another's, without copying them where the disk allows it."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copyfile(one, other)

    shutil.copytree(source, target, copy_function=link)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's content last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> StoreError:
    """Word a failure to write."""
    return StoreError(
        f"cannot write: {error.strerror or error}",
        location=Location(str(path)),
        hint="free space, make the folder writable (chmod u+w), or name another one",
    )


# Files up to this size are cached after they are read: many cells read the same few entries.
_SMALL = 1 << 16
_CACHE_SIZE = 512


def write_table(
    path: Path, columns: Mapping[str, Any] | pl.DataFrame, schema: Mapping[str, Any] | None = None
) -> None:
    """Write columns as one Parquet file."""
    frame = columns if isinstance(columns, pl.DataFrame) else pl.DataFrame(columns, schema=schema, strict=True)
    frame.write_parquet(path, compression="zstd", statistics=False)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a Parquet file."""
    status = path.stat()
    names = tuple(columns) if columns else None
    if status.st_size > _SMALL:
        return _table(path, names)
    # A cached frame is never handed out itself: a frame can be changed in place.
    return _kept_table(path, names, status.st_ino, status.st_mtime_ns, status.st_size).clone()


def _table(path: Path, columns: tuple[str, ...] | None) -> pl.DataFrame:
    return pl.read_parquet(path, columns=list(columns) if columns else None, use_statistics=False)


@functools.lru_cache(_CACHE_SIZE)
def _kept_table(path: Path, columns: tuple[str, ...] | None, *_version: int) -> pl.DataFrame:
    return _table(path, columns)


def count_rows(path: Path) -> int:
    """Say how many rows a Parquet file has."""
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def read_rows(path: Path, rows: slice, columns: Sequence[str]) -> pl.DataFrame:
    """Read some rows in a stretch of a Parquet file, and those of the columns that it has."""
    frame = pl.scan_parquet(path, use_statistics=False)
    has = frame.collect_schema().names()
    part = frame.select([name for name in columns if name in has]).slice(rows.start, rows.stop - rows.start)
    return part.collect()


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as `.npy`."""
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def join_arrays(path: Path, parts: Sequence[Path], axis: int = 0) -> None:
    """Write the arrays of some `.npy` files as one, without holding it: what `write_array` would write of it."""
    arrays = [np.load(part, mmap_mode="r", allow_pickle=False) for part in parts]
    shape, dtype = list(arrays[0].shape), arrays[0].dtype
    shape[axis] = sum(array.shape[axis] for array in arrays)
    # How many bytes of each file stand beside each other in the whole, and where they begin.
    sizes = [math.prod(array.shape[axis:]) * dtype.itemsize for array in arrays]
    starts = [part.stat().st_size - array.nbytes for part, array in zip(parts, arrays, strict=True)]
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(shape)}
    with path.open("wb") as whole:
        np.lib.format.write_array_header_1_0(whole, header)
        for turn in range(math.prod(shape[:axis])):
            for part, start, size in zip(parts, starts, sizes, strict=True):
                with part.open("rb") as file:
                    file.seek(start + turn * size)
                    _copy(file, whole, size)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0:
        block = source.read(min(size, 1 << 20))
        if not block:
            raise OSError(f"{source.name} is shorter than it says")
        target.write(block)
        size -= len(block)


def read_array(path: Path) -> NDArray[Any]:
    """Read an `.npy` file, or map it into memory where it is large."""
    status = path.stat()
    if status.st_size <= _SMALL:
        return _kept_array(path, status.st_ino, status.st_mtime_ns, status.st_size)
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


@functools.lru_cache(_CACHE_SIZE)
def _kept_array(path: Path, *_version: int) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    array.flags.writeable = False
    return array


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_result_table(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet for the user, atomically."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=False)
    write_bytes(path, buffer.getvalue())


def write_csv(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns as CSV (RFC 4180), atomically; a missing value is an empty field."""
    write_bytes(path, pl.DataFrame(columns, strict=False).write_csv().encode())
