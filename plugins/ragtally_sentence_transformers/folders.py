"""Where a model is: a folder here, or a name on the hub."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from ragtally import DataError, Location, file_hash

# The file that says how a model makes one vector of many tokens.
MODULES = "modules.json"


def folder_of(model: str) -> Path | None:
    """Tell a folder from a name on the hub, by its looks alone."""
    return Path(model).expanduser() if model.startswith((".", "/", "~")) else None


def content_hash(folder: Path) -> str:
    """Hash a model: the names and contents of its files, hidden ones left out."""
    try:
        files = sorted(
            path
            for path in folder.rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        )
        stats = [(path.relative_to(folder).as_posix(), path, path.stat()) for path in files]
        names = tuple((name, str(path), stat.st_size, stat.st_mtime_ns) for name, path, stat in stats)
        if MODULES not in [name for name, *_ in names]:
            raise no_model(folder)
        return _hash(names)
    except OSError as error:
        raise DataError(f"the model cannot be read: {error.strerror}", location=Location(str(folder))) from error


def no_model(folder: Path) -> DataError:
    """Say that a folder holds no model of sentence-transformers."""
    if not folder.is_dir():
        return DataError("there is no such folder with a model", location=Location(str(folder)), hint="check `model`")
    return DataError(
        f"the folder holds no model of sentence-transformers: it has no {MODULES}",
        location=Location(str(folder)),
        hint="write one with SentenceTransformer(...).save(folder)",
    )


@functools.cache
def _hash(names: tuple[tuple[str, str, int, int], ...]) -> str:
    """Hash files once as long as their sizes and times stay: every address of a study asks for it."""
    digest = hashlib.blake2b(digest_size=20)
    for name, path, *_ in names:
        digest.update(f"{name}\0{file_hash(Path(path))}\n".encode())
    return digest.hexdigest()
