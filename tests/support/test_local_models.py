"""Files of models: hashed once, and found in the hub's cache where those that are used are all there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from ragtally.support import local_models
from ragtally.support.local_models import ModelFiles, device_error, file_hashes, is_hub_name, memory_error

FILES = ModelFiles(required=("config.json", "*.safetensors"), optional=("*.txt",))
COMMIT = "c" * 40


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model in the cache, downloaded by a library that notes what else the hub has of it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    repository = tmp_path / "models--owner--model"
    files = ("config.json", "model.safetensors", "vocab.txt", "pytorch_model.bin")
    listing = {"format_version": 1, "files": {name: {"size": 2, "blob_id": "0"} for name in files}}
    for path, text in (
        ("refs/main", COMMIT),
        *((f"snapshots/{COMMIT}/{name}", "{}") for name in files[:3]),
        (f"trees/{COMMIT}.json", json.dumps(listing)),
    ):
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    return repository / "snapshots" / COMMIT


def test_a_model_is_complete_without_the_files_that_nobody_uses(snapshot: Path) -> None:
    assert FILES.in_cache("owner/model", None) == FILES.in_cache("owner/model", COMMIT) == snapshot
    (snapshot / "vocab.txt").unlink()
    assert FILES.in_cache("owner/model", None) is None


@pytest.mark.parametrize(("name", "revision"), [("owner/other", None), ("owner/model", "v2")])
def test_another_model_or_revision_is_not_there(name: str, revision: str | None, snapshot: Path) -> None:
    assert FILES.in_cache(name, revision) is None


@pytest.mark.parametrize(
    ("name", "possible"),
    [("owner/model-1.5", True), ("model", False), ("a/b/c", False), ("../up", False), ("o--x/m", False)],
)
def test_names_of_the_hub(name: str, possible: bool) -> None:
    assert is_hub_name(name) is possible


def test_unchanged_files_are_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("b.json", "a/c.json", ".git/index", "a/.hidden"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    hashes = file_hashes(tmp_path)
    assert list(hashes) == ["a/c.json", "b.json"]
    monkeypatch.setattr(local_models, "file_hash", lambda path: pytest.fail("read again"))
    assert file_hashes(tmp_path) == hashes


def test_errors_of_pytorch_name_their_remedy() -> None:
    error = device_error("m", "cuda:1", AssertionError("Torch not compiled with CUDA enabled\nmore"))
    assert error is not None and (error.message.endswith("CUDA enabled"), error.hint) == (True, "device: cpu")
    assert device_error("m", None, AssertionError("no CUDA")) is None
    assert device_error("m", "cuda", OSError("no such file")) is None
    full = memory_error("m", 9, "texts", RuntimeError("CUDA out of memory"))
    assert full is not None and full.hint == "batch: 4"
    assert memory_error("m", 9, "texts", RuntimeError("a bug")) is None
