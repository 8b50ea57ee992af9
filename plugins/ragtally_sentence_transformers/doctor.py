"""What is missing to embed: packages, the model; and the command that mends it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

from ragtally import DataError, Finding
from ragtally.support.local_models import INSTALL, download_command
from ragtally_sentence_transformers.folders import MODULES, content_hash, folder_of


def findings(parameters: Mapping[str, Any]) -> list[Finding]:
    """Look for the packages and the model; nothing is loaded or downloaded."""
    missing = [name for name in ("sentence_transformers", "torch") if importlib.util.find_spec(name) is None]
    if missing:
        what = f"{' and '.join(missing).replace('_', '-')} not installed"
        return [Finding(False, what, INSTALL)]
    return [Finding(True, "sentence-transformers is installed"), _model(parameters)]


def _model(parameters: Mapping[str, Any]) -> Finding:
    name, revision = parameters["model"], parameters["revision"]
    folder = folder_of(name)
    if folder is not None:
        try:
            return Finding(True, f"{folder} holds a model ({content_hash(folder)[:12]})")
        except DataError as error:
            return Finding(False, f"{folder}: {error.message}", error.hint)
    hub: Any = importlib.import_module("huggingface_hub")
    if isinstance(hub.try_to_load_from_cache(name, MODULES, revision=revision), str):
        return Finding(True, f"{name} is in the hub's cache")
    command = download_command(name, revision)
    if hub.constants.HF_HUB_OFFLINE:
        return Finding(False, f"{name} is not in the hub's cache, and HF_HUB_OFFLINE forbids to get it", command)
    return Finding(True, f"{name} is not in the hub's cache yet, and is downloaded with the first text", command)
