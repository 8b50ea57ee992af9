"""What files were written from: they are not worked out again while neither they nor that has changed."""

from __future__ import annotations

import json
import os
import site
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ragtally.registry import Registry
from ragtally.store import Store, write_json

FOLDER = "outputs"
"""The folder in the store; it can be deleted at any time: the files are then written once more."""


def update_outputs(
    store: Store, folder: Path, name: str, origin: Mapping[str, Any], write: Callable[[], object]
) -> None:
    """Let `write` write files into a folder, unless they stand there as it wrote them from the same `origin`."""
    place = sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    record = store.root / FOLDER / f"{place}-{name}.json"
    origin_hash = sha256(json.dumps(origin, sort_keys=True, default=str).encode()).hexdigest()
    before = file_states(folder)
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["origin"] == origin_hash and known["files"] and known["files"].items() <= before.items():
            return
    # Killed while it writes, nothing says any more that the files are whole.
    record.unlink(missing_ok=True)
    write()
    # Failures that the next run tries again are not what the addresses in an origin promise.
    if not store.has_provisional:
        files = {path: state for path, state in file_states(folder).items() if before.get(path) != state}
        write_json(record, {"folder": str(folder.resolve()), "origin": origin_hash, "files": files})


def software(registry: Registry) -> str:
    """A hash of what computes and writes: the engine's and the plugins' files, and the packages installed."""
    digest = sha256(sys.version.encode())
    for folder in site.getsitepackages():
        with suppress(OSError):
            # Names such as `polars-1.30.0.dist-info`.
            digest.update(repr(sorted(path.name for path in Path(folder).glob("*-info"))).encode())
    for path in sorted(path for _, path in source_files(registry)):
        with suppress(OSError):
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def source_files(registry: Registry) -> Iterator[tuple[str, Path]]:
    """The source files of the engine and of every plugin, and what lies beside them, each with its package's name."""
    names = {"ragtally", *(entry.plugin.partition(".")[0] for entry in registry.all())}
    modules = (sys.modules.get(name) for name in names)
    files = {Path(module.__file__) for module in modules if module is not None and module.__file__}
    own = {path.parent if path.name == "__init__.py" else path for path in files}
    # Plugins share code with siblings that offer no component themselves.
    for place in own.union(*(path.parent.glob("ragtally*") for path in own)):
        if place.is_file():
            yield place.stem, place
        for folder, _, names_inside in os.walk(place):
            if not folder.endswith("__pycache__"):
                yield from ((place.stem, Path(folder) / name) for name in names_inside)


def file_states(folder: Path) -> dict[str, Sequence[int]]:
    """Size and time of each file below a folder, by its path there."""
    stats = {path: path.stat() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        path.relative_to(folder).as_posix(): [status.st_size, status.st_mtime_ns] for path, status in stats.items()
    }
