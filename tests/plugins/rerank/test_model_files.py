"""Where a cross-encoder is found: in a folder, or in the cache of the hub; nothing is asked of the network."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants

from plugins.rerank.sample_candidates import COMPONENT, DEFAULTS
from ragtally.api import DataError
from ragtally.support.local_models import INSTALL
from ragtally_rerank.model_files import download, findings, fingerprint, folder_of

NAME, COMMIT = "somebody/reranker", "c" * 40
CONFIG = {"architectures": ["BertForSequenceClassification"], "num_labels": 1}


def save(folder: Path, config: Any = CONFIG, **files: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"weights")
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub; whoever would ask the network fails the test."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    return folder


def put(cache: Path, revision: str = "main", commit: str = COMMIT) -> Path:
    repository = cache / "models--somebody--reranker"
    (repository / "refs").mkdir(parents=True, exist_ok=True)
    (repository / "refs" / revision).write_text(commit)
    return save(repository / "snapshots" / commit)


def test_a_folder_is_found(cache: Path) -> None:
    save(Path("own"))
    assert folder_of("own", None) == Path("own")
    assert [found.ok for found in findings("own", None)][-1]


def test_a_cached_model_is_found_by_its_revision(cache: Path) -> None:
    snapshot, older = put(cache), put(cache, "v1", "d" * 40)
    assert folder_of(NAME, None) == snapshot
    assert folder_of(NAME, "v1") == folder_of(NAME, "d" * 40) == older
    assert fingerprint(NAME, None) == COMMIT
    assert fingerprint(NAME, "v1") == "d" * 40
    assert list(findings(NAME, None))[-1].what == f"{NAME} is there ({COMMIT[:12]})"


@pytest.mark.parametrize(
    ("name", "revision", "message", "hint"),
    [
        (NAME, None, "not on this machine", f"hf download {NAME}"),
        (NAME, "v1", "not on this machine", f"hf download {NAME} --revision v1"),
        ("some--body/reranker", None, "no folder some--body/reranker", "owner/name"),
        ("models/of/mine", None, "no folder models/of/mine", "owner/name"),
        ("reranker", None, "no folder reranker", "owner/name"),
        ("../up", None, "no folder ../up", "owner/name"),
        ("own", "v1", "no revisions", "leave revision out"),
        ("empty", None, r"no config\.json", "save_pretrained"),
        ("pickled", None, r"no \*\.safetensors", "save_pretrained"),
        ("embedder", None, "no cross-encoder but a SentenceTransformer", "ms-marco"),
        ("plain", None, "no cross-encoder but a model BertModel", "ms-marco"),
        ("nameless", None, "no cross-encoder but a model without", "ms-marco"),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(
    cache: Path, name: str, revision: str | None, message: str, hint: str
) -> None:
    save(Path("own"))
    Path("empty").mkdir()
    (save(Path("pickled")) / "model.safetensors").rename("pickled/pytorch_model.bin")
    save(Path("embedder"), modules=[])
    save(Path("plain"), {"architectures": ["BertModel"]})
    save(Path("nameless"), {"architectures": None})
    with pytest.raises(DataError, match=message) as raised:
        folder_of(name, revision)
    assert hint in str(raised.value.hint)
    missing = list(findings(name, revision))[-1]
    assert (missing.ok, missing.what, missing.remedy) == (False, raised.value.message, raised.value.hint)
    with pytest.raises(DataError, match=message):
        COMPONENT.build(**{**DEFAULTS, "cross_encoder": name, "revision": revision})


@pytest.mark.parametrize("architecture", ["BertForSequenceClassification", "Qwen3ForCausalLM"])
def test_models_that_score_pairs_are_taken(cache: Path, architecture: str) -> None:
    save(Path("own"), {"architectures": [architecture]})
    save(Path("modular"), modules=[], config_sentence_transformers={"model_type": "CrossEncoder"})
    assert folder_of("own", None) == Path("own")
    assert folder_of("modular", None) == Path("modular")


def test_a_half_downloaded_model_is_missing(cache: Path) -> None:
    (put(cache) / "model.safetensors").unlink()
    with pytest.raises(DataError, match="not on this machine"):
        fingerprint(NAME, None)


def test_a_folder_counts_by_its_content(cache: Path) -> None:
    one, other = save(Path("one")), save(Path("deep/other"))
    first = fingerprint("one", None)
    assert fingerprint("one", None) == fingerprint("deep/other", None) == first
    (one / ".git").mkdir()
    (one / ".git" / "index").write_bytes(b"anything")
    assert fingerprint("one", None) == first
    (one / "vocab.txt").write_text("[PAD]")
    assert fingerprint("one", None) != first
    (other / "model.safetensors").write_bytes(b"trained")
    assert fingerprint("deep/other", None) != first


def test_a_missing_package_is_found(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(cache)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    package, _ = COMPONENT.diagnose({**DEFAULTS, "cross_encoder": NAME})
    assert (package.ok, package.remedy) == (False, INSTALL)


def test_what_is_here_is_not_downloaded(cache: Path) -> None:
    put(cache)
    save(Path("own"))
    for name in (NAME, "own", "no-folder-and-no-name"):
        download(name, None, lambda *_: pytest.fail("there is nothing to download"))


def downloading(cache: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None) -> list[Any]:
    """Let the hub have the model, or fail."""
    asked, cached = [], huggingface_hub.snapshot_download

    def snapshot_download(name: str, *, local_files_only: bool = False, **given: Any) -> Any:
        if local_files_only:
            return cached(name, local_files_only=True, **given)
        asked.append((name, given))
        if failure:
            raise failure
        return put(cache)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return asked


def test_a_missing_model_is_downloaded_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, told = downloading(cache, monkeypatch), []
    parameters = {**DEFAULTS, "cross_encoder": NAME}
    for _ in range(2):
        COMPONENT.provide(parameters, lambda *progress: told.append(progress))
    ((name, given),) = asked
    assert (name, given["revision"]) == (NAME, None)
    assert not {"*", "*.bin", "*.py", "*.pkl"} & set(given["allow_patterns"])
    assert told == [(f"{NAME}: downloading", None, None)]
    assert COMPONENT.fingerprint(parameters) == COMMIT


def test_nothing_is_downloaded_offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = downloading(cache, monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="HF_HUB_OFFLINE is set") as raised:
        download(NAME, None, lambda *_: None)
    assert raised.value.hint == f"HF_HUB_OFFLINE=0 hf download {NAME}"
    assert not asked


def test_a_failed_download_says_why(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloading(cache, monkeypatch, OSError("401 Client Error.\nmore about it"))
    with pytest.raises(DataError) as raised:
        download(NAME, "v1", lambda *_: None)
    assert raised.value.message == f"{NAME} cannot be downloaded: 401 Client Error."
    assert raised.value.hint == f"hf download {NAME} --revision v1"
