"""Garbage is what nobody needs, and never what somebody paid for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.api.address import address
from ragtally.store import DamagedEntry, Store
from ragtally.store.calls import FILE_NAME, CallStore
from ragtally.store.inventory import garbage, remove, stored_entries
from sample_calls import BIG, sample_call, sample_reply

ONE, TWO = address({"work": 1}), address({"work": 2})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    for step, at in (("chunk", ONE), ("chunk", TWO), ("index", ONE)):
        with made.write(step, at) as draft:
            (draft.folder / "inner").mkdir()
            (draft.folder / "inner" / "file.txt").write_text("the work")
    with CallStore(made.root / FILE_NAME) as calls:
        calls.record(sample_call(1), sample_reply(), BIG, None)
    return made


def told(store: Store, needed: set[tuple[str, str]] | None = None) -> dict[str, str]:
    return {str(found.folder.relative_to(store.root)): found.why for found in garbage(store, needed)}


def relative(store: Store, step: str, at: str) -> str:
    return str(store.folder(step, at).relative_to(store.root))


def test_every_entry_is_listed_and_nothing_else(store: Store) -> None:
    (store.root / "notes").mkdir()
    (store.root / "chunk" / "r1" / "zz").mkdir()
    (store.root / "chunk" / "r1" / "README").touch()
    placed = {(entry.step, entry.address, entry.folder) for entry in stored_entries(store)}
    assert placed == {
        (step, at, store.folder(step, at)) for step, at in (("chunk", ONE), ("chunk", TWO), ("index", ONE))
    }


def test_a_store_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert list(stored_entries(store)) == []
    assert garbage(store, set()) == []


def test_a_tidy_store_has_no_garbage(store: Store) -> None:
    assert told(store) == {}


def test_what_no_spec_needs_is_garbage(store: Store) -> None:
    assert told(store, {("chunk", ONE), ("index", ONE)}) == {
        relative(store, "chunk", TWO): "chunk: no spec given needs it"
    }
    assert set(told(store, set())) == {
        relative(store, *at) for at in (("chunk", ONE), ("chunk", TWO), ("index", ONE))
    }


def test_what_was_set_aside_and_what_is_incomplete_is_garbage(store: Store) -> None:
    (store.folder("chunk", ONE) / "inner" / "file.txt").write_text("changed")
    with pytest.raises(DamagedEntry) as caught:
        Store(store.root).open("chunk", ONE)
    (store.folder("chunk", TWO) / "entry.json").unlink()
    assert caught.value.location is not None
    aside = str(Path(caught.value.location.file).relative_to(store.root))
    assert told(store) == {
        aside: "set aside as damaged",
        relative(store, "chunk", TWO): "incomplete: the next run makes it again",
    }


def test_drafts_of_the_dead_are_garbage_and_those_of_the_living_are_not(store: Store) -> None:
    died = subprocess.Popen([sys.executable, "-c", ""])
    died.wait()
    with store.write("chunk", address({"work": 3})) as draft:
        machine, living, rest = draft.folder.name.split("-")
        assert living == str(os.getpid())
        dead = draft.folder.with_name(f"{machine}-{died.pid}-{rest}")
        dead.mkdir()
        draft.folder.with_name(f"another-{died.pid}-{rest}").mkdir()
        assert told(store) == {f"tmp/{dead.name}": "left by a killed process"}


def test_garbage_has_its_size(store: Store) -> None:
    (found,) = garbage(store, {("chunk", ONE), ("chunk", TWO)})
    record = store.folder("index", ONE) / "entry.json"
    assert json.loads(record.read_text())["step"] == "index"
    assert found.size == len("the work") + record.stat().st_size


def test_a_link_is_not_followed(store: Store, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    store.root.joinpath("index").rename(elsewhere)
    (store.root / "index").symlink_to(elsewhere)
    assert relative(store, "index", ONE) not in told(store, set())


def test_what_is_removed_is_gone_and_can_be_made_again(store: Store) -> None:
    for found in garbage(store, set()):
        remove(found.folder)
        remove(found.folder)
    assert list(stored_entries(store)) == []
    with store.write("chunk", ONE) as draft:
        (draft.folder / "file.txt").write_text("anew")
    assert store.complete("chunk", ONE)
    with CallStore(store.root / FILE_NAME) as calls:
        assert len(calls.replies_to([sample_call(1).key])) == 1


def test_a_removal_that_is_cut_short_leaves_no_entry(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("shutil.rmtree", cut_short)
    with pytest.raises(StoreError, match="cannot write"):
        remove(store.folder("chunk", ONE))
    assert not store.complete("chunk", ONE)
    assert (store.folder("chunk", ONE) / "inner" / "file.txt").exists()
