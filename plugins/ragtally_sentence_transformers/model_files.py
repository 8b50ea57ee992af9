"""Where the files of a model are: in a folder of the user's, or in the cache of the Hugging Face hub."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ragtally import DataError, Finding, Location, Progress
from ragtally.support.local_models import (
    ModelFiles,
    download_command,
    file_hashes,
    is_offline,
    missing_error,
    package_finding,
)

# The file that says how a model makes one vector of many tokens.
MODULES = "modules.json"
# It alone is downloaded before a run, for its commit: where all vectors are in the store, no model is needed.
_FIRST_FILE = ModelFiles(required=(MODULES,))


def folder_of(model: str) -> Path | None:
    """Return the folder that a model's name is a path of; None for a name on the hub, judged by its form alone."""
    return Path(model).expanduser() if model.startswith((".", "/", "~")) else None


def require_model(folder: Path) -> Path:
    """Make sure that a folder holds a model of sentence-transformers."""
    if not folder.is_dir():
        raise DataError("there is no such folder with a model", location=Location(str(folder)), hint="check `model`")
    if _FIRST_FILE.missing_from(folder):
        raise DataError(
            f"the folder holds no model of sentence-transformers: it has no {MODULES}",
            location=Location(str(folder)),
            hint="write one with SentenceTransformer(...).save(folder)",
        )
    return folder


def commit_of(name: str, revision: str | None) -> str:
    """Look up which commit of a model the hub's cache holds; asks no server."""
    folder = _FIRST_FILE.in_cache(name, revision)
    if folder is None:
        raise missing_error(name, revision)
    return folder.name


def pin(name: str, revision: str | None, progress: Progress = lambda *_: None) -> str:
    """Ask the hub which commit a revision is, unless its cache has one."""
    if _FIRST_FILE.in_cache(name, revision) is None:
        progress(f"{name}: asking the hub for its commit", None, None)
        _FIRST_FILE.download(name, revision)
        if _FIRST_FILE.in_cache(name, revision) is None:
            raise DataError(
                f"{name} is no model of sentence-transformers: it has no {MODULES}", hint="choose one that has"
            )
    return commit_of(name, revision)


def fingerprint(name: str, revision: str | None) -> str:
    """Identify a model: by name and commit, or by the content of its files."""
    folder = folder_of(name)
    return f"{name}@{commit_of(name, revision)}" if folder is None else _content_hash(folder)


def _content_hash(folder: Path) -> str:
    try:
        hashes = file_hashes(require_model(folder))
    except OSError as error:
        raise DataError(f"the model cannot be read: {error.strerror}", location=Location(str(folder))) from error
    lines = "".join(f"{path}\0{content}\n" for path, content in hashes.items())
    return hashlib.blake2b(lines.encode(), digest_size=20).hexdigest()


def findings(name: str, revision: str | None) -> list[Finding]:
    """Look for the packages and the model; nothing is loaded or downloaded."""
    package = package_finding()
    return [package, _model_finding(name, revision)] if package.ok else [package]


def _model_finding(name: str, revision: str | None) -> Finding:
    folder = folder_of(name)
    if folder is not None:
        try:
            return Finding(True, f"{folder} holds a model ({_content_hash(folder)[:12]})")
        except DataError as error:
            return Finding(False, f"{folder}: {error.message}", error.hint)
    if _FIRST_FILE.in_cache(name, revision) is not None:
        return Finding(True, f"{name} is in the hub's cache")
    if is_offline():
        missing = missing_error(name, revision)
        return Finding(False, missing.message, missing.hint)
    what = f"{name} is not in the hub's cache yet, and is downloaded with the first text"
    return Finding(True, what, download_command(name, revision))
