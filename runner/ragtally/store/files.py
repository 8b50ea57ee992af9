"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragtally.api import Location, StoreError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it, and move it into place."""
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


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8 (see `write_bytes`)."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON with its keys in the order given, for people and diffs (see `write_bytes`)."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def sweep_parts(folder: Path) -> None:
    """Remove the half-written files that killed processes left in a folder."""
    for part in folder.glob(".*.part"):
        if not alive(part.name.split(".")[-2]):
            part.unlink(missing_ok=True)


def alive(process: str) -> bool:
    """Tell whether a process of this machine lives."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


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
