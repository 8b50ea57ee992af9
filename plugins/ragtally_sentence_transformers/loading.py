"""Load a model, without telemetry, code from elsewhere, or waiting for a network that is not there."""

from __future__ import annotations

import functools
import importlib
import os
from pathlib import Path
from typing import Any

from ragtally import DataError, PluginError
from ragtally.support.local_models import INSTALL, device_error, download_command
from ragtally_sentence_transformers.folders import MODULES, folder_of, no_model

_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}


def library() -> Any:
    """Import sentence-transformers, which takes seconds."""
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    try:
        package: Any = importlib.import_module("sentence_transformers")
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
    except ImportError as error:
        missing = (error.name or "").partition(".")[0].replace("_", "-")
        reason = f"{missing} is not installed" if isinstance(error, ModuleNotFoundError) and missing else str(error)
        raise PluginError(
            f"the embedder sentence_transformers needs packages that ragtally does not bring: {reason}", hint=INSTALL
        ) from error
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return package


@functools.lru_cache(maxsize=1)
def load(model: str, revision: str | None, device: str | None) -> Any:
    """Load a model; the one loaded last stays in memory for who asks for it again."""
    package = library()
    folder = folder_of(model)
    encoder = _from_hub(package, model, revision, device) if folder is None else _from_folder(package, folder, device)
    return encoder.float().eval()


def commit_of(name: str, revision: str | None) -> str | None:
    """Look up which commit of a model the hub's cache holds; asks no server."""
    file = _hub().try_to_load_from_cache(name, MODULES, revision=revision)
    return Path(file).parent.name if isinstance(file, str) else None


def pin(name: str, revision: str | None) -> None:
    """Ask the hub which commit a revision is, and put the first file of that one into the cache."""
    hub = _hub()
    if hub.constants.HF_HUB_OFFLINE:
        raise not_here(name, revision)
    try:
        hub.hf_hub_download(name, MODULES, revision=revision, local_files_only=False)
    except Exception as error:
        raise _failure(name, None, error) from error


def not_here(name: str, revision: str | None) -> DataError:
    """Say that a model is not on this machine."""
    forbids = ", and HF_HUB_OFFLINE forbids to get it" if _hub().constants.HF_HUB_OFFLINE else ""
    return DataError(
        f"{name} is not in the hub's cache on this machine{forbids}",
        hint=f"{download_command(name, revision)}, where there is a network; or model: ./a-folder",
    )


def _hub() -> Any:
    return importlib.import_module("huggingface_hub")


def _from_folder(package: Any, folder: Path, device: str | None) -> Any:
    if not (folder / MODULES).is_file():
        raise no_model(folder)
    try:
        return package.SentenceTransformer(str(folder), device=device, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise _failure(str(folder), device, error) from error


def _from_hub(package: Any, name: str, revision: str | None, device: str | None) -> Any:
    if Path(name).exists():
        raise DataError(f"{name} is a name on the hub, but also a file or folder here", hint=f"model: ./{name}")
    # What is in the cache needs no network; a cache that holds a part only is filled up, from the same commit.
    commit = commit_of(name, revision) or revision
    failure: Exception | None = None
    for from_cache in (True,) if (offline := bool(_hub().constants.HF_HUB_OFFLINE)) else (True, False):
        try:
            _hub().hf_hub_download(name, MODULES, revision=commit, local_files_only=from_cache)
            return package.SentenceTransformer(
                name, revision=commit, device=device, local_files_only=from_cache, trust_remote_code=False
            )
        except Exception as error:
            failure = error
    assert failure is not None
    if offline and isinstance(failure, OSError):
        raise not_here(name, revision) from failure
    raise _failure(name, device, failure) from failure


def _failure(model: str, device: str | None, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:300]
    kind = type(error).__name__
    if kind == "RepositoryNotFoundError":
        return DataError(
            f"the hub has no model {model}, or none that may be read without HF_TOKEN", hint="check `model`"
        )
    if kind == "RevisionNotFoundError":
        return DataError(f"the hub has no such revision of {model}", hint="check `revision`")
    if kind == "RemoteEntryNotFoundError":
        return DataError(
            f"{model} is no model of sentence-transformers: it has no {MODULES}", hint="choose one that has"
        )
    if "trust_remote_code" in reason:
        return DataError(f"{model} wants to run code of its own, which ragtally never lets it", hint="choose another")
    return device_error(model, device, error) or DataError(
        f"{model} cannot be loaded: {kind}: {reason}", hint="ragtally doctor SPEC"
    )
