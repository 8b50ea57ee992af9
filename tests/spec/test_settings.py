"""A machine's settings: read like a spec, every error at once, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragtally.api import Choice, RagtallyError
from ragtally.registry import Registry, load_registry
from ragtally.spec.settings import executor_of, load_settings


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text)
    return path


def test_settings_pick_an_executor_with_its_defaults(tmp_path: Path, registry: Registry) -> None:
    settings = load_settings(settings_file(tmp_path, "executor: {local: {workers: 3}}\n"), registry)
    assert settings.executor == Choice("executor", "local", {"workers": 3})
    assert load_settings(settings_file(tmp_path, "executor: local\n"), registry).executor == Choice(
        "executor", "local", {"workers": None}
    )


def test_every_error_has_its_place(tmp_path: Path, registry: Registry) -> None:
    path = settings_file(tmp_path, "executor: {local: {workrs: 2}}\nstroe: here\n")
    with pytest.raises(RagtallyError) as info:
        load_settings(path, registry)
    text = str(info.value)
    assert f"{path}:1:20: local has no parameter 'workrs'" in text
    assert f"{path}:2:1: this file of settings has no key 'stroe'" in text
    assert "did you mean 'workers'?" in text


def test_the_command_line_is_checked_alike(registry: Registry) -> None:
    assert executor_of("local", {"workers": 2}, registry) == Choice("executor", "local", {"workers": 2})
    with pytest.raises(RagtallyError, match=r"^executor\.local\.workers must be at least 1, not 0"):
        executor_of("local", {"workers": 0}, registry)
    with pytest.raises(RagtallyError, match="there is no executor 'lcal'") as info:
        executor_of("lcal", {}, registry)
    assert info.value.hint == "did you mean 'local'?"


def test_settings_name_a_shared_store(tmp_path: Path, registry: Registry) -> None:
    settings = load_settings(settings_file(tmp_path, "shared_store: s3://bucket/ours\n"), registry)
    assert (settings.executor, settings.shared_store) == (None, "s3://bucket/ours")
    path = settings_file(tmp_path, "shared_store: 3\nexecutor: lcal\n")
    with pytest.raises(RagtallyError) as info:
        load_settings(path, registry)
    assert f"{path}:1:15" in str(info.value) and f"{path}:2:11" in str(info.value)
