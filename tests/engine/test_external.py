"""What an index has outside the store goes with it, unless an index that stays needs the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ragtally.api import Component, ExternalResource
from ragtally.engine.external import external_resources, orphaned_resources
from ragtally.registry import Registry, RegistryEntry
from ragtally.store import Store


def registry() -> Registry:
    def of(folder: Path) -> ExternalResource | None:
        note = folder / "made_up.txt"
        return ExternalResource(note.read_text(), lambda: None) if note.is_file() else None

    mine = Component("mine", lambda: None, "Keeps its index elsewhere.", external_resource=of)
    offered = {"other": replace(mine, name="other", external_resource=None), "mine": mine}
    return Registry(
        {("retriever", name): RegistryEntry(each, "retriever", "a", "b") for name, each in offered.items()}
    )


def entry(store: Store, digit: str, note: str | None) -> Path:
    address = f"r1:{digit * 40}"
    with store.write("index", address) as draft:
        (draft.folder / "retriever").mkdir()
        if note is not None:
            (draft.folder / "retriever" / "made_up.txt").write_text(note)
    return store.folder("index", address)


def test_what_goes_and_what_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    alone, shared, _, plain = (
        entry(store, digit, note) for digit, note in (("1", "A"), ("2", "B"), ("3", "B"), ("4", None))
    )
    going = orphaned_resources(store, [alone, shared, plain, tmp_path / "gone"], registry())
    assert {folder: external_resource.what for folder, external_resource in going.items()} == {alone: "A"}
    assert not orphaned_resources(store, [plain], registry())


def test_each_resource_is_listed_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for digit, note in (("1", "A"), ("2", "B"), ("3", "B"), ("4", None)):
        entry(store, digit, note)
    assert [each.what for each in external_resources(store, registry())] == ["A", "B"]
