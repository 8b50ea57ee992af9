"""Entries are whole or not there, damage is never returned, and only the dead are swept."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.api.address import address
from ragtally.store import DamagedEntry, Store

STEP = "chunk"
ADDRESS = address({"what": "some work"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def write(store: Store, at: str = ADDRESS, content: str = "the work") -> None:
    with store.write(STEP, at) as draft:
        (draft.folder / "file.txt").write_text(content)
        (draft.folder / "inner").mkdir()
        (draft.folder / "inner" / "deep.txt").write_text("below")


def drafts(store: Store) -> list[Path]:
    return list((store.root / "tmp").iterdir())


def test_opening_a_store_makes_nothing(store: Store) -> None:
    store.sweep()
    assert not store.complete(STEP, ADDRESS)
    assert not store.root.exists()


def test_an_entry_is_complete_only_when_the_block_is_left(store: Store) -> None:
    with store.write(STEP, ADDRESS) as draft:
        (draft.folder / "file.txt").write_text("the work")
        assert not store.complete(STEP, ADDRESS)
        assert not store.folder(STEP, ADDRESS).exists()
    assert store.complete(STEP, ADDRESS)
    entry = Store(store.root).open(STEP, ADDRESS)
    assert (entry.address, entry.step) == (ADDRESS, STEP)
    assert (entry.folder / "file.txt").read_text() == "the work"
    assert 0 <= entry.seconds < 60
    assert store.seconds(STEP, ADDRESS) == entry.seconds
    assert drafts(store) == []


def test_an_error_inside_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write(STEP, ADDRESS) as draft:
        (draft.folder / "file.txt").write_text("half")
        raise ZeroDivisionError
    assert not store.complete(STEP, ADDRESS)
    assert not store.folder(STEP, ADDRESS).exists()
    assert drafts(store) == []


def test_an_entry_that_is_not_there_is_an_error_and_has_no_seconds(store: Store) -> None:
    with pytest.raises(StoreError, match="has no entry"):
        store.open(STEP, ADDRESS)
    assert store.seconds(STEP, ADDRESS) is None


def test_the_first_of_two_writers_of_one_process_stays(store: Store) -> None:
    with store.write(STEP, ADDRESS) as draft:
        (draft.folder / "file.txt").write_text("second")
        write(store, content="first")
    assert (store.open(STEP, ADDRESS).folder / "file.txt").read_text() == "first"
    assert drafts(store) == []


def test_many_threads_write_the_same_entry_without_an_error(store: Store) -> None:
    barrier, errors = threading.Barrier(8), []

    def work(content: str) -> None:
        try:
            with store.write(STEP, ADDRESS) as draft:
                (draft.folder / "file.txt").write_text(content)
                barrier.wait()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (Store(store.root).open(STEP, ADDRESS).folder / "file.txt").read_text() in set("01234567")
    assert drafts(store) == []


def test_two_processes_write_the_same_entry_without_an_error(store: Store) -> None:
    script = (
        "import sys; from pathlib import Path; from ragtally.store.entries import Store\n"
        "with Store(Path(sys.argv[1])).write(sys.argv[2], sys.argv[3]) as draft:\n"
        "    (draft.folder / 'file.txt').write_text(sys.argv[4])\n"
        "    print('ready', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", script, str(store.root), STEP, ADDRESS]
    both = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    store.sweep()  # a third one must not take the drafts of the living away
    for process in both:
        process.communicate("go\n")
    assert [process.returncode for process in both] == [0, 0]
    assert (store.open(STEP, ADDRESS).folder / "file.txt").read_text() in {"a", "b"}


def truncate(folder: Path) -> None:
    (folder / "file.txt").write_text("the w")


def flip(folder: Path) -> None:
    content = bytearray((folder / "inner" / "deep.txt").read_bytes())
    content[0] ^= 1
    (folder / "inner" / "deep.txt").write_bytes(content)


def remove(folder: Path) -> None:
    (folder / "inner" / "deep.txt").unlink()


def add(folder: Path) -> None:
    (folder / "inner" / "more.txt").write_text("")


def rename(folder: Path) -> None:
    (folder / "file.txt").rename(folder / "other.txt")


def record(text: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / "entry.json").write_text(text)

    return damage


def other_address(folder: Path) -> None:
    known = json.loads((folder / "entry.json").read_text())
    (folder / "entry.json").write_text(json.dumps(known | {"address": address({})}))


DAMAGE = {
    "truncated": truncate,
    "a flipped bit": flip,
    "a missing file": remove,
    "a file too many": add,
    "a renamed file": rename,
    "an empty record": record(""),
    "half a record": record('{"address": "r1:'),
    "a record that is a list": record("[]"),
    "a record without files": record('{"address": "r1:0"}'),
    "a record of something else": other_address,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_entry_is_set_aside_and_can_be_made_again(store: Store, damage: Callable[[Path], None]) -> None:
    write(store)
    write(store, address({"other": 1}))
    damage(store.folder(STEP, ADDRESS))
    later = Store(store.root)
    with pytest.raises(DamagedEntry, match=f"step {STEP} was damaged") as caught:
        later.open(STEP, ADDRESS)
    assert caught.value.location is not None
    aside = Path(caught.value.location.file)
    assert aside.is_dir() and aside.is_relative_to(store.root / "damaged")
    assert not later.complete(STEP, ADDRESS)
    write(later)
    assert (later.open(STEP, ADDRESS).folder / "file.txt").read_text() == "the work"
    assert later.open(STEP, address({"other": 1}))


def test_an_entry_without_a_record_is_no_entry_and_gives_way(store: Store) -> None:
    write(store)
    (store.folder(STEP, ADDRESS) / "entry.json").unlink()
    assert not store.complete(STEP, ADDRESS)
    write(store, content="anew")
    assert (store.open(STEP, ADDRESS).folder / "file.txt").read_text() == "anew"


def test_two_processes_find_the_same_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store)
    truncate(store.folder(STEP, ADDRESS))
    real = Path.rename

    def late(self: Path, target: Path) -> Path:
        real(self, self.with_name("taken by the other process"))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(DamagedEntry):
        Store(store.root).open(STEP, ADDRESS)


def test_only_drafts_of_dead_processes_of_this_machine_are_swept(store: Store) -> None:
    died = subprocess.Popen([sys.executable, "-c", ""])
    died.wait()
    with store.write(STEP, ADDRESS) as draft:
        machine, living, rest = draft.folder.name.split("-")
        assert living == str(os.getpid())
        dead = draft.folder.with_name(f"{machine}-{died.pid}-{rest}")
        elsewhere = draft.folder.with_name(f"another-{died.pid}-{rest}")
        for folder in (dead, elsewhere):
            (folder / "retriever").mkdir(parents=True)
            (folder / "retriever" / "file.txt").write_text("half")
        store.sweep()
        assert draft.folder.is_dir()
        assert elsewhere.is_dir()
        assert not dead.exists()
        (draft.folder / "file.txt").write_text("the work")
    assert store.complete(STEP, ADDRESS)


def test_a_store_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write") as caught:
        write(Store(tmp_path / "file" / "store"))
    assert caught.value.hint and "writable" in caught.value.hint
    assert caught.value.location is not None
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_file_in_the_place_of_an_entry_is_an_error(store: Store) -> None:
    folder = store.folder(STEP, ADDRESS)
    folder.parent.parent.mkdir(parents=True)
    folder.parent.write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        write(store)
    assert drafts(store) == []


@pytest.mark.parametrize("where", ["in the step", "on completing"])
def test_a_full_disk_is_for_the_user_to_mend(store: Store, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreError, match="No space left") as caught, store.write(STEP, ADDRESS) as draft:
        (draft.folder / "file.txt").write_text("the work")
        if where == "in the step":
            full()
        monkeypatch.setattr(os, "fsync", full)
    assert caught.value.hint and "free space" in caught.value.hint
    assert not store.complete(STEP, ADDRESS)


def test_other_errors_of_the_system_are_not_explained_away(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.write(STEP, ADDRESS) as draft:
        (draft.folder / "missing.txt").read_text()


@pytest.mark.parametrize(
    "record",
    [
        "[" * 100_000,
        '{"files": ' * 100_000,
        "[]",
        "null",
        "",
        "\x00",
        '{"seconds": 1e999}',
        '{"seconds": ' + "9" * 5000,
    ],
    ids=lambda record: str(len(record)),
)
def test_a_damaged_record_is_a_damaged_entry(store: Store, record: str) -> None:
    write(store)
    (store.folder(STEP, ADDRESS) / "entry.json").write_text(record)
    again = Store(store.root)
    assert again.seconds(STEP, ADDRESS) in (None, float("inf"))
    with pytest.raises(DamagedEntry):
        again.open(STEP, ADDRESS)
    write(again)
    assert Store(store.root).open(STEP, ADDRESS).folder.is_dir()


def test_an_entrys_files_are_their_owners_alone(store: Store) -> None:
    write(store)
    folder = store.folder(STEP, ADDRESS)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}


@pytest.mark.parametrize("change", ["the wo", "the w0rk"])
def test_what_another_process_found_sound_is_read_again_only_after_a_change(
    store: Store, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store)
    states = store.states([store.folder(STEP, ADDRESS), store.root / "no such entry"])
    assert len(states) == 1
    with monkeypatch.context() as patch:
        patch.setattr("ragtally.store.entries.fingerprints", lambda folder: pytest.fail("its files were read"))
        other = Store(store.root)
        other.trust(states)
        assert other.open(STEP, ADDRESS).address == ADDRESS
    (store.folder(STEP, ADDRESS) / "file.txt").write_text(change)
    third = Store(store.root)
    third.trust(states)
    with pytest.raises(DamagedEntry):
        third.open(STEP, ADDRESS)
