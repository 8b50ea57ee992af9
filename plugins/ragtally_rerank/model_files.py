"""Where the files of a cross-encoder are: in a folder of the user's, or in the cache of the Hugging Face hub."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ragtally import DataError, Finding, PluginError, Progress, RagtallyError, file_hash
from ragtally.api.address import address
from ragtally.support.local_models import INSTALL, download_command

# What loads a cross-encoder.
PACKAGE = "sentence-transformers"
_HUB_NAME = re.compile(r"(?!.*(?:--|\.\.))\w[\w.-]*/\w(?:[\w.-]*\w)?", re.ASCII)
_REQUIRED_FILES = ("config.json", "*.safetensors")
_ARCHITECTURES = ("ForSequenceClassification", "ForCausalLM")
_FILES_TO_DOWNLOAD = ("*.json", "*.txt", "*.model", "*.jinja", "*.safetensors")


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
        missing = _missing_file(folder)
        if missing:
            raise DataError(
                f"the folder {name} holds no model: there is no {missing} in it",
                hint="save a model there: CrossEncoder(...).save_pretrained(folder)",
            )
        return folder
    if not _HUB_NAME.fullmatch(name):
        raise DataError(
            f"there is no folder {name}",
            hint=f"name a model on the hub as owner/name, or a folder, seen from {Path.cwd()}",
        )
    folder_in_cache = _folder_in_cache(name, revision)
    if folder_in_cache is None:
        raise DataError(f"the model {name} is not on this machine", hint=download_command(name, revision))
    return folder_in_cache


def fingerprint(name: str, revision: str | None) -> str:
    """Say exactly which model it is."""
    folder = folder_of(name, revision)
    if not Path(name).is_dir():
        return folder.name
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(folder)))
    state = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
    return _hash_of(folder, state)


def findings(name: str, revision: str | None) -> Iterator[Finding]:
    """Look for the package and the model."""
    is_installed = importlib.util.find_spec("sentence_transformers") is not None
    what = f"the package {PACKAGE} is {'' if is_installed else 'not '}installed"
    yield Finding(is_installed, what, None if is_installed else INSTALL)
    try:
        folder = folder_of(name, revision)
    except RagtallyError as error:
        yield Finding(False, error.message, error.hint)
        return
    yield Finding(True, f"{name} is there" if Path(name).is_dir() else f"{name} is there ({folder.name[:12]})")


def download(name: str, revision: str | None, progress: Progress) -> None:
    """Get a model from the hub, unless its files are there or the name is a folder's."""
    if Path(name).is_dir() or not _HUB_NAME.fullmatch(name) or _folder_in_cache(name, revision) is not None:
        return
    hub = _hub()
    if hub.constants.HF_HUB_OFFLINE:
        raise DataError(
            f"the model {name} is not on this machine, and HF_HUB_OFFLINE is set",
            hint=f"HF_HUB_OFFLINE=0 {download_command(name, revision)}",
        )
    progress(f"{name}: downloading", None, None)
    try:
        hub.snapshot_download(name, revision=revision, allow_patterns=list(_FILES_TO_DOWNLOAD))
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"{name} cannot be downloaded: {reason}", hint=download_command(name, revision)) from error


def _folder_in_cache(name: str, revision: str | None) -> Path | None:
    try:
        folder = Path(_hub().snapshot_download(name, revision=revision, local_files_only=True))
    except OSError:
        return None
    return None if _missing_file(folder) else folder


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.constants
    except ImportError as error:
        raise PluginError(f"the package huggingface_hub cannot be imported: {error}", hint=INSTALL) from error
    return huggingface_hub


def _kind_of(folder: Path) -> str | None:
    """Say what a model is instead of a cross-encoder, which would be loaded with weights made up at random."""
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


def _missing_file(folder: Path) -> str | None:
    return next((pattern for pattern in _REQUIRED_FILES if not any(folder.glob(pattern))), None)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@functools.lru_cache(maxsize=32)
def _hash_of(folder: Path, state: tuple[tuple[Path, int, int], ...]) -> str:
    # Asked for in every cell: unchanged files are read once.
    return address({path.relative_to(folder).as_posix(): file_hash(path) for path, _, _ in state})
