"""Load a model, without telemetry, code from elsewhere, or waiting for a network that is not there."""

from __future__ import annotations

import functools
import importlib
import os
from pathlib import Path
from typing import Any

from ragtally.errors import DataError, PluginError
from ragtally_sentence_transformers.places import MODULES, folder_of, no_model

INSTALL = 'pip install "ragtally[sentence-transformers]"'
_QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}


def library() -> Any:
    """Import sentence-transformers, which takes seconds.

    Returns:
        The module.

    Raises:
        PluginError: If it, or something that it needs, is not installed.
    """
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    try:
        found: Any = importlib.import_module("sentence_transformers")
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
    except ImportError as error:
        missing = (error.name or "").partition(".")[0].replace("_", "-")
        said = f"{missing} is not installed" if isinstance(error, ModuleNotFoundError) and missing else str(error)
        raise PluginError(
            f"the embedder sentence_transformers needs packages that ragtally does not bring: {said}", hint=INSTALL
        ) from error
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return found


@functools.lru_cache(maxsize=1)
def load(model: str, revision: str | None, device: str | None) -> Any:
    """Load a model; the one loaded last stays in memory for who asks for it again.

    Args:
        model: A name on the hub, or a folder.
        revision: Which revision of a model on the hub; None for `main`.
        device: Where it is to compute; None for the fastest that there is.

    Returns:
        The `SentenceTransformer`, computing in float32.

    Raises:
        DataError: If the model is not there, cannot be loaded, or the device is not there.
        PluginError: If sentence-transformers is not installed.
    """
    found = library()
    folder = folder_of(model)
    loaded = _from_hub(found, model, revision, device) if folder is None else _from_folder(found, folder, device)
    return loaded.float().eval()


def _from_folder(found: Any, folder: Path, device: str | None) -> Any:
    if not (folder / MODULES).is_file():
        raise no_model(folder)
    try:
        return found.SentenceTransformer(str(folder), device=device, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise _failure(str(folder), device, error) from error


def _from_hub(found: Any, name: str, revision: str | None, device: str | None) -> Any:
    if Path(name).exists():
        raise DataError(f"{name} is a name on the hub, but also a file or folder here", hint=f"model: ./{name}")
    hub: Any = importlib.import_module("huggingface_hub")
    offline = bool(hub.constants.HF_HUB_OFFLINE)
    failure: Exception | None = None
    # What is in the cache needs no network; a cache that holds a part only is filled up.
    for cached in (True,) if offline else (True, False):
        try:
            hub.hf_hub_download(name, MODULES, revision=revision, local_files_only=cached)
            return found.SentenceTransformer(
                name, revision=revision, device=device, local_files_only=cached, trust_remote_code=False
            )
        except Exception as error:
            failure = error
    assert failure is not None
    if offline and isinstance(failure, OSError):
        raise DataError(
            f"{name} is not in the hub's cache on this machine, and HF_HUB_OFFLINE forbids to get it",
            hint=f"{download_command(name, revision)}, where there is a network; or model: ./a-folder",
        ) from failure
    raise _failure(name, device, failure) from failure


def download_command(name: str, revision: str | None) -> str:
    """Write the command that puts a model into the hub's cache."""
    return f"hf download {name}" + (f" --revision {revision}" if revision else "")


def _failure(model: str, device: str | None, error: Exception) -> DataError:
    said = " ".join(str(error).split())[:300]
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
    if "trust_remote_code" in said:
        return DataError(f"{model} wants to run code of its own, which ragtally never lets it", hint="choose another")
    if device is not None and any(word in said.lower() for word in ("cuda", "device", "mps")):
        return DataError(f"{model} cannot be loaded on the device {device}: {said}", hint="device: cpu")
    return DataError(f"{model} cannot be loaded: {kind}: {said}", hint="ragtally doctor SPEC")
