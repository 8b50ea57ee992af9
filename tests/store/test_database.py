"""The tables are pinned with their version, and a file of anything else is refused and left alone."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.store.calls import FILE_NAME, SCHEMA, CallStore
from ragtally.store.calls_salvage import CallCheck, check_calls
from sample_calls import BIG, sample_call, sample_reply

GOLDEN = {
    1: {
        "attempts": (
            "number INTEGER PRIMARY KEY, key TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, status INTEGER, "
            "message TEXT NOT NULL, seconds REAL NOT NULL"
        ),
        "calls": (
            "key TEXT NOT NULL PRIMARY KEY, provider TEXT NOT NULL, model TEXT NOT NULL, purpose TEXT NOT NULL, "
            "vote INTEGER NOT NULL, seed INTEGER, text TEXT NOT NULL, finish_reason TEXT, input_tokens INTEGER, "
            "output_tokens INTEGER, tokens_estimated INTEGER NOT NULL, seconds REAL NOT NULL, served_by TEXT, "
            "dollars REAL, finished_at TEXT NOT NULL, parameters TEXT NOT NULL, messages TEXT NOT NULL"
        ),
        "meta": "name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL",
    }
}
CHECKSUM = ", checksum BLOB"
GOLDEN[2] = GOLDEN[1] | {"calls": GOLDEN[1]["calls"] + CHECKSUM}
GOLDEN[3] = GOLDEN[2] | {"calls": GOLDEN[2]["calls"] + ", cached_tokens INTEGER"}
"""The tables of every version; a change of the tables is a new version with its own line here."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with CallStore(tmp_path / FILE_NAME) as store:
        store.record(sample_call(1), sample_reply(), BIG, None)
    return tmp_path / FILE_NAME


def execute(path: Path, *statements: str) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(path)
    rows = [row for statement in statements for row in connection.execute(statement).fetchall()]
    connection.commit()
    connection.close()
    return rows


def test_the_tables_are_those_of_their_version(path: Path) -> None:
    tables = dict(execute(path, "SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    columns = {name: re.sub(r"^[^(]*\(\s*|\s*\)$", "", re.sub(r"\s+", " ", sql)) for name, sql in tables.items()}
    assert columns == GOLDEN[SCHEMA]
    assert execute(path, "SELECT * FROM meta") == [("schema", str(SCHEMA))]
    assert execute(path, "PRAGMA user_version") == [(SCHEMA,)]
    assert max(GOLDEN) == SCHEMA


def test_the_file_is_written_ahead(path: Path) -> None:
    assert execute(path, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("version", ["4", "0", "new"])
def test_another_version_is_refused_and_left_alone(path: Path, version: str) -> None:
    execute(path, f"UPDATE meta SET value = '{version}'")
    before = path.read_bytes()
    for use in (
        lambda store: store.replies_to([sample_call(1).key]),
        lambda store: store.record(sample_call(2), sample_reply(), BIG, None),
    ):
        with pytest.raises(StoreError, match=f"schema {version}") as caught:
            use(CallStore(path))
        assert caught.value.hint and "pip install --upgrade ragtally" in caught.value.hint
        assert caught.value.location and caught.value.location.file == str(path)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    execute(path, "CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a call store"):
        CallStore(path).spent()
    with pytest.raises(StoreError, match="not a call store"):
        CallStore(path).record(sample_call(1), sample_reply(), BIG, None)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"yes, no or maybe\n" * 500, b"SQLite format 3\x00" + b"\x07" * 5000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    for use in (
        lambda store: store.keys_without_reply([sample_call(1).key]),
        lambda store: store.record(sample_call(1), sample_reply(), BIG, None),
    ):
        with pytest.raises(StoreError, match="not a database") as caught:
            use(CallStore(path))
        assert caught.value.hint and "nothing was changed" in caught.value.hint
    assert path.read_bytes() == content


def test_a_newer_version_in_the_header_alone_is_refused_and_left_alone(path: Path) -> None:
    execute(path, "PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="schema 7"):
        CallStore(path).record(sample_call(2), sample_reply(), BIG, None)
    assert path.read_bytes() == before


def test_a_file_that_was_cut_to_nothing_is_no_new_store(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.touch()
    for use in (
        lambda store: store.replies_to([sample_call(1).key]),
        lambda store: store.record(sample_call(1), sample_reply(), BIG, None),
        lambda store: store.database.open_unchecked(),
    ):
        with pytest.raises(StoreError, match="0 bytes") as caught:
            use(CallStore(path))
        assert caught.value.hint and f"rm {path}" in caught.value.hint
    assert path.read_bytes() == b""


def test_a_kill_while_the_file_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CallStore(tmp_path / FILE_NAME)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        store.database.writing()
    assert not (tmp_path / FILE_NAME).exists()
    assert store.record(sample_call(1), sample_reply(), BIG, None)


def test_the_log_of_a_deleted_file_is_not_taken_for_the_new_ones(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    store = CallStore(path)
    store.record(sample_call(1), sample_reply(), BIG, None)
    log = path.with_name(f"{FILE_NAME}-wal").read_bytes()
    assert log
    store.close()
    path.unlink()
    path.with_name(f"{FILE_NAME}-wal").write_bytes(log)
    with CallStore(path) as new:
        new.record(sample_call(2), sample_reply(), BIG, None)
        assert new.keys_without_reply([sample_call(1).key, sample_call(2).key]) == [sample_call(1).key]
    assert execute(path, "PRAGMA integrity_check") == [("ok",)]


def version_1(path: Path) -> None:
    """Make a file of version 0.1, with a call in it."""
    with CallStore(path) as store:
        store.record(sample_call(1), sample_reply(), BIG, 0.5)
    execute(path, *(f"ALTER TABLE calls DROP COLUMN {name}" for name in ("checksum", "cached_tokens")))
    execute(path, "UPDATE meta SET value = '1'", "PRAGMA user_version = 0")
    path.chmod(0o644)


def test_a_store_of_version_1_is_read_as_it_is_and_upgraded_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    version_1(path)
    before = path.read_bytes()
    with CallStore(path) as store:
        assert store.replies_to([sample_call(1).key]) == {sample_call(1).key: sample_reply()}
        assert check_calls(store).calls == 1
    assert path.read_bytes() == before
    with CallStore(path) as store:
        store.record(sample_call(2), sample_reply(), BIG, None)
        assert check_calls(store).calls == 2
    assert execute(path, "PRAGMA user_version") == [(SCHEMA,)]
    assert execute(path, "SELECT count(checksum) FROM calls") == [(2,)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_store_of_version_2_keeps_its_checksums_when_it_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with CallStore(path) as store:
        store.record(sample_call(1), sample_reply(), BIG, 0.5)
    before = execute(path, "SELECT checksum FROM calls")
    execute(path, "ALTER TABLE calls DROP COLUMN cached_tokens", "UPDATE meta SET value = '2'")
    execute(path, "PRAGMA user_version = 2")
    with CallStore(path) as store:
        assert store.replies_to([sample_call(1).key]) == {sample_call(1).key: sample_reply()}
        assert check_calls(store) == CallCheck(1, ())
        cached = replace(sample_reply(), cached_tokens=7)
        store.record(sample_call(2), cached, BIG, None)
        assert store.replies_to([sample_call(2).key]) == {sample_call(2).key: cached}
        assert check_calls(store) == CallCheck(2, ())
    assert execute(path, "SELECT checksum FROM calls ORDER BY rowid")[:1] == before
    execute(path, "UPDATE calls SET cached_tokens = 8 WHERE cached_tokens = 7")
    with CallStore(path) as store:
        assert len(check_calls(store).damage) == 1, "it is part of what the checksum covers"


def test_the_files_are_their_owners_alone(path: Path) -> None:
    with CallStore(path) as store:
        store.record(sample_call(2), sample_reply(), BIG, None)
        modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert len(modes) >= 3
    assert set(modes.values()) == {0o600}
