"""An empty workspace, the labelled subset in it, and a registry that holds this plugin alone."""

from __future__ import annotations

from pathlib import Path

import pluggy
import pytest

import ragtally_pubmedqa
from ragtally.api import hookspecs
from ragtally.registry import Registry, registry_of
from sample_pubmedqa import labeled_records, write


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place to stand in, so that only what a test names is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAGTALLY_PUBMEDQA", raising=False)
    return tmp_path


@pytest.fixture
def folder(workspace: Path) -> Path:
    """The labelled subset where `ragtally fetch` puts it."""
    folder = Path("data/raw/pubmedqa")
    write(folder / "ori_pqal.json", labeled_records())
    write(folder / "test_ground_truth.json", {"103": "yes", "101": "no"})
    return folder


@pytest.fixture(scope="module")
def registry() -> Registry:
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(ragtally_pubmedqa, name="ragtally_pubmedqa")
    return registry_of(manager, {})
