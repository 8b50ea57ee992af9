"""Workers that differ from this process are told of before any work, all differences at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import ragtally.engine.workers
from ragtally.api import Choice, JobFunction, RagtallyError
from ragtally.engine.workers import check_workers, describe
from ragtally.registry import Registry, load_registry
from ragtally.store import Store


class Cluster:
    """Two machines; what the second one says can be changed."""

    def __init__(self, **changes: object) -> None:
        self.changes = changes

    def survey(self, function: JobFunction, text: str) -> Sequence[tuple[str, str]]:
        description = json.loads(function(text))
        for key, change in self.changes.items():
            description[key] = change(description[key]) if callable(change) else change
        return [("first", function(text)), ("second", json.dumps(description))]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.fixture
def choices(registry: Registry) -> list[Choice]:
    embedder = registry.complete(Choice("embedder", "lsa", {"seed": 1}))
    return [registry.complete(Choice("retriever", "dense", {"embedder": embedder}))]


def differences(cluster: Cluster, choices: Sequence[Choice], registry: Registry, folder: Path) -> list[str]:
    try:
        check_workers(cluster, choices, registry, Store(folder))  # type: ignore[arg-type]
    except RagtallyError as error:
        return str(error).splitlines()
    finally:
        assert not list(folder.rglob("token-*"))
    return []


def test_equal_workers_pass(tmp_path: Path, choices: list[Choice], registry: Registry) -> None:
    assert differences(Cluster(), choices, registry, tmp_path) == []


def test_all_that_differs_is_told_at_once(tmp_path: Path, choices: list[Choice], registry: Registry) -> None:
    def without_dense(sources: dict[str, str]) -> dict[str, str]:
        return {name: digest for name, digest in sources.items() if name != "ragtally_dense"} | {"ragtally_lsa": "0"}

    cluster = Cluster(
        python="3.14.1",
        packages=lambda packages: packages | {"numpy": "1.0", "polars": None},
        sources=without_dense,
        sees_store=False,
    )
    lines = differences(cluster, choices, registry, tmp_path)
    text = "\n".join(lines)
    for part in (
        "the worker on second runs Python 3.14.1",
        "has version 1.0 of the package numpy, which is",
        "does not have the package polars",
        "does not have the plugin ragtally_dense",
        "has other source code of ragtally_lsa",
        f"does not see the store in {tmp_path}",
    ):
        assert part in text
    assert len([line for line in lines if line.startswith("  hint: ")]) == 6
    assert "first" not in text


def test_a_plugin_that_the_study_does_not_use_may_be_missing(
    tmp_path: Path, choices: list[Choice], registry: Registry
) -> None:
    def without_chat(sources: dict[str, str]) -> dict[str, str]:
        return {name: digest for name, digest in sources.items() if name != "ragtally_chat"}

    assert differences(Cluster(sources=without_chat), choices, registry, tmp_path) == []


def test_a_worker_that_cannot_load_ragtally_says_why(
    tmp_path: Path, choices: list[Choice], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Registry:
        raise RagtallyError("two plugins offer the reader 'a'")

    monkeypatch.setattr(ragtally.engine.workers, "load_registry", fail)
    lines = differences(Cluster(), choices, registry, tmp_path)
    assert "the worker on first cannot load ragtally: RagtallyError: two plugins offer the reader 'a'" in lines


def test_a_worker_says_what_it_is_asked_for(tmp_path: Path) -> None:
    description = json.loads(describe(json.dumps({"token": str(tmp_path / "none"), "packages": ["numpy", "nobody"]})))
    assert description["sees_store"] is False
    assert description["packages"]["nobody"] is None
    assert description["packages"]["numpy"]
