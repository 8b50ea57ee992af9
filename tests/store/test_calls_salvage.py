"""A damaged call store is named, never touched, and gives back what can be read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.store.calls import FILE_NAME, CallStore
from ragtally.store.calls_salvage import check_calls, count_calls
from ragtally.store.calls_transfer import export_calls, import_calls, salvage_calls
from sample_calls import BIG, sample_calls, sample_reply

CALLS = sample_calls(400)
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store" / FILE_NAME
    with CallStore(path) as store:
        for number, call in enumerate(CALLS):
            store.record(call, sample_reply(f"{number} " + "because " * 60), BIG, 0.5)
    return path


def pages_of(path: Path, name: str) -> list[int]:
    """Find the leaf pages of a table or index: those that start with the leaf's flag (fileformat2.html, 1.6)."""
    connection = sqlite3.connect(path)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    connection.close()
    content = path.read_bytes()
    flag = {"calls": 0x0D, "sqlite_autoindex_calls_1": 0x0A}[name]
    pages = [number for number in range(1, len(content) // PAGE) if content[number * PAGE] == flag]
    assert root - 1 not in pages and len(pages) > 5
    return pages


def scribble(path: Path, *pages: int) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(b"\xa5" * PAGE)


def execute(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_a_sound_store_is_sound(path: Path) -> None:
    seen: list[int] = []
    with CallStore(path) as store:
        assert count_calls(store) == 400
        check = check_calls(store, seen.append)
    assert (check.calls, check.damage) == (400, ())
    assert sum(seen) == 400


def test_a_store_that_is_not_there_is_sound(tmp_path: Path) -> None:
    store = CallStore(tmp_path / FILE_NAME)
    assert count_calls(store) == 0
    assert check_calls(store).damage == ()


@pytest.mark.parametrize("name", ["calls", "sqlite_autoindex_calls_1"])
def test_a_damaged_page_is_found_and_the_file_left_as_it_is(path: Path, name: str) -> None:
    scribble(path, pages_of(path, name)[2])
    before = path.read_bytes()
    with CallStore(path) as store:
        check = check_calls(store)
    assert check.damage
    assert all(fault.startswith("the file: ") for fault in check.damage)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("key = 'r1:0'", "the call 'r1:0': key must be"),
        ("messages = '[{'", "Expecting"),
        ("parameters = '{\"a\": NaN}'", "NaN is no JSON number"),
        ("purpose = 'train'", "purpose must be one of label, measure"),
        ("seconds = 'long'", "seconds must be a number"),
        ("text = x'ff'", "text must be text"),
    ],
)
def test_a_damaged_call_is_named(path: Path, change: str, message: str) -> None:
    execute(path, f"UPDATE calls SET {change} WHERE key = ?", CALLS[7].key)
    with CallStore(path) as store:
        check = check_calls(store)
    assert check.calls == 399
    (fault,) = check.damage
    assert message in fault


@pytest.mark.parametrize("name", ["calls", "sqlite_autoindex_calls_1"])
def test_salvage_gives_back_what_can_be_read(path: Path, tmp_path: Path, name: str) -> None:
    pages = pages_of(path, name)
    scribble(path, pages[2], pages[-2])
    before, file = path.read_bytes(), tmp_path / "saved.jsonl.gz"
    keys = [call.key for call in CALLS]
    with CallStore(path) as store:
        with pytest.raises(StoreError, match="malformed") as caught:
            export_calls(store, file)
        assert caught.value.hint and "export --salvage" in caught.value.hint
        assert not file.exists()
        saved = salvage_calls(store, file)
    assert path.read_bytes() == before
    with CallStore(tmp_path / "new" / FILE_NAME) as new:
        assert import_calls(new, file).new == saved.calls
        replies = new.replies_to(keys)
    if name == "calls":
        assert 350 <= saved.calls < 400
        assert saved.unreadable > 0
    else:
        assert (saved.calls, saved.unreadable) == (400, 0)
    assert all(reply.text.startswith(f"{keys.index(key)} because") for key, reply in replies.items())


def test_salvage_leaves_out_a_damaged_call_alone(path: Path, tmp_path: Path) -> None:
    execute(path, "UPDATE calls SET messages = 'no JSON' WHERE key = ?", CALLS[7].key)
    with CallStore(path) as store:
        saved = salvage_calls(store, tmp_path / "saved.jsonl")
    assert (saved.calls, saved.unreadable) == (399, 1)


def test_salvage_of_a_sound_store_is_its_export(path: Path, tmp_path: Path) -> None:
    with CallStore(path) as store:
        export_calls(store, tmp_path / "export.jsonl")
        assert salvage_calls(store, tmp_path / "salvage.jsonl").unreadable == 0
    assert (tmp_path / "export.jsonl").read_bytes() == (tmp_path / "salvage.jsonl").read_bytes()


def test_salvage_does_not_ask_what_version_it_is(path: Path, tmp_path: Path) -> None:
    execute(path, "DELETE FROM meta")
    with CallStore(path) as store:
        assert salvage_calls(store, tmp_path / "saved.jsonl").calls == 400


@pytest.mark.parametrize("content", [None, b"no database\n" * 1000], ids=["missing", "no database"])
def test_salvage_of_nothing_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "store" / FILE_NAME
    if content:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(StoreError):
        salvage_calls(CallStore(path), tmp_path / "saved.jsonl")
    assert not (tmp_path / "saved.jsonl").exists()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_salvage_of_a_file_that_was_cut_off_gives_back_what_is_left(path: Path, tmp_path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with CallStore(path) as store:
        with pytest.raises(StoreError):
            export_calls(store, tmp_path / "export.jsonl")
        saved = salvage_calls(store, tmp_path / "saved.jsonl")
    assert 400 * share * 0.8 < saved.calls < 400
    assert saved.unreadable > 0
    with CallStore(tmp_path / "new" / FILE_NAME) as new:
        assert import_calls(new, tmp_path / "saved.jsonl").new == saved.calls


def test_the_hint_of_a_salvage_that_fails_is_no_salvage(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"\xa5" * 20_000)
    with CallStore(path) as store, pytest.raises(StoreError) as caught:
        salvage_calls(store, tmp_path / "saved.jsonl")
    assert caught.value.hint and "--salvage" not in caught.value.hint


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("text", "replace(text, 'because', 'becauze')"),
        ("provider", "'grok'"),
        ("dollars", "dollars + 1"),
        ("messages", "replace(messages, 'Answer', 'answer')"),
    ],
)
def test_one_changed_value_of_a_saved_call_is_found(path: Path, tmp_path: Path, column: str, value: str) -> None:
    """Though it is as good a value as the one that was saved."""
    execute(path, f"UPDATE calls SET {column} = {value} WHERE rowid = 8")
    with CallStore(path) as store:
        check = check_calls(store)
        assert check.calls == 399
        assert all("checksum" in fault for fault in check.damage)
        assert salvage_calls(store, tmp_path / "saved.jsonl").calls == 399
