"""The tables are pinned with their version, and a file of anything else is refused and left alone."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from ragtally.api import StoreError
from ragtally.store.calls import FILE_NAME, SCHEMA, CallStore
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
    assert max(GOLDEN) == SCHEMA


def test_the_file_is_written_ahead(path: Path) -> None:
    assert execute(path, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("version", ["2", "0", "new"])
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


def test_an_empty_file_is_an_empty_store(tmp_path: Path) -> None:
    """What is left when a process is killed between making the file and making the tables."""
    path = tmp_path / FILE_NAME
    path.touch()
    with CallStore(path) as store:
        assert store.replies_to([sample_call(1).key]) == {}
        store.record(sample_call(1), sample_reply(), BIG, None)
        assert store.replies_to([sample_call(1).key]) == {sample_call(1).key: sample_reply()}
