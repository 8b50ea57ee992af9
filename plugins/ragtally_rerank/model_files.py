"""Where the files of a cross-encoder are: in a folder of the user's, or in the cache of the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragtally import DataError, Finding, Progress, RagtallyError
from ragtally.api.address import address
from ragtally.support.local_models import ModelFiles, file_hashes, is_hub_name, missing_error, package_finding

_FILES = ModelFiles(required=("config.json", "*.safetensors"), optional=("*.json", "*.txt", "*.model", "*.jinja"))
_ARCHITECTURES = ("ForSequenceClassification", "ForCausalLM")


def folder_of(name: str, revision: str | None) -> Path:
    """Find a model's files; asks no server."""
    folder = _locate(name, revision)
    kind = _kind_of(folder)
    if kind is not None:
        raise DataError(
            f"{name} is no cross-encoder but {kind}", hint="name a reranker: cross-encoder/ms-marco-MiniLM-L6-v2"
        )
    return folder


def _locate(name: str, revision: str | None) -> Path:
    folder = Path(name)
    if folder.is_dir():
        if revision is not None:
            raise DataError(f"{name} is a folder, which has no revisions", hint="leave revision out")
        missing = _FILES.missing_from(folder)
        if missing:
            raise DataError(
                f"the folder {name} holds no model: there is no {missing} in it",
                hint="save a model there: CrossEncoder(...).save_pretrained(folder)",
            )
        return folder
    if not is_hub_name(name):
        raise DataError(
            f"there is no folder {name}",
            hint=f"name a model on the hub as owner/name, or a folder, seen from {Path.cwd()}",
        )
    folder_in_cache = _FILES.in_cache(name, revision)
    if folder_in_cache is None:
        raise missing_error(name, revision)
    return folder_in_cache


def fingerprint(name: str, revision: str | None) -> str:
    """Identify a model: by its commit, or by the content of its files."""
    folder = folder_of(name, revision)
    return address(file_hashes(folder)) if Path(name).is_dir() else folder.name


def findings(name: str, revision: str | None) -> Iterator[Finding]:
    """Look for the package and the model."""
    yield package_finding()
    try:
        folder = folder_of(name, revision)
    except RagtallyError as error:
        yield Finding(False, error.message, error.hint)
        return
    yield Finding(True, f"{name} is there" if Path(name).is_dir() else f"{name} is there ({folder.name[:12]})")


def download(name: str, revision: str | None, progress: Progress) -> None:
    """Get a model from the hub, unless its files are there or the name is a folder's."""
    if Path(name).is_dir() or not is_hub_name(name) or _FILES.in_cache(name, revision) is not None:
        return
    progress(f"{name}: downloading", None, None)
    _FILES.download(name, revision)


def _kind_of(folder: Path) -> str | None:
    """Name what a model is if not a cross-encoder; it would be loaded with random weights."""
    if (folder / "modules.json").is_file():
        model_type = _read(folder / "config_sentence_transformers.json").get("model_type", "SentenceTransformer")
        return None if model_type == "CrossEncoder" else f"a {model_type}"
    architecture = (_read(folder / "config.json").get("architectures") or ["without a named architecture"])[0]
    return None if str(architecture).endswith(_ARCHITECTURES) else f"a model {architecture}"


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
